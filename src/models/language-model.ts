import type { Cell, InitialStates } from "../cells/define.ts";
import type { CellChoice, StatesOf } from "../cells/registry.ts";
import { activationPenalty } from "../layers/activation-penalty.ts";
import { type DropoutPer, dropout } from "../layers/dropout.ts";
import { type Embedding, embedding } from "../layers/embedding.ts";
import type { Hold } from "../layers/held-values.ts";
import type { RecurrentPreset } from "../layers/initialize.ts";
import { type Linear, linear } from "../layers/linear.ts";
import { type Recurrent, type RecurrentOutput, recurrent } from "../layers/recurrent.ts";
import { dropWords } from "../layers/weight-dropout.ts";
import { describe, expectBoolean, expectInteger, expectOneOf, expectRate, UsageError } from "../shared/errors.ts";
import { type Complete, expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import { type CellConfig, chooseCell } from "./cell-choice.ts";
import { type FromConfigOptions, optionsOfConfig } from "./model-config.ts";

/**
 * What is dropped in training; the options of an AWD-LSTM (Merity, Keskar & Socher 2018, arXiv:1708.02182). Rates are probabilities
 * from 0 to below 1; the remaining elements are scaled up, as in PyTorch.
 */
export interface LanguageModelDropout {
  /** Default of the next three. Default 0. */
  readonly dropout?: number | undefined;
  /** Rate for elements of the embedding, before the first recurrent layer. Default `dropout`. */
  readonly inputDropout?: number | undefined;
  /** Rate for elements between two recurrent layers. Default `dropout`. */
  readonly layerDropout?: number | undefined;
  /** Rate for elements before the head. Default `dropout`. */
  readonly outputDropout?: number | undefined;
  /** Rate for whole words of the vocabulary, whose vector is zero wherever they occur, for one update. Default 0. */
  readonly embeddingDropout?: number | undefined;
  /** Rate for recurrent weights, for one update (DropConnect). Only for cells with recurrent weights. Default 0. */
  readonly weightDropout?: number | undefined;
  /**
   * Whether the masks of input, layers and output are drawn at each step ("step", default; Zaremba, Sutskever & Vinyals 2014,
   * arXiv:1409.2329) or once for all steps of an update ("sequence"; Gal & Ghahramani 2016, arXiv:1512.05287).
   */
  readonly dropoutPer?: DropoutPer | undefined;
  /** α: adds α times the mean square of the last layer's output (after dropout) to the training loss. Default 0. */
  readonly activationPenalty?: number | undefined;
  /** β: adds β times the mean square of how that output (before dropout) changes from step to step. Default 0. */
  readonly changePenalty?: number | undefined;
}

/** Options of `languageModel`; `C` is what its cell is made of. */
export interface LanguageModelOptions<C extends CellChoice = CellChoice> extends LanguageModelDropout {
  /** V: number of tokens, `tokenizer.vocabularySize`. */
  readonly vocabularySize: number;
  /** E: numbers per token. Default 64; with `tied` the output width of the recurrent layers. */
  readonly embeddingSize?: number | undefined;
  /** A built-in cell by name (`cellNames`), with options, or a cell of your own from `defineCell`. Default "lstm". */
  readonly cell?: C | undefined;
  /** H: units per layer. Default 128. */
  readonly hiddenSize?: number | undefined;
  /** P, for cells with a projection. Default 0. */
  readonly projectionSize?: number | undefined;
  /** L: number of recurrent layers. Default 1. */
  readonly numLayers?: number | undefined;
  /** Whether the head shares the weights of the embedding (Press & Wolf 2017, arXiv:1608.05859). Default false. */
  readonly tied?: boolean | undefined;
  /** Initialization of the recurrent weights: "pytorch" (default) or "keras". */
  readonly initialize?: RecurrentPreset | undefined;
}

/** Describes a language model completely, as JSON. */
export interface LanguageModelConfig extends Complete<Omit<LanguageModelOptions, "cell">> {
  readonly kind: "language-model";
  readonly cell: CellConfig;
}

/** What a language model takes besides tokens. */
export interface LanguageModelInput<S extends string = string> {
  /** Initial state by name, each [L, B, H|P]. States left out are zero. */
  readonly initial?: InitialStates<S, Tensor> | undefined;
  /** [T, B] of ones and zeros: a step with 0 does not change the state. */
  readonly mask?: Tensor | undefined;
  /** Named values of the cell to trace, e.g. ["i", "f", "c"]. */
  readonly trace?: readonly string[] | undefined;
  /** Values of the cells to replace: what stands in the place of each (`Held`). */
  readonly hold?: Hold | undefined;
}

/** The output of a language model. */
export interface LanguageModelOutput<S extends string = string> {
  /** [T, B, V] */
  readonly logits: Tensor;
  /** State after the last step by name, each [L, B, H|P]. */
  readonly final: Readonly<Record<S, Tensor>>;
  /** Traced values [T, B, H|P] under `NAME_lK`. */
  readonly traces: Readonly<Record<string, Tensor>>;
  /**
   * What `activationPenalty` and `changePenalty` add to the training loss, shape []; undefined if both are 0. Not part of the reported
   * loss.
   */
  readonly penalty: Tensor | undefined;
}

const languageModelInputs = { initial: 1, mask: 1, trace: 1, hold: 1 } as const;

/** What the head sees, [T, B, H|P], and what else `LanguageModelOutput` has. */
export type LanguageModelHidden<S extends string = string> = RecurrentOutput<S> & Pick<LanguageModelOutput, "penalty">;

/**
 * A language model predicts the next token from all tokens before it: embedding → recurrent layers → linear head.
 *
 * Parameters: `embedding.weight` [V, E]; `rnn.weight_ih_l0`, … with PyTorch's names and layout; `head.weight` [V, H] (unless tied) and
 * `head.bias` [V].
 *
 * `S` are the names of its states: `LanguageModel<"h" | "c">` with an LSTM; of a loaded run `string`.
 * @see Mikolov et al., "Recurrent neural network based language model" (2010); dropout where Zaremba, Sutskever & Vinyals
 *   (2014), arXiv:1409.2329, put it
 */
export class LanguageModel<S extends string = string> implements HasParameters {
  readonly config: LanguageModelConfig;
  readonly cell: Cell<S>;
  readonly parts: { readonly embedding: Embedding; readonly rnn: Recurrent<S>; readonly head: Linear };

  /** @throws UsageError "unknown-choice", "bad-option", "not-an-integer", "out-of-range" */
  constructor(options: LanguageModelOptions) {
    expectOptions("languageModel", options, {
      vocabularySize: "required",
      ...{ embeddingSize: 1, cell: 1, hiddenSize: 1, projectionSize: 1, numLayers: 1, tied: 1, initialize: 1 },
      ...{ dropout: 1, inputDropout: 1, layerDropout: 1, outputDropout: 1, embeddingDropout: 1, weightDropout: 1 },
      ...{ dropoutPer: 1, activationPenalty: 1, changePenalty: 1 },
    });
    const { hiddenSize = 128, projectionSize = 0, numLayers = 1, initialize = "pytorch" } = options;
    const vocabularySize = expectInteger("vocabularySize", options.vocabularySize, { min: 1 });
    const drops = dropoutsOf(options);
    const tied = expectBoolean("tied", options.tied ?? false);
    const { cell: chosen, spec } = chooseCell(options.cell ?? "lstm");
    const cell = chosen as Cell<S>;
    expectInteger("hiddenSize", hiddenSize, { min: 1 });
    const projects = cell.states[0]?.width === "projection";
    const outputSize = projects ? expectInteger("projectionSize", projectionSize, { min: 1 }) : hiddenSize;
    const embeddingSize = expectInteger("embeddingSize", options.embeddingSize ?? (tied ? outputSize : 64), { min: 1 });
    if (tied && embeddingSize !== outputSize)
      throw new UsageError(
        "bad-option",
        `tied: the head uses the embedding's vectors, so embeddingSize must be ${outputSize} like the output of the recurrent layers, got ${embeddingSize}`,
      );
    const table = embedding({ vocabularySize, embeddingSize });
    const rnn = recurrent({
      ...{ cell, inputSize: embeddingSize, hiddenSize, projectionSize, numLayers },
      ...{ dropout: drops.layerDropout, dropoutPer: drops.dropoutPer, weightDropout: drops.weightDropout, initialize },
    });
    const weight = tied ? table.weight : undefined;
    const head = linear({ inputSize: outputSize, outputSize: vocabularySize, weight });
    this.cell = cell;
    this.parts = { embedding: table, rnn, head };
    this.config = {
      kind: "language-model",
      ...{ vocabularySize, embeddingSize, cell: spec, hiddenSize, projectionSize, numLayers },
      ...{ ...drops, tied, initialize },
    };
  }

  /** Shape of each state for a batch of B: [L, B, H|P]. */
  stateShapes(batch: number): Record<S, readonly number[]> {
    return this.parts.rnn.stateShapes(expectInteger("batch", batch, { min: 1 }));
  }

  /**
   * Records the model from tokens to logits.
   * @param tokens whole numbers [T, B] in [0, V)
   */
  forward(tokens: Tensor, input: LanguageModelInput<S> = {}): LanguageModelOutput<S> {
    expectOptions("LanguageModel.forward", input, languageModelInputs);
    const { output, ...rest } = this.hidden(tokens, input);
    return { logits: this.parts.head.forward(output), ...rest };
  }

  /** Records the model from tokens to the input of its head, [T, B, H|P]. */
  hidden(tokens: Tensor, input: LanguageModelInput<S> = {}): LanguageModelHidden<S> {
    expectOptions("LanguageModel.hidden", input, languageModelInputs);
    expectTensor("tokens", tokens, ["T", "B"]);
    const { vocabularySize, inputDropout, outputDropout, embeddingDropout, dropoutPer, ...rest } = this.config;
    const drop = (rate: number, x: Tensor): Tensor => dropout({ rate, per: dropoutPer }).forward(x);
    const words = dropWords(this.parts.embedding.forward(tokens), tokens, { rate: embeddingDropout, vocabularySize });
    const { output, final, traces } = this.parts.rnn.forward(drop(inputDropout, words), input);
    const dropped = drop(outputDropout, output);
    const penalty = activationPenalty({ output, dropped, alpha: rest.activationPenalty, beta: rest.changePenalty });
    return { output: dropped, final, traces, penalty };
  }
}

/**
 * Creates a language model. Its parameters are created by `createParameters` or by `trainText`.
 * @example `languageModel({ vocabularySize: 65, cell: "gru", hiddenSize: 256 })`
 */
export const languageModel = <const C extends CellChoice = "lstm">(
  options: LanguageModelOptions<C>,
): LanguageModel<StatesOf<C>> => new LanguageModel(options);

/**
 * Creates the language model that a config describes. The config may come from a file: everything in it is checked.
 * @param options.cells cells of your own by name, for models that were made with one
 * @throws UsageError "bad-config", and what `languageModel` throws
 */
export function languageModelFromConfig(value: unknown, options: FromConfigOptions = {}): LanguageModel {
  return new LanguageModel(
    optionsOfConfig<LanguageModelOptions>("languageModelFromConfig", value, "language-model", options),
  );
}

/** Each rate and penalty with its default, checked. */
function dropoutsOf({
  dropout = 0,
  inputDropout = dropout,
  layerDropout = dropout,
  outputDropout = dropout,
  embeddingDropout = 0,
  weightDropout = 0,
  dropoutPer = "step",
  activationPenalty = 0,
  changePenalty = 0,
}: LanguageModelDropout): Complete<LanguageModelDropout> {
  const rates = { dropout, inputDropout, layerDropout, outputDropout, embeddingDropout, weightDropout };
  for (const [name, rate] of Object.entries(rates)) expectRate(name, rate);
  return {
    ...rates,
    dropoutPer: expectOneOf("dropoutPer", dropoutPer, ["step", "sequence"]),
    activationPenalty: expectPenalty("activationPenalty", activationPenalty),
    changePenalty: expectPenalty("changePenalty", changePenalty),
  };
}

function expectPenalty(argument: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new UsageError("out-of-range", `${argument}: expected a number of at least 0, got ${describe(value)}`);
}
