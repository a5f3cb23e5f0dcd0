import type { Cell } from "../cells/define.ts";
import { less, select, variable } from "../math/expression.ts";
import { expectInteger } from "../shared/errors.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { arange, concatenate, pointwise, reshape, slice } from "../tensor/operations.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import { type Embedding, embedding } from "./embedding.ts";
import type { RecurrentPreset } from "./initialize.ts";
import { type Recurrent, recurrent } from "./recurrent.ts";

export interface WordCharactersOptions {
  readonly cell: Cell;
  /** How many kinds of characters there are. */
  readonly characters: number;
  /** L: how many of a word are read. */
  readonly wordLength: number;
  /** Numbers that stand for a character. */
  readonly embeddingSize: number;
  /** H of each direction. */
  readonly hiddenSize: number;
  /** P of each direction, 0 for a cell without a projection. */
  readonly projectionSize: number;
  /** How the recurrent layer begins. */
  readonly initialize: RecurrentPreset;
}

export interface WordCharacters extends HasParameters {
  readonly parts: { readonly embedding: Embedding; readonly rnn: Recurrent };
  /** 2·H, or 2·P of a cell with a projection. */
  readonly outputSize: number;
  /**
   * @param characters int [L, T·B] @param lengths [T·B], how many of a word count: at most L, 0 where there is no word
   * @param shape [T, B]
   * @returns [T, B, outputSize]
   */
  forward(characters: Tensor, lengths: Tensor, shape: readonly [number, number]): Tensor;
}

/**
 * A vector for each word from its characters: the states after the last character of a recurrent layer that reads the word from its
 * beginning, and of one that reads it from its end; zeros where there is no word.
 *
 * Parameters `embedding.weight` [characters, embeddingSize] and `rnn.weight_ih_l0`, ….
 * @see Ling et al. (2015), arXiv:1508.02096
 */
export function wordCharacters(options: WordCharactersOptions): WordCharacters {
  const { cell, hiddenSize, projectionSize, embeddingSize, initialize } = options;
  const wordLength = expectInteger("wordLength", options.wordLength, { min: 1 });
  const table = embedding({ vocabularySize: options.characters, embeddingSize });
  const rnn = recurrent({
    ...{ cell, inputSize: embeddingSize, hiddenSize, projectionSize, bidirectional: true, initialize },
  });
  return {
    outputSize: 2 * rnn.outputSize,
    parts: { embedding: table, rnn },
    forward(characters, lengths, [steps, rows]) {
      const words = steps * rows;
      expectTensor("wordCharacters: characters", characters, [wordLength, words]);
      expectTensor("wordCharacters: lengths", lengths, [words]);
      const place = arange(characters.graph, [wordLength, 1]);
      const mask = pointwise(
        { place, length: reshape(lengths, [1, words]) },
        select(less(variable("place"), variable("length")), 1, 0),
      );
      const { final } = rnn.forward(table.forward(characters), { mask });
      const states = final[cell.states[0]!.name]!;
      const direction = (k: number): Tensor => reshape(slice(states, 0, k, k + 1), [words, rnn.outputSize]);
      return reshape(concatenate([direction(0), direction(1)], 1), [steps, rows, 2 * rnn.outputSize]);
    },
  };
}
