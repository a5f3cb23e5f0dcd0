import { UsageError } from "../shared/errors.ts";
import { RandomStream } from "../shared/random.ts";
import { formatShape, size } from "../shared/shapes.ts";
import { isFloat } from "./data-type.ts";
import type { ModelArray, ModelResult } from "./plans.ts";
import type { Program } from "./program.ts";
import { stateShape } from "./replay.ts";
import type { ModelPort } from "./runnable.ts";

type Arrays = Readonly<Record<string, ModelArray>>;

export interface Comparison {
  /** Names of the two outputs. */
  readonly outputs: readonly [a: string, b: string];
  readonly shape: readonly number[];
  /** max |a − b| ÷ max(1e-3, max |b|) */
  readonly difference: number;
}

/** What sizes that a file leaves open are in a random input: no two alike, so that axes cannot be taken for one another. */
const OPEN_SIZES: Readonly<Record<string, number>> = { batch: 2, time: 6 };

/**
 * Random inputs for a model: numbers between −1 and 1, whole ones within what the model takes, states zero.
 */
export async function randomInputs(program: Program, seed = 0): Promise<Record<string, ModelArray>> {
  const states = new Set(program.states.map(({ input }) => input));
  const inputs = Object.fromEntries(
    program.inputs.map((port): [string, ModelArray] => {
      const shape = shapeOf(port, states.has(port.name));
      return [port.name, { shape, data: new Float32Array(size(shape)) }];
    }),
  );
  const bounds = await program.bounds(inputs);
  return Object.fromEntries(
    program.inputs.map((port): [string, ModelArray] => {
      const { shape } = inputs[port.name]!;
      if (states.has(port.name)) return [port.name, inputs[port.name]!];
      const uniform = new RandomStream(seed, `input ${port.name}`).uniform(size(shape));
      const below = bounds[port.name] ?? 8;
      const number = isFloat(port.type ?? "float32") ? (u: number) => 2 * u - 1 : (u: number) => Math.floor(u * below);
      return [port.name, { shape, data: Float32Array.from(uniform, number) }];
    }),
  );
}

function shapeOf(port: ModelPort, state: boolean): number[] {
  if (state) return stateShape(port, new Map(Object.entries(OPEN_SIZES)));
  return (port.shape ?? []).map((n, axis) =>
    typeof n === "number" ? n : (OPEN_SIZES[n ?? ""] ?? (axis === 0 ? OPEN_SIZES.batch! : OPEN_SIZES.time!)),
  );
}

/** Inputs and outputs of a model that are not its states. */
function own(program: Program): { inputs: readonly ModelPort[]; outputs: readonly string[] } {
  const inputs = new Set(program.states.map((s) => s.input));
  const outputs = new Set(program.states.map((s) => s.output));
  return {
    inputs: program.inputs.filter(({ name }) => !inputs.has(name)),
    outputs: program.outputs.map(({ name }) => name).filter((name) => !outputs.has(name)),
  };
}

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
 * Runs two models on the same inputs and compares what they give. Inputs and outputs go together by their order, states are zero;
 * a model that wants time first is given it so.
 *
 * @throws UsageError "not-comparable" when their inputs or outputs do not go together
 */
export async function compareModels(a: Program, b: Program, inputs: Arrays): Promise<Comparison[]> {
  const [left, right] = [own(a), own(b)];
  if (left.inputs.length !== right.inputs.length || left.outputs.length !== right.outputs.length)
    throw new UsageError(
      "not-comparable",
      `one model has the inputs ${names(left.inputs)} and the outputs ${left.outputs.join(", ")}, the other ${names(right.inputs)} and ${right.outputs.join(", ")}`,
    );
  const turned = left.inputs.map((port, k) => {
    const [first, second] = [port.shape?.[0], right.inputs[k]!.shape?.[0]];
    return (first === "time" && second === "batch") || (first === "batch" && second === "time");
  });
  const given = Object.fromEntries(
    right.inputs.map((port, k): [string, ModelArray] => {
      const array = inputs[left.inputs[k]!.name]!;
      return [port.name, turned[k] ? swapFirst(array) : array];
    }),
  );
  const sizes = new Map(Object.entries(OPEN_SIZES));
  const zeros = b.states.map(({ input }): [string, ModelArray] => {
    const shape = stateShape(b.inputs.find(({ name }) => name === input)!, sizes);
    return [input, { shape, data: new Float32Array(size(shape)) }];
  });
  const [ours, theirs] = [await a.run(inputs), await b.run({ ...Object.fromEntries(zeros), ...given })];
  return left.outputs.map((name, k) => comparison([name, right.outputs[k]!], ours[name]!, theirs[right.outputs[k]!]!));
}

const names = (ports: readonly ModelPort[]): string => ports.map(({ name }) => name).join(", ");

/** @throws UsageError "not-comparable" for arrays of different shapes */
export function comparison(outputs: readonly [string, string], a: ModelArray, b: ModelArray | ModelResult): Comparison {
  const same = formatShape(a.shape) === formatShape(b.shape);
  const turned = !same && a.shape.length > 1 && formatShape(swapped(a.shape)) === formatShape(b.shape);
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
