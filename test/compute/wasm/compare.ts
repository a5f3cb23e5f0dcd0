import { expect } from "vitest";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import type { Kernel, Plan, Range } from "../../../src/compute/plan.ts";
import { openReference } from "../../../src/compute/reference/machine.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";

/** Fills whatever belongs to no operand; exact in float32. */
const CANARY = -12345.5;
const GAP = 3;

export interface OperandData {
  /** What it holds before the run: inputs their numbers, outputs anything. */
  readonly data: ArrayLike<number>;
  readonly type?: Range["type"];
}

let machines: Promise<{ reference: SynchronousMachine; wasm: SynchronousMachine }> | undefined;
const open = async () => ({ reference: openReference(), wasm: await openWasm() });

/** Numbers that look random, are the same every time and are exact in float32. */
export const numbers = (length: number, seed: number, scale = 1): Float32Array =>
  Float32Array.from(
    { length },
    (_, i) => scale * Math.fround((Math.sin((i + 1) * 12.9898 * (seed + 1)) * 43758.5453) % 1),
  );

/** A plan of one launch whose operands lie in one arena with gaps between them. */
export function planOf(kernel: Kernel, operands: Readonly<Record<string, OperandData>>): Plan {
  let at = GAP;
  const ranges: Record<string, Range> = {};
  for (const [name, { data, type = "float" }] of Object.entries(operands)) {
    ranges[name] = { arena: "all", offset: at, length: data.length, type };
    at += data.length + GAP;
  }
  return { launches: [{ kernel, operands: ranges }], arenas: { all: at }, scalars: {} };
}

async function runOn(machine: SynchronousMachine, plan: Plan, operands: Readonly<Record<string, OperandData>>) {
  const length = plan.arenas.all!;
  const arena = machine.arena("all", length);
  const whole: Range = { arena: "all", offset: 0, length, type: "float" };
  machine.write(arena, whole, new Float32Array(length).fill(CANARY));
  for (const [name, range] of Object.entries(plan.launches[0]!.operands))
    machine.write(arena, range, operands[name]!.data);
  const prepared = await machine.prepare(plan, { all: arena });
  machine.run(prepared);
  // Each word as what it is: whole numbers read as floats would be denormal numbers.
  const after = Float64Array.from(await machine.read(arena, whole));
  for (const range of Object.values(plan.launches[0]!.operands))
    if (range.type === "int") after.set(await machine.read(arena, range), range.offset);
  prepared.close();
  arena.close();
  return after;
}

/**
 * Runs one launch on the reference machine and in WebAssembly, and expects the same everywhere in the arena: within `tolerance` of
 * the largest number (at least 1), and exactly where the reference left things as they were.
 *
 * @returns The operands as WebAssembly left them.
 */
export async function compare(
  kernel: Kernel,
  operands: Readonly<Record<string, OperandData>>,
  tolerance = 1e-6,
): Promise<Record<string, Float64Array>> {
  machines ??= open();
  const { reference, wasm } = await machines;
  const plan = planOf(kernel, operands);
  const expected = await runOn(reference, plan, operands);
  const came = await runOn(wasm, plan, operands);
  const before = new Float64Array(expected.length).fill(CANARY);
  for (const [name, range] of Object.entries(plan.launches[0]!.operands))
    before.set(operands[name]!.data as never, range.offset);
  const finite = expected.filter((v, i) => Number.isFinite(v) && v !== CANARY && v !== before[i]);
  const scale = finite.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1);
  for (let i = 0; i < expected.length; i++) {
    const [e, c] = [expected[i]!, came[i]!];
    const same = Object.is(e, c) || (e !== before[i] && Math.abs(c - e) <= tolerance * scale) || e === c;
    if (!same)
      expect.fail(`element ${i} of the arena: expected ${e}, got ${c} (before ${before[i]}); ${JSON.stringify(plan)}`);
  }
  return Object.fromEntries(
    Object.entries(plan.launches[0]!.operands).map(([name, { offset, length }]) => [
      name,
      came.slice(offset, offset + length),
    ]),
  );
}
