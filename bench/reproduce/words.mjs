/** What the recipes on sentences have in common: words between spaces, in lower case; the recipe that PyTorch was measured with. */
import { asPyTorch } from "./classify.mjs";

export const words = { kind: "word", segmentation: "space", normalize: ["lowercase"] };

export const sentenceParity = asPyTorch({
  ...{ validation: 0, batchSize: 50, clipNorm: 1, embeddingDeviation: 0.1, tokenizer: words },
  model: { embeddingSize: 100, hiddenSize: 100, bidirectional: true, pooling: "max", dropout: 0.3 },
});
