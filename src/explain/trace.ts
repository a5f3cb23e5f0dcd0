import type { InitialStates } from "../cells/define.ts";
import type { Machine, Numbers } from "../compute/machine.ts";
import { type HeldPlace, HeldValues, type Hold } from "../layers/held-values.ts";
import type { Recurrent, RecurrentOutput } from "../layers/recurrent.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import { LanguageModel } from "../models/language-model.ts";
import { takeTurns } from "../platform/turns.ts";
import { withGateSums } from "../scan/gate-sums.ts";
import { expectInteger, expectOneOf, FailureError, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { entriesOf, mapValues } from "../shared/records.ts";
import { formatBytes, size } from "../shared/shapes.ts";
import type { Abortable } from "../shared/signal.ts";
import { compile } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { type Traced, type TracedArray, tracedArray } from "./traced-array.ts";

/**
 * A model that can be traced: a language model (a loaded run is one) or recurrent layers, with parameters on a machine. `S` are the names
 * of its states.
 */
export interface Traceable<S extends string = string> {
  readonly model: LanguageModel<S> | Recurrent<S>;
  readonly parameters: ParameterStore;
}

/** The input of a trace. */
export interface TraceInput<S extends string = string> {
  /** Row-major: numbers [T, B, D] for layers, tokens [T, B] for a language model. */
  readonly data: ArrayLike<number>;
  /** B; data are ordered step by step, examples side by side. Default 1. */
  readonly batchSize?: number | undefined;
  /** Number of steps of each example; the rest is padding, which does not change the state and is traced as zeros. Default: all. */
  readonly lengths?: readonly number[] | undefined;
  /** Initial state by name, each [L·directions, B, H|P]. Default zero. */
  readonly initial?: InitialStates<S, ArrayLike<number>> | undefined;
}

/** Options of `trace`. */
export interface TraceOptions extends Abortable {
  /** Names of values. Default: all that the cell names. Pre-activations such as "pre.i" (`traceNames`) must be requested. */
  readonly names?: readonly string[] | undefined;
  /**
   * Whether to return ∂L/∂value too. For a language model L is the sum of the cross-entropies of each next token in the input; for
   * layers it is Σ output · `outputGradient`. Default false.
   */
  readonly gradients?: boolean | undefined;
  /**
   * Values to replace by numbers, by their keys in the trace: `{ name: "h_l0", unit: 3 }` ablates a unit, `{ name: "f_l0", value: 1 }`
   * holds all forget gates open. For many such changes `openAblation` is faster.
   */
  readonly hold?: readonly HeldPlace[] | undefined;
  /** For gradients of layers: ∂L/∂output, [T, B, directions · H|P]. */
  readonly outputGradient?: ArrayLike<number> | undefined;
  /** Maximum size of the trace in bytes. Default 512 MiB. Use `traceInChunks` for longer inputs. */
  readonly maxBytes?: number | undefined;
}

/** Values of the gates and states of a model at every step. */
export interface Trace<S extends string = string> {
  /** Arrays by `NAME_lK` or `NAME_lK_reverse`. */
  readonly values: Readonly<Record<string, TracedArray>>;
  /** ∂L/∂value under the same keys, along every way from the value at its step to L; empty unless requested. */
  readonly gradients: Readonly<Record<string, TracedArray>>;
  /** ∂L/∂ the state before the first step by name, each [L·directions, B, H|P]; empty unless requested. */
  readonly initialGradients: Readonly<Record<string, ArrayLike<number>>>;
  /** L, if gradients of a whole model were requested. */
  readonly loss: number | undefined;
  /** Logits [T, B, V] of a language model, or the output [T, B, directions · H|P] of layers. */
  readonly output: Traced;
  /** State after the last step by name, each [L·directions, B, H|P]. */
  readonly final: Readonly<Record<S, ArrayLike<number>>>;
}

/** The recurrent layers of a model, which may be all of it. */
export const layersOf = <S extends string>(model: Traceable<S>["model"]): Recurrent<S> =>
  model instanceof LanguageModel ? model.parts.rnn : model;

/** Lists all names that a model can be traced by: pre-activations ("pre.i"), then the values that its cell names. */
export const traceNames = (model: Traceable["model"]): string[] =>
  Object.keys(withGateSums(layersOf(model).options.cell).named);

/**
 * Runs a model on an input and returns every named value of every layer and direction at every step. The outputs have the same bits as
 * without tracing.
 * @example
 * ```ts
 * const { values, gradients } = await trace(run, { data: run.tokenizer.encode("The end.") }, { gradients: true });
 * normsOverTime(gradients.h_l0); // ‖∂L/∂h_t‖
 * ```
 * @throws UsageError "unknown-choice" for a name that the cell does not have or a place that cannot be held, "no-tokens", "bad-option",
 *   "out-of-range";
 *   ShapeError; FailureError "trace-too-large" with its size, before anything is allocated; the reason of `signal`
 */
export async function trace<S extends string>(
  traced: Traceable<S>,
  input: TraceInput<S>,
  options: TraceOptions = {},
): Promise<Trace<S>> {
  expectOptions("trace", options, { names: 1, gradients: 1, outputGradient: 1, maxBytes: 1, hold: 1, signal: 1 });
  expectOptions("trace", input, { data: "required", batchSize: 1, lengths: 1, initial: 1 });
  return traceObjective(undefined, traced, input, options);
}

/** Records L, of shape [], from the output of layers. */
export type Objective = (layers: Pick<RecurrentOutput, "output" | "final">) => Tensor;

/** `trace` with the gradients of another objective, for layers inside a model. Undefined: that of `trace`. */
export async function traceObjective<S extends string>(
  objective: Objective | undefined,
  traced: Traceable<S>,
  input: TraceInput<S>,
  options: TraceOptions,
): Promise<Trace<S>> {
  const { model, parameters } = traced;
  const { machine } = parameters;
  const layers = layersOf(model);
  const { cell } = layers.options;
  for (const name of options.names ?? []) expectOneOf("names", name, traceNames(model));
  const names = options.names ?? Object.keys(cell.named);
  const { steps, batchSize } = sizesOf(model, input);
  const widest = Math.max(layers.options.hiddenSize, layers.options.projectionSize);
  expectRoom(machine, names.length * layers.directions.length * steps * batchSize * widest, options);

  const turns = takeTurns(options.signal);
  const graph = new Graph({ machine, parameters: parameters.layout });
  const x =
    model instanceof LanguageModel
      ? graph.input("input", [steps, batchSize], { type: "int", below: model.config.vocabularySize })
      : graph.input("input", [steps, batchSize, layers.options.inputSize]);
  const shapes = layers.stateShapes(batchSize);
  // Differentiable inputs make a gradient possible without training mode, in which dropout would be active.
  const differentiable = options.gradients === true;
  const initial = mapValues(shapes, (shape, name) => graph.input(`initial.${name}`, shape, { differentiable }));
  for (const name of Object.keys(input.initial ?? {})) expectOneOf("initial", name, Object.keys(shapes));
  const mask = input.lengths && graph.constant([steps, batchSize], maskOf(input.lengths, steps, batchSize));
  const held = options.hold && new HeldValues(graph);
  const recorded = recordModel(model, x, { initial, mask, trace: names, hold: held?.hold });
  for (const [name, tensor] of Object.entries(recorded.traces)) graph.output(`trace.${name}`, tensor);
  for (const [name, tensor] of entriesOf(recorded.final)) graph.output(`final.${name}`, tensor);
  graph.output("output", recorded.output);
  const loss = differentiable
    ? (objective?.(recorded) ?? lossOrSeed(graph, traced, recorded.output, { input, options, steps, batchSize }))
    : undefined;
  if (loss) {
    graph.backward([[loss, 1]]);
    graph.output("loss", loss);
  }

  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  try {
    executable.write("input", input.data);
    for (const [name, data] of Object.entries<ArrayLike<number> | undefined>(input.initial ?? {}))
      if (data) executable.write(`initial.${name}`, data);
    for (const [name, data] of held?.inputs(options.hold ?? []) ?? []) executable.write(name, data);
    executable.run();
    await turns();
    const values: Record<string, TracedArray> = {};
    const gradients: Record<string, TracedArray> = {};
    const gradientOf = async (tensor: Tensor): Promise<Numbers> =>
      graph.adjoint(tensor) ? await executable.readAdjoint(tensor) : new Float64Array(size(tensor.shape));
    for (const [key, tensor] of Object.entries(recorded.traces)) {
      values[key] = tracedArray(key, tensor.shape, await executable.read(`trace.${key}`));
      if (differentiable) gradients[key] = tracedArray(key, tensor.shape, await gradientOf(tensor));
    }
    const initialGradients: Record<string, ArrayLike<number>> = {};
    if (differentiable)
      for (const [name, tensor] of entriesOf(initial)) initialGradients[name] = await gradientOf(tensor);
    const final = {} as Record<S, Numbers>;
    for (const [name] of entriesOf(recorded.final)) final[name] = await executable.read(`final.${name}`);
    const shape = recorded.output.shape as [number, number, number];
    return {
      ...{ values, gradients, initialGradients, final },
      loss: loss && (await executable.read("loss"))[0],
      output: { shape, data: await executable.read("output") },
    };
  } finally {
    executable.close();
  }
}

/**
 * Traces inputs of any length piece by piece, carrying the state, in bounded memory. Layers that read backwards need the whole input
 * and are refused, as are gradients.
 * @param options `steps`: T of a piece, default 256.
 * @throws UsageError "bad-option", and what `trace` throws; the reason of `signal` where it is asked for the next piece
 */
export async function* traceInChunks<S extends string>(
  traced: Traceable<S>,
  input: Omit<TraceInput<S>, "lengths">,
  options: Omit<TraceOptions, "gradients" | "outputGradient"> & { readonly steps?: number | undefined } = {},
): AsyncGenerator<Trace<S> & { readonly firstStep: number }, void> {
  expectOptions("traceInChunks", input, { data: "required", batchSize: 1, initial: 1 });
  expectOptions("traceInChunks", options, { names: 1, maxBytes: 1, hold: 1, steps: 1, signal: 1 });
  const { steps: chunk = 256, ...how } = options;
  expectInteger("steps", chunk, { min: 1 });
  if (layersOf(traced.model).directions.some((d) => d.reverse))
    throw new UsageError(
      "bad-option",
      "these layers read backwards too: they need the whole input at once; use `trace`",
    );
  const { steps, batchSize } = sizesOf(traced.model, input);
  const perStep = input.data.length / steps;
  let initial = input.initial ?? {};
  const turns = takeTurns(options.signal);
  for (let firstStep = 0; firstStep < steps; firstStep += chunk) {
    await turns();
    const end = Math.min(steps, firstStep + chunk) * perStep;
    const data = Array.prototype.slice.call(input.data, firstStep * perStep, end) as number[];
    const piece = await trace(traced, { data, batchSize, initial }, how);
    yield { ...piece, firstStep };
    initial = piece.final;
  }
}

function recordModel<S extends string>(
  model: Traceable<S>["model"],
  x: Tensor,
  input: {
    readonly initial: Readonly<Record<S, Tensor>>;
    readonly mask: Tensor | undefined;
    readonly trace: readonly string[];
    readonly hold: Hold | undefined;
  },
) {
  if (model instanceof LanguageModel) {
    const { logits, final, traces } = model.forward(x, input);
    return { output: logits, final, traces };
  }
  // Masks and states are always time-major; `batchFirst` is how files have it, not how it is traced.
  return model.forward(x, input);
}

/** Records L of a language model; for layers it starts the backward pass from `outputGradient`, as their L is not in the graph. */
function lossOrSeed(
  graph: Graph,
  { model }: Traceable,
  output: Tensor,
  { input, options, steps, batchSize }: { input: TraceInput; options: TraceOptions; steps: number; batchSize: number },
): Tensor | undefined {
  if (!(model instanceof LanguageModel)) {
    if (options.outputGradient?.length !== size(output.shape))
      throw new ShapeError(
        "shape-mismatch",
        `outputGradient: expected ∂L/∂output, ${size(output.shape)} numbers (${output.shape.join(" × ")}), got ${options.outputGradient?.length ?? "none"}`,
      );
    graph.backward([[output, graph.constant(output.shape, options.outputGradient)]]);
    return undefined;
  }
  if (steps < 2)
    throw new UsageError("no-tokens", "input: gradients need at least two tokens, the second is predicted");
  const ignore = -100;
  const targets = Int32Array.from({ length: steps * batchSize }, (_, k) => {
    const [t, b] = [Math.floor(k / batchSize) + 1, k % batchSize];
    return t < (input.lengths?.[b] ?? steps) ? input.data[k + batchSize]! : ignore;
  });
  return crossEntropy(output, graph.constant([steps, batchSize], targets, "int"), { reduction: "sum" });
}

function sizesOf(model: Traceable["model"], { data, batchSize = 1 }: TraceInput): { steps: number; batchSize: number } {
  expectInteger("batchSize", batchSize, { min: 1 });
  const layers = layersOf(model);
  if (layers === model && layers.options.batchFirst)
    throw new UsageError("bad-option", "trace: make the layers without batchFirst; traces are time-major");
  const perStep = batchSize * (model instanceof LanguageModel ? 1 : layers.options.inputSize);
  const steps = (data?.length ?? 0) / perStep;
  if (steps === 0) throw new UsageError("no-tokens", "input: expected at least one step to read, got none");
  if (!Number.isInteger(steps))
    throw new ShapeError("shape-mismatch", `input: ${data.length} numbers are not whole steps of ${perStep}`);
  return { steps, batchSize };
}

function maskOf(lengths: readonly number[], steps: number, batchSize: number): Float32Array {
  if (lengths.length !== batchSize)
    throw new ShapeError("shape-mismatch", `lengths: expected ${batchSize}, one an example, got ${lengths.length}`);
  for (const n of lengths) expectInteger("lengths", n, { min: 0, max: steps });
  return Float32Array.from({ length: steps * batchSize }, (_, k) =>
    Math.floor(k / batchSize) < lengths[k % batchSize]! ? 1 : 0,
  );
}

function expectRoom(machine: Machine, elements: number, { gradients, maxBytes = 2 ** 29 }: TraceOptions): void {
  const needed = elements * machine.limits.elementBytes * (gradients ? 2 : 1);
  if (needed <= maxBytes) return;
  throw new FailureError(
    "trace-too-large",
    `this trace needs ${formatBytes(needed)}, more than maxBytes, ${formatBytes(maxBytes)}: ask for fewer names, or read it piece by piece with traceInChunks`,
  );
}
