/** Handwritten digits as series: files of idx (magic number and sizes big-endian, then bytes). */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { classify } from "./classify.mjs";
import { defineRecipe } from "./recipe.mjs";

/** @param {"rows" | "pixels"} step what is read at a step: a row of 28 pixels, or one pixel, row after row */
export const digitsRecipe = (step, rest) =>
  defineRecipe({
    data: {
      ...{ trainImages: "mnist/train10k-images-idx3-ubyte.gz", trainLabels: "mnist/train10k-labels-idx1-ubyte.gz" },
      ...{ testImages: "mnist/t10k-images-idx3-ubyte.gz", testLabels: "mnist/t10k-labels-idx1-ubyte.gz" },
    },
    ...rest,
    run: ({ data, ...given }) =>
      classify({
        ...given,
        train: readDigits(step, data.trainImages, data.trainLabels),
        test: readDigits(step, data.testImages, data.testLabels),
      }),
  });

function readDigits(step, imagesFile, labelsFile) {
  const [images, labels] = [imagesFile, labelsFile].map((file) => gunzipSync(readFileSync(file)));
  const [count, rows, columns] = [4, 8, 12].map((at) => images.readUInt32BE(at));
  if (images.readUInt32BE(0) !== 0x803 || labels.readUInt32BE(0) !== 0x801 || labels.readUInt32BE(4) !== count)
    throw new Error(`${imagesFile}, ${labelsFile}: expected idx files of as many images as labels`);
  const size = rows * columns;
  return {
    inputs: Array.from({ length: count }, (_, k) => ({
      channels: step === "rows" ? columns : 1,
      values: Float64Array.from(images.subarray(16 + k * size, 16 + (k + 1) * size), (pixel) => pixel / 255),
    })),
    labels: Array.from(labels.subarray(8), String),
    places: Array.from({ length: count }, (_, k) => `${imagesFile}, image ${k + 1}`),
  };
}
