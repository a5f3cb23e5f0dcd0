import { takeTurns } from "../platform/turns.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { RandomStream } from "../shared/random.ts";
import { formatShape, sameShape, size } from "../shared/shapes.ts";
import type { Abortable } from "../shared/signal.ts";
import { isFloat } from "./data-type.ts";
import { expectNamed, withStates, zerosFor } from "./model-inputs.ts";
import type { ModelArray, ModelResult } from "./plans.ts";
import type { Program } from "./program.ts";
import { type ModelPort, withoutStates } from "./runnable.ts";

type Arrays = Readonly<Record<string, ModelArray>>;

/** The largest difference of one output of two models. */
export interface Comparison {
  /** Names of the two outputs. */
  readonly outputs: readonly [a: string, b: string];
  readonly shape: readonly number[];
  /** max |a − b| ÷ max(1e-3, max |b|) */
  readonly difference: number;
}

/** Options of `compareModels`. */
export interface CompareModelsOptions extends Abortable {}

/** What sizes that a file leaves open are in a random input: no two alike, so that axes cannot be taken for one another. */
const BATCH = 2;
/** Steps, tried one after the other: a model may begin with windows that few steps do not fill, as those of sound do (36 ms at 16 kHz). */
const STEPS = [6, 90, 576, 4096] as const;

/** Options of `randomInputs`. */
export interface RandomInputsOptions {
  /** Seed of the numbers. Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Draws random inputs for a model: numbers between −1 and 1, integers within the model's bounds, zero states.
 * @throws UsageError "no-random-input" when the model takes no length that is tried
 */
export async function randomInputs(
  program: Program,
  options: RandomInputsOptions = {},
): Promise<Record<string, ModelArray>> {
  expectOptions("randomInputs", options, { seed: 1 });
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const ports = withoutStates(program).inputs;
  const { inputs, bounds } = await fitting(program, ports);
  const random = ports.map(({ name, type = "float32" }): [string, ModelArray] => {
    const { shape } = inputs[name]!;
    const uniform = new RandomStream(seed, `input ${name}`).uniform(size(shape));
    const below = bounds[name] ?? 8;
    const number = isFloat(type) ? (u: number) => 2 * u - 1 : (u: number) => Math.floor(u * below);
    return [name, { shape, data: Float32Array.from(uniform, number) }];
  });
  return { ...inputs, ...Object.fromEntries(random) };
}

/** Zeros of the first length that the model can be recorded for. */
async function fitting(program: Program, ports: readonly ModelPort[]) {
  let first: unknown;
  for (const steps of STEPS) {
    const zeros = ports.map((port): [string, ModelArray] => [port.name, zerosFor(port.name, openShape(port, steps))]);
    const inputs = withStates(program, Object.fromEntries(zeros));
    try {
      return { inputs, bounds: await program.bounds(inputs) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      // Where no axis is open, other lengths are the same.
      if (!ports.some(({ shape = [] }) => shape.some((n) => typeof n !== "number"))) throw error;
      first ??= error;
    }
  }
  throw new UsageError(
    "no-random-input",
    `random input of ${STEPS.join(", ")} steps does not fit this model (${(first as Error).message}); give inputs of your own (verify --inputs), or convert without comparing (--no-verify)`,
    { cause: first },
  );
}

const openShape = ({ shape = [] }: ModelPort, steps: number): number[] =>
  shape.map((n, axis) => {
    if (typeof n === "number") return n;
    return n === "batch" || (n !== "time" && axis === 0) ? BATCH : steps;
  });

/** [time, batch, …] as [batch, time, …] and back. */
function swapFirst({ shape, data }: ModelArray): ModelArray {
  const [a, b, ...rest] = shape as [number, number, ...number[]];
  const width = size(rest);
  const swapped = Float64Array.from({ length: data.length }, (_, k) => {
    const [row, column] = [Math.floor(k / width / a), Math.floor(k / width) % a];
    return data[(column * b + row) * width + (k % width)]!;
  });
  return { shape: [b, a, ...rest], data: swapped };
}

/**
 * The inputs of one model with its states, and the same for the other model. Inputs and states go together by their order; a
 * model that wants time first is given it so. States that are left out are zero.
 *
 * @throws UsageError "not-comparable" when inputs, outputs or given states do not go together
 */
export function inputsOfBoth(a: Program, b: Program, inputs: Arrays): { readonly a: Arrays; readonly b: Arrays } {
  expectNamed(a.inputs, inputs);
  const [left, right] = [withoutStates(a), withoutStates(b)].map(({ inputs: own, outputs }, k, both) => {
    // What may be left out is, where the other model does not read it.
    const fits = own.length <= both[1 - k]!.inputs.length;
    return { inputs: fits ? own : own.filter(({ optional }) => !optional), outputs };
  }) as [Pick<Program, "inputs" | "outputs">, Pick<Program, "inputs" | "outputs">];
  if (left.inputs.length !== right.inputs.length || left.outputs.length !== right.outputs.length)
    throw new UsageError(
      "not-comparable",
      `one model has the inputs ${names(left.inputs)} and the outputs ${names(left.outputs)}, the other ${names(right.inputs)} and ${names(right.outputs)}`,
    );
  for (const { name, type } of left.inputs)
    if (!Object.hasOwn(inputs, name))
      throw new UsageError("missing-input", `input "${name}" (${type ?? "of any type"}) is not among those given`);
  const turned = left.inputs.map((port, k) => {
    const [first, second] = [port.shape?.[0], right.inputs[k]!.shape?.[0]];
    return (first === "time" && second === "batch") || (first === "batch" && second === "time");
  });
  const theirs = withStates(
    b,
    Object.fromEntries(
      right.inputs.map((port, k): [string, ModelArray] => {
        const array = inputs[left.inputs[k]!.name]!;
        return [port.name, turned[k] ? swapFirst(array) : array];
      }),
    ),
  );
  for (const [k, { input }] of a.states.entries()) {
    const given = Object.hasOwn(inputs, input) ? inputs[input] : undefined;
    if (!given || Array.from(given.data).every((n) => n === 0)) continue;
    const other = b.states[k]?.input ?? "";
    const place = theirs[other];
    if (a.states.length !== b.states.length || place?.data.length !== given.data.length)
      throw new UsageError(
        "not-comparable",
        `state "${input}" of shape ${formatShape(given.shape)} is given, but the other model has no state that goes with it: its states are ${b.states.map((s) => s.input).join(", ") || "none"}; leave the states out to compare from zero`,
      );
    theirs[other] = { shape: place.shape, data: given.data };
  }
  const alone = withoutStates(a).inputs.filter((port) => !left.inputs.includes(port));
  const ours = Object.entries(inputs).filter(([input]) => !alone.some(({ name }) => name === input));
  return { a: withStates(a, Object.fromEntries(ours)), b: theirs };
}

/**
 * Runs two models on the same inputs and compares their outputs.
 * @throws UsageError "not-comparable" when their inputs or outputs do not go together; the reason of `signal`
 */
export async function compareModels(
  a: Program,
  b: Program,
  inputs: Arrays,
  options: CompareModelsOptions = {},
): Promise<Comparison[]> {
  expectOptions("compareModels", options, { signal: 1 });
  const given = inputsOfBoth(a, b, inputs);
  const turns = takeTurns(options.signal);
  const ours = await a.run(given.a);
  await turns();
  const theirs = await b.run(given.b);
  const others = withoutStates(b).outputs;
  return withoutStates(a).outputs.map(({ name }, k) => {
    const other = others[k]!.name;
    return comparison([name, other], ours[name]!, theirs[other]!);
  });
}

const names = (ports: readonly ModelPort[]): string => ports.map(({ name }) => name).join(", ");

/** @throws UsageError "not-comparable" for arrays of different shapes */
export function comparison(outputs: readonly [string, string], a: ModelArray, b: ModelArray | ModelResult): Comparison {
  const same = sameShape(a.shape, b.shape);
  const turned = !same && a.shape.length > 1 && sameShape(swapped(a.shape), b.shape);
  if (!same && !turned)
    throw new UsageError(
      "not-comparable",
      `output "${outputs[0]}" has shape ${formatShape(a.shape)}, "${outputs[1]}" of the other model ${formatShape(b.shape)}`,
    );
  const first = turned ? swapFirst(a) : a;
  let [largest, scale] = [0, 1e-3];
  for (let k = 0; k < first.data.length; k++) {
    const [x, y] = [first.data[k]!, Number(b.data[k])];
    // What is no number on both sides is the same; on one side it is not.
    if (Number.isNaN(x) !== Number.isNaN(y)) largest = Number.POSITIVE_INFINITY;
    else if (x !== y && !Number.isNaN(x)) largest = Math.max(largest, Math.abs(x - y));
    if (Number.isFinite(y)) scale = Math.max(scale, Math.abs(y));
  }
  return { outputs, shape: b.shape, difference: largest / scale };
}

const swapped = ([a, b, ...rest]: readonly number[]): number[] => [b!, a!, ...rest];
