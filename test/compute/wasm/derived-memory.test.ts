import { expect, test } from "vitest";
import type { Plan, Range } from "../../../src/compute/plan.ts";
import { DerivedMemory } from "../../../src/compute/wasm/derived.ts";
import { Memory } from "../../../src/compute/wasm/memory.ts";
import { Workspace } from "../../../src/compute/wasm/workspace.ts";
import { variable } from "../../../src/math/expression.ts";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { solo } from "../../../src/print/wasm/team.ts";

const weights: Range = { arena: "parameters", offset: 0, length: 16, type: "float" };
const memory = () => new Workspace(new Memory(2 ** 20));

test("what is made of the same weights is made once", () => {
  const plan: Plan = { launches: [], arenas: { parameters: 64 }, scalars: {} };
  const derived = new DerivedMemory(plan, memory(), solo);
  /** Code that copies a number, in the place of packing. */
  const take = (from: number): number | undefined =>
    derived.take([weights], 64, (at) => i32.store(i32.const(at), i32.load(i32.const(from))));
  const first = take(4);
  expect(take(4)).toBe(first);
  expect(derived.code).toHaveLength(1);
  expect(take(8)).not.toBe(first);
  expect(derived.code).toHaveLength(2);
  expect([...derived.arenas]).toEqual(["parameters"]);
});

test("nothing is kept of what the plan itself writes", () => {
  const operands = {
    x: { ...weights, arena: "inputs" },
    out: { ...weights, arena: "activations" },
  };
  const value = variable("x");
  const plan: Plan = {
    launches: [
      {
        kernel: { op: "pointwise", shape: [16], inputs: { x: [1] }, outputs: { out: { value, strides: [1] } } },
        operands,
      },
    ],
    arenas: { parameters: 16, inputs: 16, activations: 16 },
    scalars: {},
  };
  const derived = new DerivedMemory(plan, memory(), solo);
  const take = (...ranges: Range[]): number | undefined => derived.take(ranges, 64, (at) => i32.const(at));
  expect(take(weights, operands.out)).toBeUndefined();
  expect(derived.code).toEqual([]);
  expect(take(weights, operands.x)).toBeGreaterThan(0);
  expect([...derived.arenas]).toEqual(["parameters", "inputs"]);
});
