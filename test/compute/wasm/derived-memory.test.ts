import { expect, test } from "vitest";
import type { Plan, Range } from "../../../src/compute/plan.ts";
import { DerivedMemory } from "../../../src/compute/wasm/derived.ts";
import { Memory } from "../../../src/compute/wasm/memory.ts";
import { Workspace } from "../../../src/compute/wasm/workspace.ts";
import { i32 } from "../../../src/print/wasm/instructions.ts";

test("what is made of the same weights by the same code is made once", () => {
  const plan: Plan = { launches: [], arenas: { parameters: 64 }, scalars: {} };
  const derived = new DerivedMemory(plan, new Workspace(new Memory(2 ** 20)));
  const weights = (offset: number): Range => ({ arena: "parameters", offset, length: 16, type: "float" });
  /** Code that stores a number, in the place of packing. */
  const take = (value: number, offset = 0): number | undefined =>
    derived.take([weights(offset)], 64, (at) => i32.store(i32.const(at), i32.const(value)));
  const first = take(1);
  expect(take(1)).toBe(first);
  expect(derived.code).toHaveLength(1);
  // Other code, other weights.
  expect(new Set([first, take(2), take(1, 16)]).size).toBe(3);
  expect(derived.code).toHaveLength(3);
});
