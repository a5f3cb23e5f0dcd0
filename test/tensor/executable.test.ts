import { describe, expect, it } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { variable } from "../../src/math/expression.ts";
import { FailureError, ShapeError, UsageError } from "../../src/shared/errors.ts";
import { add, mul } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { gather, matmul, pointwise } from "../../src/tensor/operations.ts";

const [x, rate] = [variable("x"), variable("rate")];

/** `sum` is a state that grows by `rate · x` in every run; `rows` choose rows of a constant table. */
async function counter() {
  const machine = openReference();
  const graph = new Graph({ machine });
  const input = graph.input("x", [2, 2], { differentiable: true });
  const rows = graph.input("rows", [3], { type: "int" });
  const sum = graph.state("sum", [2, 2]);
  const scaled = pointwise({ x: input, rate: graph.scalar("rate") }, mul(x, rate));
  const next = add(sum, scaled);
  graph.copy(next.range, sum.range);
  graph.output("scaled", scaled);
  graph.output("chosen", gather(rows, graph.constant([4, 1], [10, 11, 12, 13])));
  const executable = await compile(graph, { machine });
  return { machine, graph, input, executable };
}

describe("an executable", () => {
  it("runs as often as one likes, keeps state, and remembers scalars", async () => {
    const { executable } = await counter();
    executable.write("x", [1, 2, 3, 4]);
    executable.write("rows", [3, 0, 1]);
    executable.run({ rate: 10 });
    expect(Array.from(await executable.read("scaled"))).toEqual([10, 20, 30, 40]);
    expect(Array.from(await executable.read("chosen"))).toEqual([13, 10, 11]);
    executable.run();
    executable.run({ rate: 1 });
    expect(Array.from(await executable.read("sum"))).toEqual([21, 42, 63, 84]);
    executable.writeState("sum", [0, 0, 0, 1]);
    executable.run();
    expect(Array.from(await executable.read("sum"))).toEqual([1, 2, 3, 5]);
    executable.zeroState();
    expect(Array.from(await executable.read("sum"))).toEqual([0, 0, 0, 0]);
    expect(Array.from(await executable.read("x"))).toEqual([1, 2, 3, 4]);
    expect(await executable.read("rows")).toEqual(Int32Array.of(3, 0, 1));
    expect(executable.shape("scaled")).toEqual([2, 2]);
    const out = new Float32Array(4);
    executable.readInto("scaled", out);
    expect(Array.from(out)).toEqual([1, 2, 3, 4]);
  });

  it("lets no wrong number reach a kernel", async () => {
    const { executable } = await counter();
    for (const wrong of [4, -1, 0.5, Number.NaN])
      expect(() => executable.write("rows", [0, wrong, 0])).toThrow(/"rows".*element 1.*from 0 to 3/);
    expect(await executable.read("rows")).toEqual(Int32Array.of(0, 0, 0));
    expect(() => executable.write("x", [1, 2, 3])).toThrow(ShapeError);
    expect(() => executable.write("x", [1, 2, 3])).toThrow(/"x".*\[2, 2\].*4.*3/);
    expect(() => executable.writeState("sum", [1])).toThrow(ShapeError);
    for (const wrong of [new Float64Array(3), undefined])
      expect(() => executable.readInto("scaled", wrong as never)).toThrow(ShapeError);
  });

  it("bounds that are declared hold, the smallest of several", async () => {
    const machine = openReference();
    const graph = new Graph({ machine });
    const tokens = graph.input("tokens", [1], { type: "int", below: 100 });
    gather(tokens, graph.constant([7, 1], new Float32Array(7)));
    gather(tokens, graph.constant([9, 1], new Float32Array(9)));
    graph.input("other", [1], { type: "int", below: 5 });
    graph.input("free", [2], { type: "int" });
    graph.input("float", [1], { below: 5 });
    const executable = await compile(graph, { machine });
    executable.write("tokens", [6]);
    expect(() => executable.write("tokens", [7])).toThrow(/from 0 to 6/);
    expect(() => executable.write("other", [5])).toThrow(/from 0 to 4/);
    expect(() => executable.write("float", [5])).toThrow(/from 0 to 4/);
    executable.write("free", [-(2 ** 31), 2 ** 32 - 1]);
    for (const wrong of [2 ** 32, -(2 ** 31) - 1])
      expect(() => executable.write("free", [0, wrong])).toThrow(UsageError);
  });

  it("has the numbers that a constant was given, whatever becomes of them", async () => {
    const machine = openReference();
    const graph = new Graph({ machine });
    const numbers = [1, 2];
    graph.output("y", mul(graph.constant([2], numbers), 10));
    numbers.fill(0);
    const executable = await compile(graph, { machine });
    executable.run();
    expect([...(await executable.read("y"))]).toEqual([10, 20]);
  });

  it("says which names there are", async () => {
    const { executable, input } = await counter();
    expect(() => executable.write("y", [1])).toThrow(/no input "y"/);
    expect(() => executable.write("row", [1])).toThrow(/did you mean "rows"/);
    expect(() => executable.write("toString", [1])).toThrow(UsageError);
    expect(() => executable.read("scale")).toThrow(/did you mean "scaled"/);
    expect(() => executable.writeState("scaled", [1, 2, 3, 4])).toThrow(/no state/);
    for (const name of ["speed", "constructor"])
      expect(() => executable.run({ [name]: 1 })).toThrow(`no scalar "${name}"`);
    expect(() => executable.readAdjoint(input)).toThrow(/no gradient/);
  });

  it("shares the arenas it is given and closes only its own", async () => {
    const machine = openReference();
    const record = () => {
      const graph = new Graph({ machine });
      const sum = graph.state("sum", [2]);
      graph.copy(pointwise({ x: sum }, add(x, 1)).range, sum.range);
      return graph;
    };
    const one = await compile(record(), { machine });
    const two = await compile(record(), { machine, arenas: { state: one.arenas.state! } });
    one.run();
    two.run();
    two.close();
    one.run();
    expect(Array.from(await one.read("sum"))).toEqual([3, 3]);
    one.close();
  });

  it("is an error to use when closed, and frees its memory", async () => {
    const { executable, machine } = await counter();
    executable.close();
    executable[Symbol.dispose]();
    for (const use of [
      () => executable.run(),
      () => executable.write("x", [1, 2, 3, 4]),
      () => executable.read("sum"),
      () => executable.zeroState(),
      () => executable.readInto("sum", new Float64Array(4)),
      () => executable.readAdjoint(executable.graph.inputs.x!),
      () => executable.writeState("sum", [1, 2, 3, 4]),
      () => executable.shape("sum"),
    ])
      expect(use).toThrow("this session or executable was closed");
    expect(machine.memory.usedBytes).toBe(0);
    const wasm = await openMachine("wasm");
    const graph = new Graph({ machine: wasm });
    graph.output("y", matmul(graph.input("x", [40, 70]), graph.input("w", [70, 50])));
    const before = wasm.memory.usedBytes;
    (await compile(graph, { machine: wasm })).close();
    expect(wasm.memory.usedBytes).toBe(before);
    wasm.close();
  });

  it("is of a graph on which nothing more is recorded", async () => {
    const { graph, input, executable } = await counter();
    for (const record of [
      () => mul(input, 2),
      () => graph.output("x", input),
      () => graph.input("y", [2]),
      () => graph.constant([1], [2]),
      () => graph.state("more", [2]),
      () => graph.scalar("speed"),
      () => graph.backward([[input, 1]]),
      () => graph.copy(graph.states.sum!.range, input.range),
    ])
      expect(record).toThrow(/this graph was compiled.*record everything before `compile`/);
    // What is known already may be asked for, and another machine may run the same plan.
    expect(graph.state("sum", [2, 2]).shape).toEqual([2, 2]);
    executable.run({ rate: 1 });
    using machine = openReference();
    (await compile(graph, { machine })).run({ rate: 1 });
  });

  it("refuses a plan that is too large before anything is allocated, and leaves nothing behind", async () => {
    const machine = openReference();
    const graph = new Graph({ machine });
    graph.output("y", mul(graph.input("x", [2 ** 29]), graph.constant([], [2])));
    graph.empty([2 ** 30]);
    await expect(compile(graph, { machine })).rejects.toThrow(FailureError);
    await expect(compile(graph, { machine })).rejects.toThrow(/needs 16 GiB \(inputs 4 GiB, activations 12 GiB\)/);
    const broken = new Graph({ machine });
    broken.output("y", broken.input("x", [2 ** 28]));
    broken.launch({ op: "gather", rows: 1, vocabulary: 1, columns: 1 }, {});
    await expect(compile(broken, { machine })).rejects.toThrow(/"indices" is missing/);
    expect(machine.memory.usedBytes).toBe(0);
  });
});

describe("numbers for an input", () => {
  it("are no bigints, as 64-bit integers of other programs come", async () => {
    using machine = openReference();
    const graph = new Graph({ machine });
    graph.output("y", add(graph.input("x", [2]), 1));
    using executable = await compile(graph, { machine });
    expect(() => executable.write("x", BigInt64Array.of(1n, 2n) as never)).toThrow(
      /input "x": expected numbers, got a BigInt64Array of 2; .*Array.from\(…, Number\)/,
    );
  });
});

describe("names in a graph", () => {
  it("are given once to inputs, and always the same shape to a state", () => {
    const graph = new Graph({ machine: openReference() });
    graph.input("constructor", [1]);
    graph.output("constructor", graph.input("x", [1]));
    expect(() => graph.output("constructor", graph.inputs.x!)).toThrow('output "constructor" is declared twice');
    expect(graph.scalar("constructor").shape).toEqual([]);
    expect(graph.scalar("constructor").range).toBe(graph.scalar("constructor").range);
    expect(() => graph.input("y", [1], { type: "integer" as never })).toThrow(
      'input "y": type: expected one of "float"',
    );
    for (const below of [0, 1.5, Number.NaN])
      expect(() => graph.input("y", [1], { below })).toThrow('input "y": below: expected a whole number of at least 1');
    expect(() => graph.input("constructor", [1], { below: 3 })).toThrow(/twice/);
    expect(graph.bounds.smallest()).toEqual({});
    expect(graph.state("h", [2])).toBe(graph.state("h", [2]));
    expect(() => graph.state("h", [3])).toThrow(/"h".*\[3\].*\[2\]/);
  });
});
