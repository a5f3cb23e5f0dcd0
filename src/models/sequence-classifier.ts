import type { Cell } from "../cells/define.ts";
import type { CellChoice } from "../cells/registry.ts";
import { type AttentionPool, attentionPool } from "../layers/attention-pool.ts";
import { dropout } from "../layers/dropout.ts";
import { type Embedding, embedding } from "../layers/embedding.ts";
import type { RecurrentPreset } from "../layers/initialize.ts";
import type { MaskInput } from "../layers/layer.ts";
import { type Linear, linear } from "../layers/linear.ts";
import { type PoolKind, poolOverTime } from "../layers/pool-over-time.ts";
import { type Recurrent, type RecurrentOutput, recurrent } from "../layers/recurrent.ts";
import { expectBoolean, expectInteger, expectOneOf, expectRate, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import { type Calibration, expectCalibration } from "./calibration.ts";
import { type CellConfig, chooseCell } from "./cell-choice.ts";
import { lastStates } from "./last-states.ts";
import { expectNames, type FromConfigOptions, optionsOfConfig } from "./model-config.ts";
import { expectScaling, type Scaling } from "./scaling.ts";

/** How the steps of a sequence are combined into one vector. */
export type Pooling = PoolKind | "attention";
export const POOLINGS: readonly Pooling[] = ["last", "mean", "max", "attention"];

/** Options of `sequenceClassifier`. */
export interface SequenceClassifierOptions {
  /** V, for sequences of tokens. Give this or `channels`. */
  readonly vocabularySize?: number | undefined;
  /** E: numbers per token. Default 64. */
  readonly embeddingSize?: number | undefined;
  /** D, for sequences of D numbers per step. */
  readonly channels?: number | undefined;
  /** Names of at least two classes. Left out: the model predicts a number (regression). */
  readonly classes?: readonly string[] | undefined;
  /** A built-in cell by name, with options, or one of your own. Default "lstm". */
  readonly cell?: CellChoice | undefined;
  /** H: units per direction. Default 128. */
  readonly hiddenSize?: number | undefined;
  /** P, for cells with a projection. Default 0. */
  readonly projectionSize?: number | undefined;
  /** L: number of recurrent layers. Default 1. */
  readonly numLayers?: number | undefined;
  /** Whether a second direction reads the sequence from its end. Default false. */
  readonly bidirectional?: boolean | undefined;
  /** Default "last": the state after the last valid step; of the reverse direction after the first one. */
  readonly pooling?: Pooling | undefined;
  /** Dropout rate for the embedding, between layers and for the pooled vector. Default 0. */
  readonly dropout?: number | undefined;
  /** Initialization of the recurrent weights: "pytorch" (default) or "keras". */
  readonly initialize?: RecurrentPreset | undefined;
  /** The longest initial memory in steps, for long sequences; see `RecurrentOptions.memorySteps`. Default 0. */
  readonly memorySteps?: number | undefined;
  /** Standardization of the channels of a series. Default: none. */
  readonly inputScaling?: Scaling | undefined;
  /** For regressions: the prediction is the output times `deviation` plus `mean`. Default: the output itself. */
  readonly targetScaling?: Scaling | undefined;
  /** For classes: how answers follow from the logits. `forward` gives the logits themselves. Default: softmax, and the most likely class. */
  readonly calibration?: Calibration | undefined;
}

/** Describes a sequence classifier completely, as JSON. */
export interface SequenceClassifierConfig {
  readonly kind: "sequence-classifier";
  readonly vocabularySize?: number | undefined;
  readonly embeddingSize?: number;
  readonly channels?: number | undefined;
  /** Absent: regression. */
  readonly classes?: readonly string[] | undefined;
  readonly cell: CellConfig;
  readonly hiddenSize: number;
  readonly projectionSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly pooling: Pooling;
  readonly dropout: number;
  readonly initialize: RecurrentPreset;
  readonly memorySteps?: number;
  readonly inputScaling?: Scaling | undefined;
  readonly targetScaling?: Scaling | undefined;
  readonly calibration?: Calibration | undefined;
}

/** A model with a vector of outputs per sequence. */
export interface SequenceModel extends HasParameters {
  /** What it reads, of how many kinds of tokens or channels, and the classes it tells apart. */
  readonly config: Pick<
    SequenceClassifierConfig,
    "vocabularySize" | "channels" | "classes" | "inputScaling" | "targetScaling" | "calibration"
  >;
  /**
   * @param x tokens [T, B] or numbers [T, B, D]
   * @returns [B, C] logits of C classes, or [B, 1]
   */
  forward(x: Tensor, input?: MaskInput): Tensor;
}

/** For `expectOptions`. */
export const sequenceClassifierNames = {
  vocabularySize: 1,
  embeddingSize: 1,
  channels: 1,
  classes: 1,
  cell: 1,
  hiddenSize: 1,
  projectionSize: 1,
  numLayers: 1,
  bidirectional: 1,
  pooling: 1,
  dropout: 1,
  initialize: 1,
  memorySteps: 1,
  inputScaling: 1,
  targetScaling: 1,
  calibration: 1,
} as const satisfies OptionNames<SequenceClassifierOptions>;

/**
 * A sequence classifier (or regression) predicts from a whole sequence: (embedding →) recurrent layers → pooling over time → dropout →
 * linear head. The result for a padded sequence equals that for the sequence alone.
 *
 * Parameters: `embedding.weight` [V, E] for tokens; `rnn.weight_ih_l0`, … with PyTorch's names and layout; `pool.key.weight`, … for
 * attention; `head.weight` [C, W] and `head.bias` [C], with W the width of the recurrent output.
 */
export class SequenceClassifier implements SequenceModel {
  readonly config: SequenceClassifierConfig;
  readonly cell: Cell;
  readonly parts: {
    readonly embedding?: Embedding;
    readonly rnn: Recurrent;
    readonly pool?: AttentionPool;
    readonly head: Linear;
  };

  /** @throws UsageError "unknown-choice", "bad-option", "not-an-integer", "out-of-range" */
  constructor(options: SequenceClassifierOptions) {
    expectOptions<SequenceClassifierOptions>("sequenceClassifier", options, sequenceClassifierNames);
    const { vocabularySize, channels, hiddenSize = 128, projectionSize = 0, numLayers = 1 } = options;
    const { initialize = "pytorch", memorySteps = 0 } = options;
    if ((vocabularySize === undefined) === (channels === undefined))
      throw new UsageError(
        "bad-option",
        "sequenceClassifier: expected vocabularySize (for tokens) or channels (for series), and not both",
      );
    const pooling = expectOneOf("pooling", options.pooling ?? "last", POOLINGS);
    const rate = expectRate("dropout", options.dropout ?? 0);
    const bidirectional = expectBoolean("bidirectional", options.bidirectional ?? false);
    const classes = options.classes === undefined ? undefined : expectNames("classes", options.classes);
    const table =
      vocabularySize === undefined
        ? undefined
        : embedding({ vocabularySize, embeddingSize: options.embeddingSize ?? 64 });
    const { cell, spec } = chooseCell(options.cell ?? "lstm");
    const inputSize = table?.weight.shape[1] ?? expectInteger("channels", channels, { min: 1 });
    const rnn = recurrent({
      ...{ cell, inputSize, hiddenSize, projectionSize, numLayers, bidirectional },
      ...{ dropout: rate, initialize, memorySteps },
    });
    const width = rnn.outputSize * (bidirectional ? 2 : 1);
    const pool = pooling === "attention" ? attentionPool({ inputSize: width }) : undefined;
    const head = linear({ inputSize: width, outputSize: classes?.length ?? 1 });
    this.cell = cell;
    this.parts = { ...(table && { embedding: table }), rnn, ...(pool && { pool }), head };
    this.config = {
      kind: "sequence-classifier",
      ...(table ? { vocabularySize: table.weight.shape[0]!, embeddingSize: inputSize } : { channels: inputSize }),
      ...(classes && { classes }),
      ...{ cell: spec, hiddenSize, projectionSize, numLayers, bidirectional, pooling, dropout: rate, initialize },
      ...(memorySteps > 0 && { memorySteps }),
      ...(options.inputScaling && { inputScaling: expectScaling("inputScaling", options.inputScaling, channels) }),
      ...(options.targetScaling && { targetScaling: expectScaling("targetScaling", options.targetScaling, 1) }),
      ...(options.calibration && { calibration: expectCalibration(options.calibration, classes) }),
    };
  }

  /** Records the model from a batch of sequences to logits (regression: numbers). */
  forward(x: Tensor, input: MaskInput = {}): Tensor {
    expectOptions("SequenceClassifier.forward", input, { mask: 1 });
    return this.answer(this.parts.rnn.forward(this.embed(x), input), input);
  }

  /** Records the input of the recurrent layers, [T, B, E] or [T, B, D]. */
  embed(x: Tensor): Tensor {
    const { embedding: table } = this.parts;
    expectTensor("x", x, table ? ["T", "B"] : ["T", "B", this.config.channels!]);
    return table ? dropout({ rate: this.config.dropout }).forward(table.forward(x)) : x;
  }

  /** Records the head, from the output of the recurrent layers to what `forward` returns. */
  answer(layers: Pick<RecurrentOutput, "output" | "final">, input: MaskInput = {}): Tensor {
    expectOptions("SequenceClassifier.answer", input, { mask: 1 });
    const drop = dropout({ rate: this.config.dropout });
    return this.parts.head.forward(drop.forward(this.pooled(layers, input.mask)));
  }

  /** What stands for the whole sequence, of shape [B, W]. */
  private pooled({ output, final }: Pick<RecurrentOutput, "output" | "final">, mask: Tensor | undefined): Tensor {
    const { pooling, bidirectional } = this.config;
    // Padding never changed them, so they are those of the last valid step.
    if (pooling === "last") return lastStates(final[this.cell.states[0]!.name]!, bidirectional ? 2 : 1);
    if (pooling === "attention") return this.parts.pool!.forward(output, { mask });
    return poolOverTime({ kind: pooling }).forward(output, { mask });
  }
}

/**
 * Creates a sequence classifier, or without `classes` a regression of sequences.
 * @example `sequenceClassifier({ channels: 12, classes: ["a", "i", "u"], hiddenSize: 100 })`
 */
export const sequenceClassifier = (options: SequenceClassifierOptions): SequenceClassifier =>
  new SequenceClassifier(options);

/**
 * Creates the sequence classifier that a config describes. The config may come from a file: everything in it is checked.
 * @param options.cells cells of your own by name, for models that were made with one
 * @throws UsageError "bad-config", and what `sequenceClassifier` throws
 */
export function sequenceClassifierFromConfig(value: unknown, options: FromConfigOptions = {}): SequenceClassifier {
  type Written = Omit<SequenceClassifierOptions, "pooling"> & { readonly pooling?: Pooling | "maximum" };
  const what = "sequenceClassifierFromConfig";
  const { pooling, ...made } = optionsOfConfig<Written>(what, value, "sequence-classifier", options);
  // Earlier versions wrote "maximum".
  return new SequenceClassifier({ ...made, pooling: pooling === "maximum" ? "max" : pooling });
}
