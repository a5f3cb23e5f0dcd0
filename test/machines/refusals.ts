import { expect } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import type { Kernel, Launch, Plan, Range, Reduce, Scan } from "../../src/compute/plan.ts";
import { add, constant, mean, product, variable } from "../../src/math/expression.ts";
import { FailureError, UsageError } from "../../src/shared/errors.ts";
import type { Laws } from "./conformance.ts";
import { block } from "./harness.ts";

const range = (offset: number, length: number, type: Range["type"] = "float"): Range => ({
  arena: "memory",
  offset,
  length,
  type,
});
const addition: Kernel = {
  op: "pointwise",
  shape: [4],
  inputs: { a: [1], b: [1] },
  outputs: { out: { value: add(variable("a"), variable("b")), strides: [1] } },
};
const operands = { a: range(0, 4), b: range(16, 4), out: range(32, 4) };
const sum: Reduce = {
  ...{ op: "reduce", shape: [4], inputs: { a: [1], b: [1] }, combine: "sum", over: [true] },
  value: add(variable("a"), variable("b")),
};
const gather: Kernel = { op: "gather", rows: 2, vocabulary: 2, columns: 2 };
const rows = { indices: range(0, 2, "int"), table: range(16, 4), out: range(32, 4) };
const matmul: Kernel = {
  op: "matmul",
  batch: 1,
  m: 2,
  k: 2,
  n: 2,
  transposeA: false,
  transposeB: false,
  bias: true,
};
const scan: Scan = {
  ...{ op: "scan", cell: lstm(), steps: 1, batch: 1, inputSize: 1, hiddenSize: 1, projectionSize: 0 },
  ...{ reverse: false, masked: false, maskedOutput: "zero", outputStride: 1, save: false, trace: [] },
};

/** Launches that must be refused when the plan is prepared, each with words that the message must have. */
const wrong: Readonly<Record<string, readonly [Launch, RegExp]>> = {
  "a missing operand": [{ kernel: addition, operands: { a: operands.a, out: operands.out } }, /"b".*missing/],
  "an operand that is too short": [{ kernel: addition, operands: { ...operands, b: range(16, 3) } }, /"b".*3.*4/],
  "an operand beyond its arena": [{ kernel: addition, operands: { ...operands, b: range(62, 4) } }, /"b".*64/],
  "an arena nobody knows": [
    { kernel: addition, operands: { ...operands, b: { ...operands.b, arena: "nowhere" } } },
    /nowhere/,
  ],
  "strides that reach too far": [
    { kernel: { ...addition, inputs: { a: [1], b: [2] } } as Kernel, operands },
    /"b".*4.*7/,
  ],
  "strides for another number of axes": [
    { kernel: { ...addition, inputs: { a: [1], b: [1, 1] } } as Kernel, operands },
    /strides/,
  ],
  "strides that go back": [{ kernel: { ...addition, inputs: { a: [-1], b: [1] } } as Kernel, operands }, /strides/],
  "strides of half an element": [
    { kernel: { ...addition, inputs: { a: [0.5], b: [1] } } as Kernel, operands },
    /strides/,
  ],
  "an operand before its arena": [{ kernel: addition, operands: { ...operands, b: range(-1, 4) } }, /"b".* -1 to 3/],
  "an operand that begins between two elements": [
    { kernel: addition, operands: { ...operands, b: range(0.5, 4) } },
    /"b".* 0\.5 to 4\.5/,
  ],
  "an operand that ends between two elements": [
    { kernel: addition, operands: { ...operands, b: range(16, 4.5) } },
    /"b".* 16 to 20\.5/,
  ],
  "a variable that is no input": [{ kernel: { ...addition, inputs: { a: [1] } } as Kernel, operands }, /"b"/],
  "a variable that every object has": [
    { kernel: { ...addition, outputs: { out: { value: variable("constructor"), strides: [1] } } } as Kernel, operands },
    /"constructor".*none of the inputs/,
  ],
  "a mean, which only cells have": [
    { kernel: { ...addition, outputs: { out: { value: mean(variable("a")), strides: [1] } } } as Kernel, operands },
    /a mean, which only the equations of cells/,
  ],
  "a product, which only cells have": [
    {
      kernel: { ...addition, outputs: { out: { value: product("g", variable("a")), strides: [1] } } } as Kernel,
      operands,
    },
    /a product, which only the equations of cells/,
  ],
  "one name for an input and an output": [
    { kernel: { ...addition, outputs: { a: { value: variable("b"), strides: [1] } } } as Kernel, operands },
    /"a" names an input and an output/,
  ],
  "an output whose elements are written more than once": [
    {
      kernel: {
        ...{ op: "pointwise", shape: [2, 2], inputs: {} },
        outputs: { out: { value: constant(1), strides: [1, 1] } },
      },
      operands: { out: range(32, 4) },
    },
    /written more than once/,
  ],
  "an output over part of an input": [{ kernel: addition, operands: { ...operands, out: range(2, 4) } }, /"out".*"a"/],
  "an output over an input that is read otherwise": [
    { kernel: { ...addition, inputs: { a: [0], b: [1] } } as Kernel, operands: { ...operands, out: range(0, 4) } },
    /"out".*"a"/,
  ],
  "a product over its own factor": [
    {
      kernel: matmul,
      operands: { a: range(0, 4), b: range(16, 4), bias: range(48, 2), out: range(16, 4) },
    },
    /"out".*"b"/,
  ],
  "a product without its bias": [
    { kernel: matmul, operands: { a: range(0, 4), b: range(16, 4), out: range(32, 4) } },
    /"bias".*missing/,
  ],
  "numbers where whole numbers belong": [
    { kernel: gather, operands: { ...rows, indices: range(0, 2) } },
    /"indices".*int/,
  ],
  "a scan of no steps": [{ kernel: { ...scan, steps: 0 }, operands: {} }, /at least one step/],
  "a scan of no examples": [{ kernel: { ...scan, batch: 0 }, operands: {} }, /one example/],
  "a scan of no units": [{ kernel: { ...scan, hiddenSize: 0 }, operands: {} }, /one unit/],
  "a scan whose rows of output overlap": [{ kernel: { ...scan, outputStride: 0 }, operands: {} }, /outputStride is 0/],
  "a trace of what the cell does not name": [
    { kernel: { ...scan, trace: ["forget"] }, operands: {} },
    /"lstm" has no value called "forget"; it names i, f, g, o/,
  ],
  "a sum that says of too few axes whether it is over them": [
    { kernel: { ...sum, over: [] }, operands },
    /`over` has 0 entries for 1 axes/,
  ],
  "a sum over five axes": [
    { kernel: { ...sum, shape: [1, 1, 1, 1, 4], over: [true, true, true, true, true] }, operands },
    /5 axes/,
  ],
  "touched blocks along two axes": [
    {
      kernel: { ...sum, shape: [2, 2], inputs: { a: [1, 1], b: [1, 1] }, over: [true, true], touched: true },
      operands,
    },
    /`touched` tells of blocks along one axis/,
  ],
  "touched blocks of what is not read in a row": [
    { kernel: { ...sum, inputs: { a: [2], b: [1] }, touched: true }, operands },
    /`touched`.*\[2\], \[1\]/,
  ],
  "blocks that begin more than a block before": [
    {
      kernel: { op: "scatterAdd", rows: 2, vocabulary: 2, columns: 2, touched: { lead: 128 } },
      operands: { indices: range(0, 2, "int"), source: range(16, 4), out: range(32, 4), touched: range(48, 2, "int") },
    },
    /`lead` is 128/,
  ],
  "touched blocks of several tables": [
    {
      kernel: { op: "scatterAdd", tables: 2, rows: 1, vocabulary: 1, columns: 2, touched: { lead: 0 } },
      operands: { indices: range(0, 2, "int"), source: range(16, 4), out: range(32, 4), touched: range(48, 1, "int") },
    },
    /`touched` tells of one table, not of 2/,
  ],
  "indices of one table for two": [
    {
      kernel: { op: "gather", tables: 2, rows: 2, vocabulary: 1, columns: 1 },
      operands: { indices: range(0, 2, "int"), table: range(16, 2), out: range(32, 4) },
    },
    /"indices" has 2 elements, the kernel reaches 4/,
  ],
  "five axes": [
    {
      kernel: {
        op: "pointwise",
        shape: [1, 1, 1, 1, 4],
        inputs: {},
        outputs: { out: { value: add(1, 1), strides: [4, 4, 4, 4, 1] } },
      },
      operands: { out: operands.out },
    },
    /4/,
  ],
};

const planOf = (launch: Launch): Plan => ({ launches: [launch], arenas: { memory: 64 }, scalars: { s: range(48, 1) } });

export const refusalLaws: Laws = {
  "plans that do not fit are refused before anything runs": async (machine) => {
    const memory = machine.arena("memory", 64);
    for (const [what, [launch, words]] of Object.entries(wrong)) {
      const error = await machine.prepare(planOf(launch), { memory }).then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error, what).toBeInstanceOf(UsageError);
      expect((error as Error).message, what).toMatch(words);
    }
    // What lies side by side does not overlap.
    for (const fits of [operands, { a: range(0, 4), b: range(8, 4), out: range(4, 4) }])
      await machine.prepare(planOf({ kernel: addition, operands: fits }), { memory });
    const beyond = { ...planOf({ kernel: addition, operands }), scalars: { rate: range(64, 1) } };
    await expect(machine.prepare(beyond, { memory })).rejects.toThrow(/scalar "rate" is elements 64 to 65/);
    memory.close();
  },

  "an arena that is missing or too small is refused": async (machine) => {
    const plan = planOf({ kernel: addition, operands });
    await expect(machine.prepare(plan, {})).rejects.toThrow(/"memory"/);
    const small = machine.arena("memory", 63);
    await expect(machine.prepare(plan, { memory: small })).rejects.toThrow(/63.*64|64.*63/);
    small.close();
  },

  "scalars nobody knows and data of another length are refused": async (machine) => {
    const memory = machine.arena("memory", 64);
    const prepared = await machine.prepare(planOf({ kernel: addition, operands }), { memory });
    expect(() => machine.run(prepared, { t: 1 })).toThrow(UsageError);
    expect(() => machine.write(memory, range(0, 4), [1, 2, 3])).toThrow(UsageError);
    expect(() => machine.readInto(memory, range(0, 4), new Float32Array(5))).toThrow(UsageError);
    for (const offset of [62, -1])
      expect(() => machine.write(memory, range(offset, 4), [1, 2, 3, 4])).toThrow(UsageError);
    memory.close();
  },

  "more memory than there is fails with the figure": async (machine) => {
    expect(() => machine.arena("activations", 2 ** 34)).toThrow(FailureError);
    expect(() => machine.arena("activations", 2 ** 34)).toThrow(/activations.*(64|128) GiB/);
    const [arena] = block(machine, 4);
    arena.close();
  },

  "what is closed cannot be used": async (machine, { open }) => {
    const memory = machine.arena("memory", 64);
    const plan = planOf({ kernel: addition, operands });
    const [closed, prepared] = [await machine.prepare(plan, { memory }), await machine.prepare(plan, { memory })];
    closed.close();
    expect(() => machine.run(closed)).toThrow(/closed/);
    memory.close();
    expect(() => machine.write(memory, range(0, 1), [1])).toThrow(/arena "memory" was closed/);
    await expect((async () => machine.read(memory, range(0, 1)))()).rejects.toThrow(/closed/);
    expect(() => machine.run(prepared)).toThrow(/closed/);
    memory.close();
    const other = await open();
    const foreign = other.arena("memory", 64);
    const strange = await other.prepare(plan, { memory: foreign });
    expect(() => machine.run(strange)).toThrow(/prepared by another machine/);
    expect(() => machine.write(foreign, range(0, 1), [1])).toThrow(UsageError);
    other.close();
    expect(() => other.arena("memory", 1)).toThrow(/the machine was closed/);
    expect(() => other.write(foreign, range(0, 1), [1])).toThrow(/the machine was closed/);
    expect(() => other.run(strange)).toThrow(/the machine was closed/);
    await expect((async () => other.prepare(plan, { memory: foreign }))()).rejects.toThrow(/the machine was closed/);
  },
};
