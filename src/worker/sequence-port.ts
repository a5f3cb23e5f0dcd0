import { isFloat } from "../formats/data-type.ts";
import { withStates } from "../formats/model-inputs.ts";
import type { Model } from "../formats/open.ts";
import type { ModelArray } from "../formats/plans.ts";
import type { ProgramTraceOptions } from "../formats/program.ts";
import { type ModelPort, withoutStates } from "../formats/runnable.ts";
import { UsageError } from "../shared/errors.ts";

/** Steps of the first run, which shows what the model is, where its file fixes none. */
const PROBE = 3;

/** How a model takes one sequence. */
export interface SequencePort {
  readonly name: string;
  /** Whether it reads token numbers. */
  readonly whole: boolean;
  readonly channels: number;
  readonly batchFirst: boolean;
  /** Where the file fixes them. */
  readonly steps: number | undefined;
}

/** Steps of the first run. */
export const probedSteps = ({ steps }: SequencePort): number => steps ?? PROBE;

export type Traced = Awaited<ReturnType<Model["trace"]>>;

/** @returns the error of a file that holds another kind of model */
export const notOne = (why: string): UsageError => new UsageError("not-a-sequence-model", why);

/** Finds how the model takes a sequence, with what it gave for a short one. */
export async function probe(model: Model): Promise<{ port: SequencePort; first: Traced }> {
  const others = withoutStates(model).inputs.filter(({ optional }) => !optional);
  const [given] = others;
  if (!given || others.length > 1)
    throw notOne(
      `a page gives a model one sequence; this one wants ${others.map(({ name }) => `"${name}"`).join(", ") || "nothing"}`,
    );
  const ports = [true, false].flatMap((batchFirst) => sequencePort(given, batchFirst) ?? []);
  if (ports.length === 0)
    throw notOne(
      `its input "${given.name}" has shape [${(given.shape ?? ["?"]).map((n) => n ?? "?").join(", ")}], which is no one sequence`,
    );
  let why: unknown;
  for (const port of ports)
    try {
      const data = new Float64Array(probedSteps(port) * port.channels);
      const first = await traceOf(model, port, data);
      const shapes = Object.values(first.values).map(({ shape }) => shape);
      if (shapes.length > 0 && shapes.every(([, batch]) => batch === 1)) return { port, first };
    } catch (error) {
      why = error;
    }
  if (why) throw why;
  throw notOne("there is no recurrent layer in it whose steps can be shown");
}

/** The port, if it can take one sequence in this order of axes. */
function sequencePort({ name, type = "float32", shape }: ModelPort, batchFirst: boolean): SequencePort | undefined {
  const whole = !isFloat(type);
  if (shape?.length !== (whole ? 2 : 3)) return undefined;
  const [batch, time] = batchFirst ? [shape[0], shape[1]] : [shape[1], shape[0]];
  if (typeof batch === "number" && batch !== 1) return undefined;
  const channels = whole ? 1 : shape[2];
  if (typeof channels !== "number" || channels < 1) return undefined;
  return { name, whole, channels, batchFirst, steps: typeof time === "number" ? time : undefined };
}

type Arrays = Readonly<Record<string, ModelArray>>;

function inputsOf(model: Model, port: SequencePort, data: ArrayLike<number>): Record<string, ModelArray> {
  const steps = data.length / port.channels;
  const leading = port.batchFirst ? [1, steps] : [steps, 1];
  return withStates(model, { [port.name]: { shape: port.whole ? leading : [...leading, port.channels], data } });
}

/** @param states of a run before, where it goes on */
export const traceOf = (
  model: Model,
  port: SequencePort,
  data: ArrayLike<number>,
  options: Pick<ProgramTraceOptions, "names" | "hold"> = {},
  states: Arrays = {},
): Promise<Traced> => model.trace({ ...inputsOf(model, port, data), ...states }, { ...options, maxBytes: 2 ** 28 });

/** What whole numbers that it reads must be below, where it says so. */
export async function boundOf(model: Model, port: SequencePort): Promise<number | undefined> {
  const bounds = await model.bounds(inputsOf(model, port, new Float64Array(probedSteps(port))));
  return bounds[port.name];
}

/** What a run leaves to the one that goes on where it ended. */
export const statesAfter = (model: Model, { outputs }: Traced): Arrays =>
  Object.fromEntries(model.states.map(({ input, output }) => [input, outputs[output]!]));

/**
 * Whether all that the model carries from step to step comes out as states and goes in again: found by reading four steps at once
 * and in two halves. It is not so where layers read from the end, or a graph hides its states.
 */
export async function carriesOn(model: Model, port: SequencePort, bound: number | undefined): Promise<boolean> {
  if (port.steps !== undefined || model.states.length === 0) return false;
  const number = (k: number): number => (port.whole ? (7 * k + 1) % (bound ?? 2) : Math.sin(3 * k + 1));
  const data = Array.from({ length: 4 * port.channels }, (_, k) => number(k));
  const half = data.length / 2;
  const whole = await traceOf(model, port, data);
  const first = await traceOf(model, port, data.slice(0, half));
  const second = await traceOf(model, port, data.slice(half), {}, statesAfter(model, first));
  return Object.entries(whole.values).every(([key, { data: all }]) =>
    Array.from(all).every((v, k) => {
      const [part, from] = k < all.length / 2 ? [first, 0] : [second, all.length / 2];
      return Math.abs(v - part.values[key]!.data[k - from]!) < 1e-4;
    }),
  );
}
