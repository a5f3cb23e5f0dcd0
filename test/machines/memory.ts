import { expect } from "vitest";
import type { Plan, Range } from "../../src/compute/plan.ts";
import { add, mul, variable } from "../../src/math/expression.ts";
import type { Laws } from "./conformance.ts";
import { block } from "./harness.ts";

const [x, rate, step] = [variable("x"), variable("rate"), variable("step")];

/** `x ← value` over an arena "memory" with scalars `rate` and `step` in an arena "scalars". */
function update(length: number, stepType: Range["type"] = "float"): Plan {
  const range: Range = { arena: "memory", offset: 0, length, type: "float" };
  const scalar = (offset: number, type: Range["type"]): Range => ({ arena: "scalars", offset, length: 1, type });
  const scalars = { rate: scalar(0, "float"), step: scalar(16, stepType) };
  return {
    launches: [
      {
        kernel: {
          op: "pointwise",
          shape: [length],
          inputs: { x: [1], rate: [0], step: [0] },
          outputs: { out: { value: add(mul(x, rate), step), strides: [1] } },
        },
        operands: { x: range, out: range, ...scalars },
      },
    ],
    arenas: { memory: length, scalars: 32 },
    scalars,
  };
}

export const memoryLaws: Laws = {
  "new memory is zero, also where memory was used before": async (machine) => {
    for (let round = 0; round < 3; round++) {
      const [arena, range] = block(machine, 1000);
      expect(await machine.read(arena, range)).toEqual(
        machine.limits.float === "float64" ? new Float64Array(1000) : new Float32Array(1000),
      );
      machine.write(arena, range, new Float32Array(1000).fill(3));
      arena.close();
    }
  },

  "numbers come back as they went in; a copy is a copy": async (machine) => {
    const [arena, whole] = block(machine, 40);
    const part: Range = { ...whole, offset: 5, length: 3 };
    const data = [1.5, -0, Infinity];
    machine.write(arena, part, data);
    const first = await machine.read(arena, part);
    expect(Array.from(first)).toEqual(data);
    first[0] = 99;
    data[1] = 99;
    expect(Array.from(await machine.read(arena, part))).toEqual([1.5, -0, Infinity]);
    expect(Array.from((await machine.read(arena, whole)).slice(0, 5))).toEqual([0, 0, 0, 0, 0]);
    const out = new Float64Array(3);
    machine.readInto(arena, part, out);
    expect(Array.from(out)).toEqual([1.5, -0, Infinity]);
    arena.close();
  },

  "whole numbers keep all 32 bits": async (machine) => {
    const [arena, range] = block(machine, 6, "int");
    machine.write(arena, range, [2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1, 16777217, 0, -5]);
    const expected = Int32Array.of(2 ** 31 - 1, -(2 ** 31), -1, 16777217, 0, -5);
    expect(await machine.read(arena, range)).toEqual(expected);
    const out = new Int32Array(6);
    machine.readInto(arena, range, out);
    expect(out).toEqual(expected);
    arena.close();
  },

  "scalars are written by name; one that is not given keeps its value": async (machine) => {
    for (const type of ["float", "int"] as const) {
      const [memory, range] = block(machine, 5);
      const scalars = machine.arena("scalars", 32);
      const prepared = await machine.prepare(update(5, type), { memory, scalars });
      machine.write(memory, range, [1, 2, 3, 4, 5]);
      machine.run(prepared, { rate: 2, step: 7 });
      machine.run(prepared, { rate: 1 });
      machine.run(prepared);
      expect(Array.from(await machine.read(memory, range))).toEqual([23, 25, 27, 29, 31]);
      prepared.close();
      memory.close();
      scalars.close();
    }
  },

  "writes, runs and reads happen in the order in which they are issued": async (machine) => {
    const [memory, range] = block(machine, 3);
    const scalars = machine.arena("scalars", 32);
    const [one, two] = [
      await machine.prepare(update(3), { memory, scalars }),
      await machine.prepare(update(3), { memory, scalars }),
    ];
    machine.write(memory, range, [1, 1, 1]);
    machine.run(one, { rate: 3, step: 0 });
    const before = machine.read(memory, range);
    machine.write(memory, { ...range, length: 1 }, [10]);
    machine.run(two, { rate: 2, step: 1 });
    expect(Array.from(await before)).toEqual([3, 3, 3]);
    expect(Array.from(await machine.read(memory, range))).toEqual([21, 7, 7]);
    memory.close();
    scalars.close();
  },

  "how much memory is in use is told: it grows with what is opened, and closing gives it back": async (machine) => {
    const { usedBytes: before } = machine.memory;
    const [arena, range] = block(machine, 2 ** 20);
    const wanted = 2 ** 20 * machine.limits.elementBytes;
    const grown = machine.memory;
    // Blocks are aligned, so that one may take a little more.
    expect(grown.usedBytes - before).toBeGreaterThanOrEqual(wanted);
    expect(grown.usedBytes - before).toBeLessThan(wanted + 4096);
    expect(grown.reservedBytes).toBeGreaterThanOrEqual(grown.usedBytes);
    const scalars = machine.arena("scalars", 32);
    const prepared = await machine.prepare(update(range.length), { memory: arena, scalars });
    prepared.close();
    scalars.close();
    arena.close();
    arena.close();
    expect(machine.memory.usedBytes).toBe(before);
  },

  "memory that is closed can be had again, many times over": async (machine) => {
    // 40 × 64 MiB (float32) is more than an address space of 32 bits holds at once in one piece with what else is there.
    for (let round = 0; round < 40; round++) machine.arena("activations", 2 ** 24).close();
    const [arena, range] = block(machine, 8);
    expect(Array.from(await machine.read(arena, range))).toEqual(new Array(8).fill(0));
    arena.close();
  },
};
