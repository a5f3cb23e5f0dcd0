import type { Recurrent } from "../layers/recurrent.ts";
import { UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { compile } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type Objective, type Trace, type TraceInput, type TraceOptions, traceObjective } from "./trace.ts";

/** A trace of a whole model, with its input. */
export interface ReadTrace extends Trace {
  /** The input step by step, for display: tokens, or the numbers of the steps. */
  readonly tokens: readonly string[];
  /** "l0", "l1", … */
  readonly layers: readonly string[];
  /** Names of the traced values, in the order of computation. */
  readonly names: readonly string[];
}

/** Options of all traces of whole models. */
export type ReadTraceOptions = Pick<TraceOptions, "names" | "hold" | "maxBytes" | "signal">;

/** For `expectOptions`. */
export const readTraceNames = { names: 1, hold: 1, maxBytes: 1, signal: 1 } as const;

/** Whether gradients are requested; if not, no option may say of what. @throws UsageError "bad-option" */
export function asksForGradients(gradients: boolean | undefined, of: Readonly<Record<string, unknown>>): boolean {
  const target = Object.keys(of).find((name) => of[name] !== undefined);
  if (gradients || target === undefined) return gradients === true;
  throw new UsageError("bad-option", `${target}: what the gradients are of; request \`gradients\` too`);
}

export function readTrace(traced: Trace, tokens: readonly string[]): ReadTrace {
  const arrays = Object.values(traced.values);
  return {
    ...{ ...traced, tokens },
    layers: [...new Set(arrays.map(({ layer }) => `l${layer}`))],
    names: [...new Set(arrays.map(({ name }) => name))],
  };
}

/** The texts of tokens, for display. */
export const tokenTexts = (tokens: ArrayLike<number>, tokenizer: Pick<Tokenizer, "vocabulary">): string[] =>
  Array.from(tokens, (token) => tokenizer.vocabulary[token]!);

/** The steps of a series, from "1". */
export const stepNumbers = (count: number): string[] => Array.from({ length: count }, (_, t) => String(t + 1));

/** Traces the recurrent layers of a model on their input, `data` of [T, 1, D]; with an objective also its gradients. */
export const traceLayers = (
  model: Recurrent,
  parameters: ParameterStore,
  input: Pick<TraceInput, "data" | "initial">,
  { names, hold, maxBytes, signal }: ReadTraceOptions,
  objective?: Objective,
): Promise<Trace> =>
  traceObjective(objective, { model, parameters }, input, {
    names,
    hold,
    maxBytes,
    signal,
    gradients: objective !== undefined,
  });

/** Computes the input of the recurrent layers from inputs of the model, as `record` does. @throws the reason of `signal` */
export async function layerInput(
  parameters: ParameterStore,
  record: (graph: Graph) => Tensor,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  { signal }: Abortable,
): Promise<ArrayLike<number>> {
  signal?.throwIfAborted();
  const { machine } = parameters;
  const graph = new Graph({ machine, parameters: parameters.layout });
  graph.output("input", record(graph));
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  try {
    for (const name of Object.keys(graph.inputs)) executable.write(name, inputs[name]!);
    executable.run();
    return await executable.read("input");
  } finally {
    executable.close();
  }
}
