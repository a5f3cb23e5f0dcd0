import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { classify } from "../classify.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about: "digits read row by row, 28 steps of 28 pixels, 10,000 training images",
  data: {
    ...{ trainImages: "mnist/train10k-images-idx3-ubyte.gz", trainLabels: "mnist/train10k-labels-idx1-ubyte.gz" },
    ...{ testImages: "mnist/t10k-images-idx3-ubyte.gz", testLabels: "mnist/t10k-labels-idx1-ubyte.gz" },
  },
  variants: {
    parity: {
      ...{ validation: 0, scaling: "none", batchSize: 64, epochs: 6, learningRate: 1e-3, clipNorm: 1 },
      model: { hiddenSize: 128, bidirectional: false, pooling: "last", dropout: 0 },
    },
    ours: { scaling: "none", epochs: 15 },
  },
  reach: { parity: "93.9 ± .3 (PyTorch 1.13)", ours: "96.5" },
  run: ({ data, ...given }) =>
    classify({
      ...given,
      train: readDigits(data.trainImages, data.trainLabels),
      test: readDigits(data.testImages, data.testLabels),
    }),
});

/** Files of idx: magic number and sizes big-endian, then bytes. */
function readDigits(imagesFile, labelsFile) {
  const [images, labels] = [imagesFile, labelsFile].map((file) => gunzipSync(readFileSync(file)));
  const [count, rows, columns] = [4, 8, 12].map((at) => images.readUInt32BE(at));
  if (images.readUInt32BE(0) !== 0x803 || labels.readUInt32BE(0) !== 0x801 || labels.readUInt32BE(4) !== count)
    throw new Error(`${imagesFile}, ${labelsFile}: expected idx files of as many images as labels`);
  const size = rows * columns;
  return {
    inputs: Array.from({ length: count }, (_, k) => ({
      channels: columns,
      values: Float64Array.from(images.subarray(16 + k * size, 16 + (k + 1) * size), (pixel) => pixel / 255),
    })),
    labels: Array.from(labels.subarray(8), String),
    places: Array.from({ length: count }, (_, k) => `${imagesFile}, image ${k + 1}`),
  };
}
