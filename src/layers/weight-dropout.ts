import { expectRate } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { mul } from "../tensor/arithmetic.ts";
import { expectTensor, type Graph, type Tensor } from "../tensor/graph.ts";
import { gather } from "../tensor/operations.ts";
import { drawMask } from "./random-mask.ts";

/**
 * A mask over weights [rows, columns]: 0 with probability `rate`, otherwise 1 / (1 − rate). Drawn anew at each update and
 * the same for all examples and steps; element (r, c) is the draw of example r and unit c, whatever example a batch begins with.
 */
function weightMask(graph: Graph, [rows, columns]: readonly [number, number], rate: number): Tensor {
  const mask = graph.empty([rows, columns]);
  const key = graph.randomKey({ perExample: false });
  drawMask(graph, mask.range, [1, rows, columns], { rate, scale: 1 / (1 - rate) }, key);
  return mask;
}

/**
 * Sets random elements of a weight matrix [rows, columns] to 0 in training (DropConnect). One mask holds for all steps and sequences of
 * an update.
 * @throws UsageError "out-of-range"
 * @see Wan et al., "Regularization of neural networks using DropConnect" (2013); on recurrent weights Merity, Keskar &
 *   Socher 2018 (arXiv:1708.02182), section 2
 */
export function dropConnect(
  weight: Tensor,
  options: {
    /** Probability that a weight is dropped, from 0 to below 1. */
    readonly rate: number;
  },
): Tensor {
  expectOptions("dropConnect", options, { rate: "required" });
  const { rate } = options;
  expectRate("dropConnect", rate);
  expectTensor("dropConnect", weight, ["rows", "columns"]);
  const { graph } = weight;
  if (!graph.training || rate === 0) return weight;
  return mul(weight, weightMask(graph, weight.shape as [number, number], rate));
}

/**
 * Sets the vectors of random words to 0 in training. One mask holds for an update: a word is dropped wherever it occurs. Equal to
 * dropping rows of the embedding table, without copying it.
 * @param vectors [..., E]: what an embedding gave for the tokens.
 * @param tokens Whole numbers [...] in [0, vocabularySize).
 * @throws UsageError "out-of-range"
 * @see Gal & Ghahramani 2016 (arXiv:1512.05287), section 4.2; Merity, Keskar & Socher 2018 (arXiv:1708.02182), section 4.3
 */
export function dropWords(
  vectors: Tensor,
  tokens: Tensor,
  options: {
    /** Probability that a word is dropped, from 0 to below 1. */
    readonly rate: number;
    /** V: number of words. */
    readonly vocabularySize: number;
  },
): Tensor {
  expectOptions("dropWords", options, { rate: "required", vocabularySize: "required" });
  const { rate, vocabularySize } = options;
  expectRate("dropWords", rate);
  expectTensor("dropWords: vectors", vectors);
  expectTensor("dropWords: tokens", tokens, vectors.shape.slice(0, -1));
  const { graph } = vectors;
  if (!graph.training || rate === 0) return vectors;
  return mul(vectors, gather(tokens, weightMask(graph, [vocabularySize, 1], rate)));
}
