import { describe, expect, it } from "vitest";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { mul, square, variable } from "../../src/math/expression.ts";
import { ShapeError, UsageError } from "../../src/shared/errors.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { sumAll } from "../../src/tensor/operations.ts";
import { layoutParameters, namedParameters, type Parameter } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { quantizeMatrix } from "../../src/tensor/quantized.ts";

const drawn = (...shape: number[]): Parameter => ({ shape, initialize: (s, random) => random.uniform(size(s)) });

function model() {
  const shared = drawn(3, 2);
  const root = {
    parts: {
      embedding: { parts: { weight: shared } },
      head: { parts: { weight: shared, bias: drawn(5) } },
      scale: drawn(),
    },
  };
  return { root, shared, layout: layoutParameters(root) };
}

describe("a parameter store", () => {
  it("draws each parameter from a stream of its own name", async () => {
    const machine = openReference();
    const store = await createParameters({ machine, layout: model().layout, seed: 3 });
    expect(store.names).toEqual(["embedding.weight", "head.bias", "scale"]);
    expect(store.count).toBe(6 + 5 + 1);
    expect(await store.read("head.bias")).toEqual(new RandomStream(3, "head.bias").uniform(5));
    const byDefault = await createParameters({ machine, layout: model().layout });
    expect(await byDefault.read("head.bias")).toEqual(new RandomStream(0, "head.bias").uniform(5));
    const other = await createParameters({ machine, layout: model().layout, seed: 4 });
    expect(await other.read("head.bias")).not.toEqual(await store.read("head.bias"));
    const zeros = await createParameters({ machine, layout: model().layout, initialize: false });
    expect(await zeros.read("head.bias")).toEqual(new Float64Array(5));
    await expect(createParameters({ machine, layout: model().root as never })).rejects.toThrow(
      /layout: expected what layoutParameters\(model\) returns, got an object with the properties parts/,
    );
  });

  it("lays parameters out from the last to the first, each at a multiple of 16, a shared one once", () => {
    const { layout, shared, root } = model();
    expect([...namedParameters(root).keys()]).toEqual(["embedding.weight", "head.bias", "scale"]);
    expect([...layout.offsets.values()]).toEqual([0, 16, 32]);
    expect(layout.offsets.get(shared)).toBe(32);
    expect(layout.length).toBe(48);
  });

  it("gives copies out and takes copies in, by name", async () => {
    const { layout } = model();
    const store = await createParameters({ machine: openReference(), layout, seed: 1 });
    const tensors = await store.toTensors();
    expect([...tensors.keys()]).toEqual(store.names);
    expect(tensors.get("embedding.weight")!.shape).toEqual([3, 2]);
    tensors.get("head.bias")!.data[0] = 42;
    expect((await store.read("head.bias"))[0]).not.toBe(42);
    expect(store.loadTensors(tensors)).toEqual({ missing: [], unexpected: [] });
    expect((await store.read("head.bias"))[0]).toBe(42);
    store.write("scale", [7]);
    store.write("embedding.weight", { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] });
    expect(Array.from(await store.read("embedding.weight"))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Array.from(await store.read("scale"))).toEqual([7]);
  });

  it("takes the tensors of a safetensors file", async () => {
    const { layout } = model();
    const store = await createParameters({ machine: openReference(), layout, seed: 1 });
    const before = await store.toTensors();
    const other = await createParameters({ machine: openReference(), layout, initialize: false });
    other.loadTensors(readSafetensors(writeSafetensors(before)).tensors);
    expect(await other.toTensors()).toEqual(before);
    const halves = new Map([...before].map(([name, { shape, data }]) => [name, safeTensor("F16", shape, data)]));
    other.loadTensors(halves);
    for (const [name, { data }] of await other.toTensors())
      expect(Array.from(data)).toEqual(Array.from(halves.get(name)!.toFloat64()));
  });

  it("says what is missing, unexpected or of another shape, and then writes nothing", async () => {
    const store = await createParameters({ machine: openReference(), layout: model().layout, seed: 1 });
    const before = await store.toTensors();
    const tensors = () =>
      new Map([...before].map(([name, t]) => [name, { shape: t.shape, data: t.data.map(() => 9) }]));
    const without = tensors();
    without.delete("scale");
    without.set("head.weight", { shape: [1], data: Float64Array.of(1) });
    expect(() => store.loadTensors(without)).toThrow(/1 of 3 parameters are missing: scale.*head\.weight/);
    const more = tensors().set("extra", { shape: [1], data: Float64Array.of(1) });
    expect(() => store.loadTensors(more)).toThrow(/extra/);
    const transposed = tensors().set("embedding.weight", { shape: [2, 3], data: new Float64Array(6) });
    expect(() => store.loadTensors(transposed)).toThrow(ShapeError);
    expect(() => store.loadTensors(transposed, { strict: false })).toThrow(
      /"embedding.weight": expected \[3, 2\], got \[2, 3\]/,
    );
    expect(await store.toTensors()).toEqual(before);
    expect(store.loadTensors(without, { strict: false })).toEqual({ missing: ["scale"], unexpected: ["head.weight"] });
    expect(Array.from(await store.read("head.bias"))).toEqual([9, 9, 9, 9, 9]);
    expect(await store.read("scale")).toEqual(before.get("scale")!.data);
    await expect(store.read("head.bia")).rejects.toThrow(/did you mean "head.bias"/);
    expect(() => store.write("head.bias", [1, 2])).toThrow(/"head.bias".*\[5\].*5.*2/);
    expect(() => store.write("head.bias", { shape: [1, 5], data: [1, 2, 3, 4, 5] })).toThrow(ShapeError);
  });

  it("says what is no tensor", async () => {
    const store = await createParameters({ machine: openReference(), layout: model().layout });
    for (const [wrong, came] of [
      [undefined, "nothing"],
      [3, "3"],
      ["x", 'the string "x"'],
      [null, "null"],
      [{ data: [1] }, "an object with the properties data"],
    ])
      expect(() => store.write("scale", wrong as never)).toThrow(`expected numbers, or { shape, data }, got ${came}`);
    expect(() => store.write("scale", {} as never)).toThrow("has 1 numbers, got an object with no properties");
    for (const [wrong, came] of [
      [{ shape: [] }, "an object with the properties shape"],
      [{ data: [1] }, "an object with the properties data"],
      [{ shape: [], data: [1, 2] }, "[] with 2 numbers"],
    ] as const)
      expect(() => store.loadTensors(new Map([["scale", wrong]]) as never, { strict: false })).toThrow(
        `"scale": expected [], got ${came}`,
      );
    expect(() => store.loadTensors({ scale: [1] } as never)).toThrow(/expected a Map from names.*the properties scale/);
    expect(() => store.loadTensors(new Map([["scale", [1]]]) as never, { strict: false })).toThrow(
      /"scale": expected \[\], got an array of 1/,
    );
  });

  it("that holds 8 bits takes none of the tensors that name one", async () => {
    const whole: Parameter = { shape: [2, 2], initialize: () => [1, 2, 3, 4] };
    const layout = layoutParameters({ parts: { first: drawn(3), whole } });
    const store = await createParameters({ machine: openReference(), layout });
    store.quantize(new Map([["whole", quantizeMatrix({ shape: [2, 2], data: [1, 2, 3, 4] })]]));
    const before = await store.toTensors();
    const all = new Map([...before].map(([name, t]) => [name, { shape: t.shape, data: t.data.map(() => 9) }]));
    expect(() => store.loadTensors(all)).toThrow(expect.objectContaining({ code: "quantized" }));
    expect(await store.toTensors()).toEqual(before);
    all.delete("whole");
    expect(store.loadTensors(all, { strict: false }).missing).toEqual(["whole"]);
    expect([...(await store.read("first"))]).toEqual([9, 9, 9]);
  });

  it("shares its arenas with a graph; gradients lie under the names of their parameters", async () => {
    const { layout, shared } = model();
    const machine = openReference();
    const store = await createParameters({ machine, layout, seed: 1 });
    store.arena("gradients");
    store.arena("first");
    const graph = new Graph({ machine, parameters: layout, training: true });
    const w = graph.parameter(shared);
    graph.backward([[sumAll({ w }, mul(3, square(variable("w")))), 1]]);
    const executable = await compile(graph, { machine, arenas: store.arenas });
    store.write("head.bias", [1, 2, 3, 4, 5], "gradients");
    executable.run();
    const weight = await store.read("embedding.weight");
    const gradient = await store.read("embedding.weight", "gradients");
    expect(Array.from(gradient)).toEqual(Array.from(weight, (v) => 3 * (v + v)));
    // Parameters that the graph does not use get the gradient 0, not what lay there.
    expect(Array.from(await store.read("head.bias", "gradients"))).toEqual([0, 0, 0, 0, 0]);
    expect(Array.from(await store.read("head.bias", "first"))).toEqual([0, 0, 0, 0, 0]);
    executable.close();
    expect(await store.read("embedding.weight")).toEqual(weight);
  });

  it("of a model without parameters is empty", async () => {
    const machine = openReference();
    const store = await createParameters({ machine, layout: layoutParameters({ parts: {} }) });
    expect([store.names, store.count, await store.toTensors()]).toEqual([[], 0, new Map()]);
  });

  it("must be given to a plan that reads it", async () => {
    const { layout, shared } = model();
    const machine = openReference();
    const graph = new Graph({ machine, parameters: layout });
    graph.output("w", graph.parameter(shared));
    await expect(compile(graph, { machine })).rejects.toThrow(/arenas: the graph has parameters.*`parameters\.arenas`/);
  });

  it("has the gradient 0 of a parameter in whose place the graph has another tensor", async () => {
    const { layout, shared } = model();
    const machine = openReference();
    const store = await createParameters({ machine, layout, seed: 1 });
    const graph = new Graph({ machine, parameters: layout, training: true });
    const bias = layout.names.get("head.bias")!;
    const before = sumAll({ b: graph.parameter(bias) }, variable("b"));
    graph.substitute(shared, graph.input("w", shared.shape, { differentiable: true }));
    graph.substitute(bias, graph.constant([5], [1, 2, 3, 4, 5]));
    for (const name of store.names) store.write(name, new Float64Array(size(store.shape(name))).fill(7), "gradients");
    graph.backward([
      [before, 1],
      [sumAll({ w: graph.parameter(shared) }, variable("w")), 1],
    ]);
    (await compile(graph, { machine, arenas: store.arenas })).run();
    expect([...(await store.read("embedding.weight", "gradients"))]).toEqual(new Array(6).fill(0));
    // What was used before has its gradient.
    expect([...(await store.read("head.bias", "gradients"))]).toEqual(new Array(5).fill(1));
  });

  it("is an error to use when closed, and frees its memory", async () => {
    const machine = openReference();
    const store = await createParameters({ machine, layout: model().layout });
    store.close();
    expect(machine.memory.usedBytes).toBe(0);
    await expect(store.read("scale")).rejects.toThrow(/closed/);
    expect(() => store.arena("gradients")).toThrow(UsageError);
    expect(() => store.arenas).toThrow(/closed/);
  });

  it("does not keep memory when an initialiser fails", async () => {
    const machine = openReference();
    const failing: Parameter = { shape: [2], initialize: () => [1] };
    await expect(createParameters({ machine, layout: layoutParameters({ parts: { failing } }) })).rejects.toThrow(
      /"failing".*2.*1/,
    );
    expect(machine.memory.usedBytes).toBe(0);
  });
});
