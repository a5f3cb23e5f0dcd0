import { describe, expect, test } from "vitest";
import type { Arena, Numbers, SynchronousMachine } from "../../../src/compute/machine.ts";
import type { Kernel, Plan, Range } from "../../../src/compute/plan.ts";
import { openReference } from "../../../src/compute/reference/machine.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { Memory, MOST_BYTES } from "../../../src/compute/wasm/memory.ts";
import { Workspace } from "../../../src/compute/wasm/workspace.ts";
import * as x from "../../../src/math/expression.ts";
import { FailureError, LongshortError } from "../../../src/shared/errors.ts";
import { numbers } from "./compare.ts";

const range = (length: number, offset = 0, type: Range["type"] = "float", arena = "a"): Range => ({
  ...{ arena, offset, length, type },
});
const [a, b] = [x.variable("a"), x.variable("b")];

/** `out[0 … n − 1] = in · rate`, rate being a scalar of the plan at element 0. */
function scaling(n: number): Plan {
  const kernel: Kernel = {
    op: "pointwise",
    shape: [n],
    inputs: { a: [1], b: [0] },
    outputs: { out: { value: x.mul(a, b), strides: [1] } },
  };
  const operands = { a: range(n, 1), b: range(1), out: range(n, n + 1) };
  return { launches: [{ kernel, operands }], arenas: { a: 2 * n + 1 }, scalars: { rate: range(1) } };
}

const codeOf = async (action: () => unknown): Promise<string> => {
  try {
    await action();
  } catch (error) {
    if (error instanceof LongshortError) return error.code;
    throw error;
  }
  return "no error";
};

describe("replaying", () => {
  test("scalars are written before each run and keep their value", async () => {
    const machine = await openWasm();
    const arena = machine.arena("a", 11);
    const plan = scaling(5);
    const prepared = await machine.prepare(plan, { a: arena });
    machine.write(arena, range(5, 1), [1, 2, 3, 4, 5]);
    machine.run(prepared, { rate: 2 });
    expect([...(await machine.read(arena, range(5, 6)))]).toEqual([2, 4, 6, 8, 10]);
    machine.write(arena, range(5, 1), [5, 4, 3, 2, 1]);
    machine.run(prepared);
    expect([...(await machine.read(arena, range(5, 6)))]).toEqual([10, 8, 6, 4, 2]);
    machine.close();
  });

  test("an output may be the range of an input", async () => {
    const machine = await openWasm();
    const arena = machine.arena("a", 23);
    machine.write(arena, range(23), numbers(23, 1));
    const same = range(23);
    const kernel: Kernel = {
      op: "pointwise",
      shape: [23],
      inputs: { a: [1] },
      outputs: { out: { value: x.mul(a, 2), strides: [1] } },
    };
    const plan = { launches: [{ kernel, operands: { a: same, out: same } }], arenas: { a: 23 }, scalars: {} };
    machine.run(await machine.prepare(plan, { a: arena }));
    expect(await machine.read(arena, same)).toEqual(numbers(23, 1).map((v) => 2 * v));
    machine.close();
  });

  test("launches run in order, and two plans do not disturb each other's constants", async () => {
    const machine = await openWasm();
    const arena = machine.arena("a", 8);
    const plus = (amount: number): Plan => {
      const value = x.add(a, amount);
      const kernel: Kernel = {
        op: "pointwise",
        shape: [4],
        inputs: { a: [1] },
        outputs: { out: { value, strides: [1] } },
      };
      const launches = [
        { kernel, operands: { a: range(4), out: range(4, 4) } },
        { kernel, operands: { a: range(4, 4), out: range(4) } },
      ];
      return { launches, arenas: { a: 8 }, scalars: {} };
    };
    const first = await machine.prepare(plus(1), { a: arena });
    const second = await machine.prepare(plus(10), { a: arena });
    first.close();
    const third = await machine.prepare(plus(100), { a: arena });
    machine.run(second);
    machine.run(third);
    expect([...(await machine.read(arena, range(4)))]).toEqual([220, 220, 220, 220]);
    expect(await codeOf(() => machine.run(first))).toBe("closed");
    machine.close();
  });

  test("what a run wrote before it was stopped is seen by plans that were made of it", async () => {
    const machine = await openWasm({ threads: 1 });
    const [weights, rest] = [machine.arena("a", 16), machine.arena("rest", 16)];
    const own = (length: number, offset: number, type?: Range["type"]): Range => range(length, offset, type, "rest");
    const double: Kernel = {
      ...{ op: "pointwise", shape: [16], inputs: { a: [1] } },
      outputs: { out: { value: x.mul(a, 2), strides: [1] } },
    };
    const gather: Kernel = { op: "gather", rows: 1, vocabulary: 2, columns: 1 };
    const rows = { indices: own(1, 0, "int"), table: own(2, 1), out: own(1, 3) };
    const stopped: Plan = {
      launches: [
        { kernel: double, operands: { a: range(16), out: range(16) } },
        { kernel: gather, operands: rows },
      ],
      ...{ arenas: { a: 16, rest: 16 }, scalars: {} },
    };
    const product: Kernel = {
      ...{ op: "matmul", batch: 1, m: 1, k: 4, n: 4, transposeA: false, transposeB: false, bias: false },
    };
    const operands = { a: own(4, 4), b: range(16), out: own(4, 8) };
    const reading: Plan = { launches: [{ kernel: product, operands }], arenas: { a: 16, rest: 16 }, scalars: {} };
    const [first, second] = await Promise.all(
      [stopped, reading].map((plan) => machine.prepare(plan, { a: weights, rest })),
    );
    machine.write(weights, range(16), new Float32Array(16).fill(1));
    machine.write(rest, operands.a, [1, 1, 1, 1]);
    machine.write(rest, rows.indices, [2]);
    machine.run(second!);
    expect(await codeOf(() => machine.run(first!))).toBe("kernel-stopped");
    machine.run(second!);
    expect([...(await machine.read(rest, operands.out))]).toEqual([8, 8, 8, 8]);
    machine.close();
  });

  test.each([false, undefined])("products with fused %s equal the reference", async (fused) => {
    const wasm = await openWasm(fused === undefined ? {} : { fused });
    if (fused === false) expect(wasm.limits.family).toBe("portable");
    const kernel: Kernel = {
      op: "matmul",
      batch: 2,
      m: 9,
      k: 50,
      n: 21,
      transposeA: false,
      transposeB: true,
      bias: false,
    };
    const operands = { a: range(900), b: range(2100, 900), out: range(378, 3000) };
    const plan = { launches: [{ kernel, operands }], arenas: { a: 3378 }, scalars: {} };
    const results: Numbers[] = [];
    for (const machine of [wasm, openReference()]) {
      const arena = machine.arena("a", 3378);
      machine.write(arena, range(3000), numbers(3000, 1));
      machine.run(await machine.prepare(plan, { a: arena }));
      results.push(await machine.read(arena, operands.out));
    }
    results[0]!.forEach((v, i) => {
      expect(Math.abs(v - results[1]![i]!)).toBeLessThan(2e-6 * 5);
    });
  });
});

describe("memory", () => {
  test("numbers of both types, copies in and out", async () => {
    const machine = await openWasm();
    const arena = machine.arena("a", 10);
    machine.write(arena, range(3, 2), [0.5, -1, Number.NaN]);
    machine.write(arena, range(2, 5, "int"), Int32Array.of(7, -(2 ** 31)));
    expect(await machine.read(arena, range(3, 2))).toEqual(Float32Array.of(0.5, -1, Number.NaN));
    const whole = await machine.read(arena, range(2, 5, "int"));
    expect(whole).toEqual(Int32Array.of(7, -(2 ** 31)));
    whole[0] = 99;
    expect((await machine.read(arena, range(2, 5, "int")))[0]).toBe(7);
    for (const out of [new Float32Array(3), new Float64Array(3), [0, 0, 0]]) {
      machine.readInto(arena, range(3, 1), out);
      expect([...out]).toEqual([0, 0.5, -1]);
    }
    machine.close();
  });

  // Memory that threads share is never detached, other memory whenever it grows.
  test.each([1, 2])(
    "growing keeps what is there and prepared plans; what was freed comes back zeroed (threads: %i)",
    async (threads) => {
      const machine = await openWasm({ threads });
      const plan = scaling(4);
      const first = machine.arena("a", 9);
      const prepared = await machine.prepare(plan, { a: first });
      const [input, output] = [range(4, 1), range(4, 5)];
      machine.write(first, input, [1, 2, 3, 4]);
      machine.run(prepared, { rate: 2 });
      expect([...(await machine.read(first, output))]).toEqual([2, 4, 6, 8]);
      const big = machine.arena("big", 3e6);
      machine.write(big, range(1, 2999999, "float", "big"), [5]);
      machine.run(prepared, { rate: 3 });
      expect([...(await machine.read(first, input))]).toEqual([1, 2, 3, 4]);
      expect([...(await machine.read(first, output))]).toEqual([3, 6, 9, 12]);
      big.close();
      const again = machine.arena("again", 3e6);
      expect((await machine.read(again, range(3e6, 0, "float", "again"))).every((v) => v === 0)).toBe(true);
      machine.close();
    },
  );

  test("blocks are aligned, never overlap, and are found again in any order of giving back", () => {
    const memory = new Memory(1 << 20);
    const start = memory.free;
    const sizes = [1, 64, 65, 4096, 0, 100000, 7];
    const blocks = sizes.map((bytes) => ({ bytes, address: memory.allocate(bytes)! }));
    const ends = blocks.map(({ address, bytes }) => [address, address + Math.max(1, bytes)] as const);
    for (const [k, [from, to]] of ends.entries()) {
      expect(from % 64).toBe(0);
      for (const [other, end] of ends.slice(k + 1)) expect(to <= other || end <= from).toBe(true);
    }
    for (const k of [3, 0, 6, 1, 5, 2, 4]) memory.release(blocks[k]!.address, blocks[k]!.bytes);
    // All of it is one piece again, and zero, with what was never handed out behind what was.
    expect(memory.free).toBe(start);
    new Uint8Array(memory.buffer, ends[0]![0], 4096).fill(1);
    expect(memory.allocate(2 << 20)).toBeUndefined();
    expect(memory.allocate(start)).toBe(ends[0]![0]);
    expect(new Uint8Array(memory.buffer, ends[0]![0], start).every((byte) => byte === 0)).toBe(true);
    expect(memory.free).toBe(0);
  });

  test("launches share scratch memory, one launch gets it twice only", () => {
    const memory = new Memory(1 << 22);
    const free = memory.free;
    const workspace = new Workspace(memory);
    const first = [workspace.take(100), workspace.take(100)];
    workspace.restart();
    expect([workspace.take(10), workspace.take(100)]).toEqual([first[0], first[0]! + 64]);
    const large = workspace.take(1 << 20);
    expect(large % 64).toBe(0);
    expect(() => workspace.take(1 << 23)).toThrow("8 MiB of scratch memory");
    workspace.close();
    expect(memory.free).toBe(free);
  });

  test("a replay allocates nothing", async () => {
    const grow = WebAssembly.Memory.prototype.grow;
    const machine = await openWasm();
    const arena = machine.arena("a", 9);
    const prepared = await machine.prepare(scaling(4), { a: arena });
    WebAssembly.Memory.prototype.grow = () => expect.fail("the memory grew");
    try {
      machine.run(prepared, { rate: 1 });
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
    machine.close();
  });

  test("above 2 GiB addresses are unsigned", async (context) => {
    const machine = await openWasm();
    let low: Arena;
    try {
      low = machine.arena("low", 2 ** 29 + 2 ** 24);
    } catch (error) {
      if (error instanceof FailureError && error.code === "out-of-memory") {
        context.skip("this host gives a WebAssembly memory less than 2.1 GiB");
      }
      throw error;
    }
    const high = machine.arena("a", 4000);
    const operands = { a: range(2000), b: range(900, 2000), out: range(630, 2900), row: range(30, 3530) };
    const kernels: [Kernel, Record<string, Range>][] = [
      [{ op: "matmul", batch: 1, m: 21, k: 30, n: 30, transposeA: true, transposeB: false, bias: false }, operands],
      [
        {
          op: "pointwise",
          shape: [21, 30],
          inputs: { a: [1, 21] },
          outputs: { out: { value: x.tanh(a), strides: [30, 1] } },
        },
        { a: range(630), out: range(630, 2900) },
      ],
      [
        { op: "reduce", shape: [21, 30], inputs: { b: [30, 1] }, value: b, over: [true, false], combine: "sum" },
        { b: range(630, 2000), out: operands.row },
      ],
    ];
    const reference = openReference();
    const small = reference.arena("a", 4000);
    for (const [kernel, given] of kernels) {
      const plan: Plan = { launches: [{ kernel, operands: given }], arenas: { a: 4000 }, scalars: {} };
      const results: number[][] = [];
      for (const [m, arena] of [
        [machine, high],
        [reference, small],
      ] as [SynchronousMachine, Arena][]) {
        m.write(arena, range(4000), numbers(4000, 3));
        m.run(await m.prepare(plan, { a: arena }));
        results.push([...(await m.read(arena, range(4000)))]);
      }
      const worst = Math.max(...results[0]!.map((v, i) => Math.abs(v - results[1]![i]!)));
      expect(worst).toBeLessThan(1e-5);
    }
    const end = await machine.read(low, range(100, 2 ** 29 + 2 ** 24 - 100, "float", "low"));
    expect(end.every((v) => v === 0)).toBe(true);
    machine.close();
  });
});

describe("errors", () => {
  test("memory that cannot be had is named with its size", async () => {
    const machine = await openWasm({ maxBytes: 1 << 20 });
    expect(machine.limits.bytes).toBe(1 << 20);
    expect(() => machine.arena("activations", 1e6)).toThrow(/"activations" needs 3\.8 MiB, .* at most 1 MiB left/);
    expect(await codeOf(() => machine.arena("a", 2 ** 40))).toBe("out-of-memory");
    expect(await codeOf(() => machine.arena("a", Number.NaN))).toBe("out-of-range");
    const arena = machine.arena("a", 2 ** 18);
    expect(await codeOf(() => machine.arena("b", 1))).toBe("out-of-memory");
    arena.close();
    expect(await codeOf(() => machine.arena("b", 1))).toBe("no error");
    expect((await openWasm()).limits.bytes).toBe(MOST_BYTES);
  });

  test("a plan that does not fit gives back what it had taken", async () => {
    const machine = await openWasm({ maxBytes: 1 << 20 });
    const arena = machine.arena("a", 2 ** 17);
    const kernel: Kernel = {
      op: "matmul",
      batch: 1,
      m: 1,
      k: 3e4,
      n: 1,
      transposeA: false,
      transposeB: false,
      bias: false,
    };
    const operands = { a: range(3e4), b: range(3e4, 3e4), out: range(1, 6e4) };
    const plan = { launches: [{ kernel, operands }], arenas: { a: 2 ** 17 }, scalars: {} };
    for (let k = 0; k < 3; k++) expect(await codeOf(() => machine.prepare(plan, { a: arena }))).toBe("out-of-memory");
    expect(await codeOf(() => machine.arena("rest", 2 ** 17))).toBe("no error");
  });

  test("ranges, lengths, closed things and things of others", async () => {
    const [machine, other] = [await openWasm(), await openWasm()];
    const arena = machine.arena("a", 9);
    const foreign = other.arena("a", 9);
    const prepared = await machine.prepare(scaling(4), { a: arena });
    expect(await codeOf(() => machine.write(arena, range(3), [1, 2]))).toBe("wrong-length");
    expect(await codeOf(() => machine.readInto(arena, range(3), [1, 2]))).toBe("wrong-length");
    expect(await codeOf(() => machine.write(arena, range(3, 7), [1, 2, 3]))).toBe("out-of-range");
    expect(await codeOf(() => machine.read(arena, range(-1, 3)))).toBe("out-of-range");
    // Where no range begins, lies what threads come together by.
    for (const offset of [Number.NaN, -1, 0.5])
      expect(await codeOf(() => machine.write(arena, range(1, offset), [1])), String(offset)).toBe("out-of-range");
    expect(await codeOf(() => machine.read(foreign, range(3)))).toBe("wrong-machine");
    expect(await codeOf(() => machine.prepare(scaling(4), { a: foreign }))).toBe("wrong-machine");
    expect(await codeOf(() => machine.prepare(scaling(5), { a: arena }))).toBe("bad-plan");
    expect(await codeOf(() => other.run(prepared))).toBe("wrong-machine");
    expect(await codeOf(() => machine.run(prepared, { rote: 1 }))).toBe("unknown-scalar");
    expect(() => machine.run(prepared, { rote: 1 })).toThrow('did you mean "rate"?');
    const read = range(1);
    await machine.read(arena, read);
    arena.close();
    arena.close();
    expect(await codeOf(() => machine.run(prepared))).toBe("closed");
    for (const one of [read, range(1)]) expect(await codeOf(() => machine.read(arena, one))).toBe("closed");
    expect(await codeOf(() => machine.prepare(scaling(4), { a: arena }))).toBe("closed");
    const compiling = machine.prepare(scaling(4), { a: machine.arena("a", 9) });
    machine.close();
    expect(await codeOf(() => compiling)).toBe("closed");
    expect(await codeOf(() => machine.arena("a", 1))).toBe("closed");
    expect(await codeOf(() => machine.run(prepared))).toBe("closed");
    expect(await codeOf(() => openWasm({ maxBytes: -1 }))).toBe("out-of-range");
  });
});
