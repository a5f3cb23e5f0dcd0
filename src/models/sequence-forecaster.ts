import type { Cell } from "../cells/define.ts";
import type { CellChoice } from "../cells/registry.ts";
import { dropout } from "../layers/dropout.ts";
import { type Embedding, embedding } from "../layers/embedding.ts";
import { type RecurrentPreset, zeros } from "../layers/initialize.ts";
import { type Linear, linear } from "../layers/linear.ts";
import { type Recurrent, type RecurrentOutput, recurrent } from "../layers/recurrent.ts";
import { describe, expectInteger, expectRate, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import { add } from "../tensor/arithmetic.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { concatenate, matmul, reshape, slice, stopGradient, transpose } from "../tensor/operations.ts";
import type { HasParameters, Parameter } from "../tensor/parameter.ts";
import { type CellConfig, chooseCell } from "./cell-choice.ts";
import {
  type ForecastHead,
  forecastHead,
  type HeadOptions,
  type PointLoss,
  type Prediction,
  predictionOf,
} from "./forecast-heads.ts";
import { lastStates } from "./last-states.ts";
import { type FromConfigOptions, optionsOfConfig } from "./model-config.ts";

/** Options of `sequenceForecaster`. */
export interface SequenceForecasterOptions extends Omit<HeadOptions, "head"> {
  /** C: numbers per step of the past. */
  readonly channels: number;
  /** D: predicted numbers per step. */
  readonly targets: number;
  /** K: numbers per step that are known of the future. Default 0. */
  readonly known?: number | undefined;
  /** For each static category its number of values, the first of which stands for unknown ones. Default none. */
  readonly categories?: readonly number[] | undefined;
  /** H: steps to predict. */
  readonly horizon: number;
  /** Whether each step is predicted from the one before. Default false: all at once. */
  readonly autoregressive?: boolean | undefined;
  /** What is predicted of each value. Default "quantiles". */
  readonly head?: HeadOptions["head"] | undefined;
  /** A built-in cell by name, with options, or one of your own. Default "lstm". */
  readonly cell?: CellChoice | undefined;
  /** Units per recurrent layer. Default 64. */
  readonly hiddenSize?: number | undefined;
  /** P, for cells with a projection. Default 0. */
  readonly projectionSize?: number | undefined;
  /** L: number of recurrent layers. Default 1. */
  readonly numLayers?: number | undefined;
  /** Initialization of the recurrent weights: "pytorch" (default) or "keras". */
  readonly initialize?: RecurrentPreset | undefined;
  /** Dropout rate between layers and before the output. Default 0. */
  readonly dropout?: number | undefined;
  /**
   * Past steps that a linear map from each target to its H steps reads; the network is added to its result. The map is given
   * (`linear.weight` [D, T, H], `linear.bias` [D, 1, H], initially zero), not learned. Not for autoregressive models. Default 0: no
   * map.
   */
  readonly linearSteps?: number | undefined;
}

/** Describes a forecaster completely, as JSON. */
export interface SequenceForecasterConfig {
  readonly kind: "forecaster";
  readonly channels: number;
  readonly targets: number;
  readonly known: number;
  /** Absent: none. */
  readonly categories?: readonly number[];
  readonly horizon: number;
  readonly autoregressive: boolean;
  readonly head: HeadOptions["head"];
  readonly pointLoss?: PointLoss;
  readonly levels?: readonly number[];
  readonly cell: CellConfig;
  readonly hiddenSize: number;
  readonly projectionSize: number;
  readonly numLayers: number;
  readonly initialize: RecurrentPreset;
  readonly dropout: number;
  /** Absent: 0. */
  readonly linearSteps?: number;
}

/** What a network reads; see `windowInputs`. */
export interface ForecastInputs {
  /** [S, B, C] */
  readonly x: Tensor;
  /** [H, B, K], directly and with K > 0. */
  readonly future?: Tensor | undefined;
  /** [H, B, D] or [1, B, D]: what locations are added to. */
  readonly base?: Tensor | undefined;
  /** [1, B, D], mean size of counts. */
  readonly scale?: Tensor | undefined;
  /** Of each category whole numbers [B]. */
  readonly categories?: readonly Tensor[] | undefined;
  /** State before the first step, by name. */
  readonly initial?: Readonly<Record<string, Tensor>> | undefined;
}

export const DEFAULT_LEVELS = [0.1, 0.5, 0.9] as const;

/** For `expectOptions`. */
export const sequenceForecasterNames = {
  channels: "required",
  targets: "required",
  known: 1,
  categories: 1,
  horizon: "required",
  autoregressive: 1,
  head: 1,
  cell: 1,
  hiddenSize: 1,
  projectionSize: 1,
  numLayers: 1,
  initialize: 1,
  dropout: 1,
  pointLoss: 1,
  levels: 1,
  linearSteps: 1,
} as const satisfies OptionNames<SequenceForecasterOptions>;

/**
 * Predicts the next steps of series: recurrent layers over the past → head.
 *
 * Direct (all steps at once): if nothing is known of the future, a linear map of the last state gives all H steps; otherwise a second
 * recurrent stack continues from the states of the first over the known inputs of the future, with a linear map of each step.
 * Autoregressive: one stack, with a linear map of each step that predicts the next one.
 *
 * Each value of a category has an embedding, as in DeepAR (Salinas et al. 2017, arXiv:1704.04110), which is concatenated to the input of each
 * step; that of unknown values is zero.
 *
 * With `linearSteps` the network predicts the residual of a linear map of each target's own past, and initially zero. Networks beside a
 * linear map: Lai et al. 2017, arXiv:1703.07015, where both are learned together.
 *
 * Parameters: `categories.0.weight` and so on; `encoder.weight_ih_l0`, …; `decoder.…` likewise where there is one; `head.weight`, `head.bias`; `linear.weight`, `linear.bias`.
 */
export class SequenceForecaster implements HasParameters {
  readonly config: SequenceForecasterConfig;
  readonly cell: Cell;
  readonly head: ForecastHead;
  readonly parts: {
    readonly categories?: { readonly parts: Readonly<Record<string, Embedding>> };
    readonly encoder: Recurrent;
    readonly decoder?: Recurrent;
    readonly head: Linear;
    readonly linear?: { readonly parts: { readonly weight: Parameter; readonly bias: Parameter } };
  };

  /** @throws UsageError "unknown-choice", "bad-option", "not-an-integer", "out-of-range" */
  constructor(options: SequenceForecasterOptions) {
    expectOptions<SequenceForecasterOptions>("sequenceForecaster", options, sequenceForecasterNames);
    const { hiddenSize = 64, projectionSize = 0, numLayers = 1, autoregressive = false } = options;
    const { initialize = "pytorch" } = options;
    const channels = expectInteger("channels", options.channels, { min: 1 });
    const targets = expectInteger("targets", options.targets, { min: 1 });
    const known = expectInteger("known", options.known ?? 0, { min: 0, max: channels - targets });
    const horizon = expectInteger("horizon", options.horizon, { min: 1 });
    const rate = expectRate("dropout", options.dropout ?? 0);
    const { head = "quantiles", pointLoss } = options;
    for (const [name, of] of [
      ["pointLoss", "point"],
      ["levels", "quantiles"],
    ] as const)
      if (options[name] !== undefined && head !== of)
        throw new UsageError("bad-option", `${name}: expected the head "${of}" beside it, got ${describe(head)}`);
    const levels = head === "quantiles" ? (options.levels ?? DEFAULT_LEVELS) : undefined;
    this.head = forecastHead({ head, pointLoss, levels });
    const { cell, spec } = chooseCell(options.cell ?? "lstm");
    const stack = { cell, hiddenSize, projectionSize, numLayers, initialize, dropout: rate };
    const tables = tablesOf(options.categories ?? []);
    const beside = tables.reduce((sum, { weight }) => sum + weight.shape[1]!, 0);
    const made = (width: number): Recurrent => recurrent({ ...stack, inputSize: width + beside });
    const encoder = made(channels);
    const decoder = !autoregressive && known > 0 ? made(known) : undefined;
    const width = Object.keys(this.head.forms).length * targets;
    const atOnce = !autoregressive && !decoder;
    const steps = expectInteger("linearSteps", options.linearSteps ?? 0, { min: 0 });
    if (steps > 0 && (autoregressive || head === "negative-binomial"))
      throw new UsageError(
        "bad-option",
        `linearSteps: expected 0 ${autoregressive ? "where each step comes from the one before" : "for counts"}, got ${steps}`,
      );
    const given = (...shape: readonly number[]): Parameter => ({ shape, initialize: zeros });
    const fitted = { weight: given(targets, steps, horizon), bias: given(targets, 1, horizon) };
    this.cell = cell;
    this.parts = {
      ...(tables.length > 0 && { categories: { parts: Object.fromEntries(tables.entries()) } }),
      ...{ encoder, ...(decoder && { decoder }) },
      head: linear({
        ...{ inputSize: encoder.outputSize, outputSize: atOnce ? horizon * width : width },
        ...(steps > 0 && { initialize: zeros }),
      }),
      ...(steps > 0 && { linear: { parts: fitted } }),
    };
    this.config = {
      ...{ kind: "forecaster", channels, targets, known, horizon, autoregressive, head },
      ...(head === "point" && { pointLoss: pointLoss ?? "squared" }),
      ...(levels && { levels: [...levels] }),
      ...{ cell: spec, hiddenSize, projectionSize, numLayers, initialize, dropout: rate },
      ...(tables.length > 0 && { categories: tables.map(({ weight }) => weight.shape[0]!) }),
      ...(steps > 0 && { linearSteps: steps }),
    };
  }

  /**
   * Records the predictions: [H, B, D] each, or for autoregressive models [S, B, D] with step s predicting step s + 1; and the states
   * at the end of `x`.
   */
  forward(inputs: ForecastInputs): {
    readonly prediction: Prediction;
    readonly final: Readonly<Record<string, Tensor>>;
  } {
    expectOptions("SequenceForecaster.forward", inputs, {
      ...{ x: "required", future: 1, base: 1, scale: 1, categories: 1, initial: 1 },
    } as const);
    const { x, future, base, scale, categories, initial } = inputs;
    const { channels, known, horizon } = this.config;
    const { encoder, decoder } = this.parts;
    expectTensor("x", x, ["S", "B", channels]);
    const past = encoder.forward(this.embed(x, categories), { initial });
    if (decoder) expectTensor("future", future!, [horizon, "B", known]);
    const last = decoder ? decoder.forward(this.embed(future!, categories), { initial: past.final }) : past;
    return { prediction: this.answer(last, { x, base, scale }), final: past.final };
  }

  /** Records the head, from the output of the last stack to the predictions. */
  answer(
    { output, final }: Pick<RecurrentOutput, "output" | "final">,
    inputs: Pick<ForecastInputs, "x" | "base" | "scale">,
  ): Prediction {
    expectOptions("SequenceForecaster.answer", inputs, { x: "required", base: 1, scale: 1 });
    const { x, base, scale } = inputs;
    const drop = dropout({ rate: this.config.dropout });
    const stepByStep = this.config.autoregressive || this.parts.decoder;
    const { head } = this.parts;
    const raw = stepByStep
      ? head.forward(drop.forward(output))
      : this.allAtOnce(head.forward(drop.forward(lastStates(final[this.cell.states[0]!.name]!))));
    const D = this.config.targets;
    const parts = Object.keys(this.head.forms).map((name, k) => [name, slice(raw, 2, k * D, (k + 1) * D)] as const);
    return predictionOf(this.head, Object.fromEntries(parts), this.based(x, base), scale);
  }

  /**
   * Records the loss of the H predicted steps.
   * @param y [H, B, D]
   * @param options.mask [H, B, D]: values with 0 do not count
   */
  loss(inputs: ForecastInputs, y: Tensor, options: { readonly mask?: Tensor | undefined } = {}): Tensor {
    expectOptions("SequenceForecaster.loss", options, { mask: 1 });
    const { prediction } = this.forward(inputs);
    const H = y.shape[0]!;
    const ahead = Object.entries(prediction).map(([name, all]) => {
      const S = all.shape[0]!;
      return [name, S === H ? all : slice(all, 0, S - H, S)] as const;
    });
    return this.head.loss(Object.fromEntries(ahead), y, options.mask);
  }

  /** Records the input of recurrent layers: the numbers of each step [S, B, …] and the embeddings of the categories [B]. */
  embed(steps: Tensor, categories: readonly Tensor[] = []): Tensor {
    const tables = Object.values(this.parts.categories?.parts ?? {});
    if (categories.length !== tables.length)
      throw new UsageError("bad-option", `categories: expected ${tables.length} tensors [B], got ${categories.length}`);
    if (tables.length === 0) return steps;
    const [S, B] = steps.shape as [number, number];
    const everyStep = steps.graph.constant([S, 1, 1], new Float32Array(S));
    const vectors = tables.map((table, k) => {
      const own = table.forward(categories[k]!);
      return add(everyStep, reshape(own, [1, B, own.shape[1]!]));
    });
    return concatenate([steps, ...vectors], 2);
  }

  /** What locations are added to, [H, B, D]: `base` plus the linear map of the past. */
  private based(x: Tensor, base: Tensor | undefined): Tensor | undefined {
    const { linear } = this.parts;
    if (!linear) return base;
    expectTensor("x", x, [this.config.linearSteps!, "B", this.config.channels]);
    const given = (parameter: Parameter): Tensor => stopGradient(x.graph.parameter(parameter));
    const past = transpose(slice(x, 2, 0, this.config.targets), [2, 1, 0]);
    const ahead = add(matmul(past, given(linear.parts.weight)), given(linear.parts.bias));
    const mapped = transpose(ahead, [2, 1, 0]);
    return base ? add(mapped, base) : mapped;
  }

  /** [B, H · W] as [H, B, W]. */
  private allAtOnce(rows: Tensor): Tensor {
    const { horizon, targets } = this.config;
    const width = Object.keys(this.head.forms).length * targets;
    return transpose(reshape(rows, [rows.shape[0]!, horizon, width]), [1, 0, 2]);
  }
}

/** Embeddings of half as many numbers as a category has values, at most 50. */
function tablesOf(categories: readonly number[]): Embedding[] {
  if (!Array.isArray(categories))
    throw new UsageError("bad-option", `categories: expected a list of whole numbers, got ${describe(categories)}`);
  return categories.map((kinds: number, k) =>
    embedding({
      vocabularySize: expectInteger(`categories[${k}]`, kinds, { min: 1 }),
      embeddingSize: Math.min(50, Math.ceil(kinds / 2)),
      paddingIndex: 0,
    }),
  );
}

/**
 * Creates a forecaster of time series.
 * @example `sequenceForecaster({ channels: 1, targets: 1, horizon: 24, head: "point" })`
 */
export const sequenceForecaster = (options: SequenceForecasterOptions): SequenceForecaster =>
  new SequenceForecaster(options);

/**
 * Creates the forecaster that a config describes. The config may come from a file: everything in it is checked.
 * @throws UsageError "bad-config", and what `sequenceForecaster` throws
 */
export function sequenceForecasterFromConfig(value: unknown, options: FromConfigOptions = {}): SequenceForecaster {
  return new SequenceForecaster(
    optionsOfConfig<SequenceForecasterOptions>("sequenceForecasterFromConfig", value, "forecaster", options),
  );
}
