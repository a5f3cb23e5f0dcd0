import type { Recurrent } from "../layers/recurrent.ts";
import { UsageError } from "../shared/errors.ts";
import { compile } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type Objective, type Trace, type TraceInput, type TraceOptions, traceTowards } from "./trace.ts";

/** A trace of a whole model, with its input. */
export interface ReadTrace extends Trace {
  /** The input step by step, for display: tokens, or the numbers of the steps. */
  readonly tokens: readonly string[];
  /** "l0", "l1", … */
  readonly layers: readonly string[];
  /** Names of the traced values, in the order of computation. */
  readonly names: readonly string[];
}

/** What all traces of whole models may be asked for. */
export type ReadTraceOptions = Pick<TraceOptions, "names" | "hold" | "maxBytes">;

/** For `expectOptions`. */
export const readTraceNames = { names: 1, hold: 1, maxBytes: 1 } as const;

/** Whether gradients are asked for; without them nothing may say what they are of. @throws UsageError "bad-option" */
export function asksForGradients(gradients: boolean | undefined, of: Readonly<Record<string, unknown>>): boolean {
  const said = Object.keys(of).find((name) => of[name] !== undefined);
  if (gradients || said === undefined) return gradients === true;
  throw new UsageError("bad-option", `${said}: what the gradients are of; request \`gradients\` too`);
}

export function readTrace(traced: Trace, tokens: readonly string[]): ReadTrace {
  const arrays = Object.values(traced.values);
  return {
    ...{ ...traced, tokens },
    layers: [...new Set(arrays.map(({ layer }) => `l${layer}`))],
    names: [...new Set(arrays.map(({ name }) => name))],
  };
}

/** Tokens as they are shown to people. */
export const namesOf = (tokens: ArrayLike<number>, tokenizer: Pick<Tokenizer, "vocabulary">): string[] =>
  Array.from(tokens, (token) => tokenizer.vocabulary[token]!);

/** Steps of numbers, counted from 1. */
export const stepsOf = (count: number): string[] => Array.from({ length: count }, (_, t) => String(t + 1));

/** What the layers of a model did with what they read, `data` of [T, 1, D]; with an objective the gradients of that, too. */
export const traceLayers = (
  model: Recurrent,
  parameters: ParameterStore,
  input: Pick<TraceInput, "data" | "initial">,
  { names, hold, maxBytes }: ReadTraceOptions,
  objective?: Objective,
): Promise<Trace> =>
  traceTowards(objective, { model, parameters }, input, {
    names,
    hold,
    maxBytes,
    gradients: objective !== undefined,
  });

/** What layers read of the inputs of a model: what `record` makes of them, computed. */
export async function readingOf(
  parameters: ParameterStore,
  record: (graph: Graph) => Tensor,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): Promise<ArrayLike<number>> {
  const { machine } = parameters;
  const graph = new Graph({ machine, parameters: parameters.layout });
  graph.output("read", record(graph));
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  try {
    for (const name of Object.keys(graph.inputs)) executable.write(name, inputs[name]!);
    executable.run();
    return await executable.read("read");
  } finally {
    executable.close();
  }
}
