import { expect } from "vitest";
import type { Arena, PreparedPlan, SynchronousMachine } from "../../src/compute/machine.ts";
import type { Kernel, Plan, Range } from "../../src/compute/plan.ts";

/** What a machine is held to. */
export interface Machine {
  readonly name: string;
  readonly open: () => Promise<SynchronousMachine>;
  /** Largest difference (test/support/difference.ts) from float64. */
  readonly tolerance: number;
  /** Tests that this machine does not pass, by full title, each with the reason. */
  readonly skips: Readonly<Record<string, string>>;
}

export interface Operand {
  readonly data: ArrayLike<number>;
  readonly type?: Range["type"];
  /** Whether the kernel may write over it. */
  readonly spoiled?: boolean;
}

/** Numbers around and in between operands: whoever reads them gets them in the result, whoever writes them is seen. */
const guard = -12345;
const guards = 16;

/** Rounds as the machine stores numbers. */
export const rounding = (machine: SynchronousMachine): ((x: number) => number) =>
  machine.limits.float === "float32" ? Math.fround : (x) => x;

/**
 * Runs one kernel. `inputs` are written before the run; `outputs` say what lies in the outputs before (their length counts).
 * An output that has the name of an input under `inPlace` is the same range.
 *
 * @returns The outputs by name. Throws if anything around an operand, or an input, was changed.
 */
export async function runKernel(
  machine: SynchronousMachine,
  kernel: Kernel,
  inputs: Readonly<Record<string, Operand>>,
  outputs: Readonly<Record<string, ArrayLike<number> | number>>,
  inPlace: Readonly<Record<string, string>> = {},
): Promise<Record<string, number[]>> {
  const round = rounding(machine);
  let used = guards;
  const take = (length: number, type: Range["type"] = "float"): Range => {
    const range: Range = { arena: "memory", offset: used, length, type };
    used += Math.ceil((length + guards) / 16) * 16;
    return range;
  };
  const operands: Record<string, Range> = {};
  for (const [name, { data, type }] of Object.entries(inputs)) operands[name] = take(data.length, type);
  for (const [name, before] of Object.entries(outputs))
    operands[name] = inPlace[name]
      ? operands[inPlace[name]]!
      : take(typeof before === "number" ? before : before.length);
  const plan: Plan = { launches: [{ kernel, operands }], arenas: { memory: used }, scalars: {} };
  const memory = machine.arena("memory", used);
  let prepared: PreparedPlan | undefined;
  try {
    prepared = await machine.prepare(plan, { memory });
    const whole: Range = { arena: "memory", offset: 0, length: used, type: "float" };
    const before = new Array<number>(used).fill(guard);
    const put = (range: Range, data: ArrayLike<number>): void => {
      for (let i = 0; i < range.length; i++) before[range.offset + i] = round(data[i]!);
    };
    for (const [name, before] of Object.entries(outputs))
      if (typeof before !== "number" && !inPlace[name]) put(operands[name]!, before);
    for (const [name, { data, type }] of Object.entries(inputs)) if (type !== "int") put(operands[name]!, data);
    machine.write(memory, whole, before);
    const ints: Record<string, Range> = {};
    for (const [name, { data, type }] of Object.entries(inputs))
      if (type === "int") {
        ints[name] = operands[name]!;
        machine.write(memory, operands[name]!, data);
      }
    const start = await machine.read(memory, whole);
    machine.run(prepared);
    const after = await machine.read(memory, whole);
    const spoiled = Object.keys(inputs).filter((name) => inputs[name]!.spoiled);
    const written = [...Object.keys(outputs), ...spoiled].map((name) => operands[name]!);
    const isInt = (i: number): boolean => Object.values(ints).some((r) => i >= r.offset && i < r.offset + r.length);
    for (let i = 0; i < used; i++) {
      if (written.some((r) => i >= r.offset && i < r.offset + r.length) || isInt(i)) continue;
      if (!Object.is(after[i], start[i]))
        throw new Error(
          `${kernel.op} changed element ${i}, which is none of its outputs, from ${start[i]} to ${after[i]}`,
        );
    }
    return Object.fromEntries(
      Object.keys(outputs).map((name) => {
        const { offset, length } = operands[name]!;
        return [name, Array.from(after.subarray(offset, offset + length))];
      }),
    );
  } finally {
    prepared?.close();
    memory.close();
  }
}

/** Arena and range of `length` elements of a fresh machine memory. */
export function block(machine: SynchronousMachine, length: number, type: Range["type"] = "float"): [Arena, Range] {
  return [machine.arena("memory", length), { arena: "memory", offset: 0, length, type }];
}

/** Every index of a shape, the last axis fastest. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) yield [];
  else for (let i = 0; i < shape[0]!; i++) for (const rest of indices(shape.slice(1))) yield [i, ...rest];
}

export const dot = (index: readonly number[], strides: readonly number[]): number =>
  index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);

/** Numbers in [−2, 2) that float32 holds exactly, a function of `seed` alone. */
export function numbers(length: number, seed: number): number[] {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.fround((state / 2 ** 32) * 4 - 2);
  });
}

/**
 * Holds every number to its expectation, within `tolerance` times the size of what it was summed from: a sum that comes
 * out near zero by cancellation is as exact as its terms.
 */
export function expectNear(
  came: readonly number[],
  expected: readonly number[],
  sizes: readonly number[],
  tolerance: number,
  what = "result",
): void {
  expect(came.length).toBe(expected.length);
  for (const [i, x] of came.entries())
    expect(Math.abs(x - expected[i]!), `${what}: element ${i} is ${x}, expected ${expected[i]}`).toBeLessThanOrEqual(
      tolerance * Math.max(1e-3, sizes[i]!),
    );
}
