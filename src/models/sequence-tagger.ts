import type { CellChoice } from "../cells/registry.ts";
import { type ConditionalRandomField, conditionalRandomField } from "../layers/conditional-random-field.ts";
import { dropout } from "../layers/dropout.ts";
import { type Embedding, embedding } from "../layers/embedding.ts";
import type { RecurrentPreset } from "../layers/initialize.ts";
import type { MaskInput } from "../layers/layer.ts";
import { type Linear, linear } from "../layers/linear.ts";
import { poolOverTime } from "../layers/pool-over-time.ts";
import { type Recurrent, recurrent } from "../layers/recurrent.ts";
import { type WordCharacters, wordCharacters } from "../layers/word-characters.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import { variable } from "../math/expression.ts";
import { describe, expectBoolean, expectOneOf, expectRate, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import { schemeRules, TAG_SCHEMES, type TagScheme } from "../shared/tag-schemes.ts";
import { add, div } from "../tensor/arithmetic.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { concatenate, sumAll } from "../tensor/operations.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import { type CellConfig, chooseCell } from "./cell-choice.ts";
import { expectNames, type FromConfigOptions, optionsOfConfig } from "./model-config.ts";

/** How the tags of a sentence are chosen: as the best sequence of a conditional random field ("crf"), or each by itself ("softmax"). */
export type TaggerHead = "crf" | "softmax";

/** Options of `sequenceTagger`. */
export interface SequenceTaggerOptions {
  /** V: number of words; the first stands for unknown words. */
  readonly vocabularySize: number;
  /** Numbers per word. Default 100. */
  readonly embeddingSize?: number | undefined;
  /** Characters to read words by. Default: words are not read by characters. */
  readonly characters?: readonly string[] | undefined;
  /** Numbers per character. Default 25. */
  readonly characterEmbeddingSize?: number | undefined;
  /** Units per direction of the layer that reads characters. Default 25. */
  readonly characterHiddenSize?: number | undefined;
  /** Characters of a word that are read; of longer words the first and last half. Default 16. */
  readonly wordLength?: number | undefined;
  /** At least two different tags. */
  readonly tags: readonly string[];
  /** The scheme of the tags, if they are spans: a CRF then respects it. */
  readonly scheme?: TagScheme | undefined;
  /** The scheme of the predictions. Default `scheme`. */
  readonly writtenScheme?: TagScheme | undefined;
  /** At least two intents of sentences, which are then learned too. */
  readonly intents?: readonly string[] | undefined;
  /** Default "crf". */
  readonly head?: TaggerHead | undefined;
  /** A built-in cell by name, with options, or one of your own; it also reads the characters. Default "lstm". */
  readonly cell?: CellChoice | undefined;
  /** H: units per direction. Default 100. */
  readonly hiddenSize?: number | undefined;
  /** P per direction, for cells with a projection; also of the layer that reads characters. Default 0. */
  readonly projectionSize?: number | undefined;
  /** L: number of recurrent layers. Default 1. */
  readonly numLayers?: number | undefined;
  /** Whether a second direction reads sentences from their end. Default true. */
  readonly bidirectional?: boolean | undefined;
  /** Initialization of the recurrent weights: "pytorch" (default) or "keras". */
  readonly initialize?: RecurrentPreset | undefined;
  /** Dropout rate for the input of the recurrent layers, between them and for their output. Default 0.5. */
  readonly dropout?: number | undefined;
  /** Dropout rate for the input of the first recurrent layer only. Default `dropout`. */
  readonly inputDropout?: number | undefined;
  /** Dropout rate for the output of the last recurrent layer. Default `dropout`. */
  readonly outputDropout?: number | undefined;
}

/** Everything needed to make the same model again, in a form that JSON can hold. */
export type SequenceTaggerConfig = Readonly<
  { kind: "tagger"; cell: CellConfig } & Pick<
    SequenceTaggerOptions,
    "characters" | "scheme" | "writtenScheme" | "intents"
  > &
    Pick<SequenceTaggerOptions, "characterEmbeddingSize" | "characterHiddenSize" | "wordLength"> &
    Pick<SequenceTaggerOptions, "inputDropout" | "outputDropout"> &
    Required<Pick<SequenceTaggerOptions, "vocabularySize" | "tags">> & {
      embeddingSize: number;
      head: TaggerHead;
      hiddenSize: number;
      projectionSize?: number;
      numLayers: number;
      bidirectional: boolean;
      initialize: RecurrentPreset;
      dropout: number;
    }
>;

/** A batch of sentences of at most T tokens. */
export interface SequenceTaggerInput {
  /** int [T, B] in [0, V) */
  readonly words: Tensor;
  /** int [L, T·B]: the characters of each token, 0 for an unknown one, else its place in `characters` + 1. */
  readonly characters?: Tensor | undefined;
  /** [T·B], how many characters each token has. */
  readonly lengths?: Tensor | undefined;
  /** [T, B] of ones and then zeros: steps with 0 are not there. */
  readonly mask: Tensor;
}

/** The output of a tagger's network. */
export interface SequenceTaggerOutput {
  /** [T, B, C], scores of the tags; logits where the head is softmax. */
  readonly emissions: Tensor;
  /** [B, I], logits of the intents, if the model has any. */
  readonly intents: Tensor | undefined;
}

/** For `expectOptions`. */
export const sequenceTaggerNames = {
  vocabularySize: "required",
  embeddingSize: 1,
  characters: 1,
  characterEmbeddingSize: 1,
  characterHiddenSize: 1,
  wordLength: 1,
  tags: "required",
  scheme: 1,
  writtenScheme: 1,
  intents: 1,
  head: 1,
  cell: 1,
  hiddenSize: 1,
  projectionSize: 1,
  numLayers: 1,
  bidirectional: 1,
  initialize: 1,
  dropout: 1,
  inputDropout: 1,
  outputDropout: 1,
} as const satisfies OptionNames<SequenceTaggerOptions>;

/**
 * Tags each token of a sentence: word embedding, concatenated with a recurrent encoding of the word's characters → dropout → recurrent
 * layers → dropout → linear head → softmax or conditional random field. The intent is predicted from the maximum over time.
 *
 * Parameters: `embedding.weight` [V, E]; `characters.embedding.weight`, `characters.rnn.…`; `rnn.weight_ih_l0`, …; `head.weight` [C, W],
 * `head.bias` [C]; `field.transitions` [C, C], `field.start` [C], `field.end` [C]; `intent.weight` [I, W], `intent.bias` [I].
 *
 * @see Lample et al. (2016), arXiv:1603.01360, for words and characters under a CRF; Liu & Lane (2016), arXiv:1609.01454, for intents
 */
export class SequenceTagger implements HasParameters {
  readonly config: SequenceTaggerConfig;
  readonly parts: {
    readonly embedding: Embedding;
    readonly characters?: WordCharacters;
    readonly rnn: Recurrent;
    readonly head: Linear;
    readonly field?: ConditionalRandomField;
    readonly intent?: Linear;
  };

  /** @throws UsageError "bad-option", "unknown-choice", "not-an-integer", "out-of-range" */
  constructor(options: SequenceTaggerOptions) {
    expectOptions<SequenceTaggerOptions>("sequenceTagger", options, sequenceTaggerNames);
    const { embeddingSize = 100, hiddenSize = 100, numLayers = 1, scheme, writtenScheme, characters } = options;
    const { characterEmbeddingSize = 25, characterHiddenSize = 25, wordLength = 16, initialize = "pytorch" } = options;
    const { projectionSize = 0 } = options;
    const rate = expectRate("dropout", options.dropout ?? 0.5);
    const { inputDropout, outputDropout } = options;
    for (const [name, value] of Object.entries({ inputDropout, outputDropout }))
      if (value !== undefined) expectRate(name, value);
    const tags = expectNames("tags", options.tags);
    const intents = options.intents === undefined ? undefined : expectNames("intents", options.intents);
    const head = expectOneOf("head", options.head ?? "crf", ["crf", "softmax"]);
    const bidirectional = expectBoolean("bidirectional", options.bidirectional ?? true);
    for (const [name, value] of Object.entries({ scheme, writtenScheme }))
      if (value !== undefined) expectOneOf(name, value, TAG_SCHEMES);
    const { cell, spec } = chooseCell(options.cell ?? "lstm");
    const table = embedding({ vocabularySize: options.vocabularySize, embeddingSize });
    const byCharacter =
      characters &&
      wordCharacters({
        ...{ cell, characters: characters.length + 1, wordLength, initialize, projectionSize },
        ...{ embeddingSize: characterEmbeddingSize, hiddenSize: characterHiddenSize },
      });
    const inputSize = embeddingSize + (byCharacter?.outputSize ?? 0);
    const rnn = recurrent({
      ...{ cell, inputSize, hiddenSize, projectionSize, numLayers, bidirectional, dropout: rate, initialize },
    });
    const width = rnn.outputSize * (bidirectional ? 2 : 1);
    const rules = scheme && schemeRules(scheme);
    const constraints = rules && {
      start: (tag: number) => rules.start(tags[tag]!),
      follow: (before: number, tag: number) => rules.follow(tags[before]!, tags[tag]!),
      end: (tag: number) => rules.end(tags[tag]!),
    };
    this.parts = {
      embedding: table,
      ...(byCharacter && { characters: byCharacter }),
      rnn,
      head: linear({ inputSize: width, outputSize: tags.length }),
      ...(head === "crf" && { field: conditionalRandomField({ tags: tags.length, constraints }) }),
      ...(intents && { intent: linear({ inputSize: width, outputSize: intents.length }) }),
    };
    this.config = {
      ...{ kind: "tagger", vocabularySize: options.vocabularySize, embeddingSize },
      ...(characters && { characters: [...characters], characterEmbeddingSize, characterHiddenSize, wordLength }),
      tags,
      ...(scheme && { scheme, writtenScheme: writtenScheme ?? scheme }),
      ...(intents && { intents }),
      ...{ head, cell: spec, hiddenSize, numLayers, bidirectional, initialize, dropout: rate },
      ...(projectionSize > 0 && { projectionSize }),
      ...(inputDropout !== undefined && { inputDropout }),
      ...(outputDropout !== undefined && { outputDropout }),
    };
  }

  /** @throws ShapeError "shape-mismatch"; UsageError "missing-input" */
  forward(input: SequenceTaggerInput): SequenceTaggerOutput {
    expectOptions("SequenceTagger.forward", input, { words: "required", characters: 1, lengths: 1, mask: "required" });
    const { mask, ...read } = input;
    return this.answer(this.parts.rnn.forward(this.embed(read), { mask }).output, { mask });
  }

  /** Records the heads, from the output of the recurrent layers [T, B, W] to what `forward` returns. */
  answer(output: Tensor, input: MaskInput = {}): SequenceTaggerOutput {
    expectOptions("SequenceTagger.answer", input, { mask: 1 });
    const { head, intent } = this.parts;
    const { dropout: rate, outputDropout = rate } = this.config;
    const dropped = dropout({ rate: outputDropout }).forward(output);
    return {
      emissions: head.forward(dropped),
      intents: intent?.forward(poolOverTime({ kind: "max" }).forward(dropped, input)),
    };
  }

  /** Records the input of the recurrent layers, [T, B, D]: words, with what is read from their characters. */
  embed(input: Omit<SequenceTaggerInput, "mask">): Tensor {
    expectOptions("SequenceTagger.embed", input, { words: "required", characters: 1, lengths: 1 });
    const { words, characters, lengths } = input;
    const { embedding: table, characters: byCharacter } = this.parts;
    expectTensor("words", words, ["T", "B"]);
    const [steps, rows] = words.shape as [number, number];
    const { dropout: rate, inputDropout = rate } = this.config;
    const whole = table.forward(words);
    if (byCharacter && !(characters && lengths))
      throw new UsageError(
        "missing-input",
        "SequenceTagger: this model also reads the characters of words: give characters and lengths",
      );
    const read = byCharacter
      ? concatenate([whole, byCharacter.forward(characters!, lengths!, [steps, rows])], 2)
      : whole;
    return dropout({ rate: inputDropout }).forward(read);
  }

  /**
   * Records −log p of the tags, a mean over the tokens, plus that of the intents, a mean over the sentences; shape [].
   * @param targets.tags int [T, B] in [0, C) @param targets.intents int [B] in [0, I)
   */
  loss(input: SequenceTaggerInput, targets: { readonly tags: Tensor; readonly intents?: Tensor | undefined }): Tensor {
    expectOptions("SequenceTagger.loss", targets, { tags: "required", intents: 1 });
    const { emissions, intents } = this.forward(input);
    const { mask } = input;
    const { field } = this.parts;
    const own = field
      ? div(
          sumAll({ loss: field.negativeLogLikelihood(emissions, targets.tags, { mask }) }, variable("loss")),
          sumAll({ mask }, variable("mask")),
        )
      : crossEntropy(emissions, targets.tags, { mask });
    if (!intents || !targets.intents) return own;
    return add(own, crossEntropy(intents, targets.intents));
  }
}

/**
 * Creates a sequence tagger.
 * @example `sequenceTagger({ vocabularySize: 8000, tags: ["O", "B-PER", "I-PER"], scheme: "iob2" })`
 */
export const sequenceTagger = (options: SequenceTaggerOptions): SequenceTagger => new SequenceTagger(options);

/**
 * Creates the sequence tagger that a config describes. The config may come from a file: everything in it is checked.
 * @param options.cells cells of your own by name, for models that were made with one
 * @throws UsageError "bad-config", and what `sequenceTagger` throws
 */
export function sequenceTaggerFromConfig(value: unknown, options: FromConfigOptions = {}): SequenceTagger {
  const made = optionsOfConfig<SequenceTaggerOptions>("sequenceTaggerFromConfig", value, "tagger", options);
  const { characters } = made;
  if (characters !== undefined && !(Array.isArray(characters) && characters.every((one) => typeof one === "string")))
    throw new UsageError("bad-config", `model.characters: expected characters, got ${describe(characters)}`);
  return new SequenceTagger(made);
}
