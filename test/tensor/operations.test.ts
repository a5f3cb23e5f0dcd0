import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rnn } from "../../src/cells/rnn.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { linearCrossEntropy } from "../../src/losses/linear-cross-entropy.ts";
import { div, exp, less, log, max, sigmoid, square, sub, tanh, variable } from "../../src/math/expression.ts";
import { ShapeError } from "../../src/shared/errors.ts";
import { size } from "../../src/shared/shapes.ts";
import { add, mul } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { Lattice } from "../../src/tensor/lattice.ts";
import {
  broadcastShape,
  concatenate,
  gather,
  matmul,
  pointwise,
  reduce,
  reshape,
  slice,
  stopGradient,
  strided,
  sumAll,
  transpose,
} from "../../src/tensor/operations.ts";
import { layoutParameters, type Parameter } from "../../src/tensor/parameter.ts";
import { derived, distinct, expectGradients } from "./gradients.ts";

const [a, b, c] = [variable("a"), variable("b"), variable("c")];
const runs = { numRuns: 12 };
const extent = fc.integer({ min: 1, max: 4 });
const shape = (rank: { min: number; max: number }): fc.Arbitrary<number[]> =>
  fc.array(extent, { minLength: rank.min, maxLength: rank.max });

/** Shapes that broadcast to one: leading axes left out, axes of size 1. */
const broadcastTo = (full: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .tuple(
      fc.integer({ min: 0, max: full.length }),
      fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
    )
    .map(([skip, ones]) => full.map((n, axis) => (ones[axis] ? 1 : n)).slice(skip));
const three = shape({ min: 0, max: 4 }).chain((full) =>
  fc.tuple(broadcastTo(full), broadcastTo(full), broadcastTo(full)),
);
const values = (shapes: Readonly<Record<string, readonly number[]>>, seed: number): Record<string, number[]> =>
  Object.fromEntries(Object.entries(shapes).map(([name, s], k) => [name, distinct(size(s), seed + k)]));

describe("gradients are those of central differences", () => {
  it("pointwise, whatever is broadcast", () =>
    fc.assert(
      fc.asyncProperty(three, fc.nat(1000), async ([sa, sb, sc], seed) => {
        const shapes = { a: sa, b: sb, c: sc };
        const value = add(mul(tanh(a), sigmoid(b)), div(c, add(2, square(b))));
        await expectGradients(shapes, values(shapes, seed), (inputs) => pointwise(inputs, value));
      }),
      runs,
    ));

  it("sums over any axes of an equation of broadcast inputs", () =>
    fc.assert(
      fc.asyncProperty(
        three,
        fc.subarray([0, 1, 2, 3]),
        fc.boolean(),
        fc.nat(1000),
        async ([sa, sb, sc], axes, fromEnd, seed) => {
          const shapes = { a: sa, b: sb, c: sc };
          const rank = broadcastShape([sa, sb, sc]).length;
          const over = axes.filter((axis) => axis < rank).map((axis) => (fromEnd ? axis - rank : axis));
          const value = add(mul(exp(a), b), square(c));
          await expectGradients(shapes, values(shapes, seed), (inputs) => reduce(inputs, value, over));
        },
      ),
      runs,
    ));

  it("maxima over any axes, also when more is done with them", () =>
    fc.assert(
      fc.asyncProperty(shape({ min: 1, max: 3 }), fc.subarray([0, 1, 2]), fc.nat(1000), async (s, axes, seed) => {
        const shapes = { a: s };
        await expectGradients(shapes, values(shapes, seed), (inputs) => {
          const best = reduce(
            inputs,
            mul(a, 2),
            axes.filter((axis) => axis < s.length),
            "max",
          );
          // Softmax's denominator: what is subtracted is the maximum itself.
          return reduce({ a: inputs.a!, b: best }, exp(sub(a, b)), [s.length - 1]);
        });
      }),
      runs,
    ));

  it("of an input that has the name of a kernel's result", async () => {
    const value = mul(square(variable("out")), b);
    const shapes = { out: [2, 3], b: [3] };
    const most: typeof sumAll = (inputs, equation) => reduce(inputs, equation, [1], "max");
    for (const record of [pointwise, sumAll, most])
      await expectGradients(shapes, values(shapes, 5), (inputs) => record(inputs, value));
  });
  it("a sum over everything has shape []", async () => {
    const shapes = { a: [3, 2], b: [2] };
    await expectGradients(shapes, values(shapes, 1), (inputs) => {
      const sum = sumAll(inputs, mul(a, b));
      expect(sum.shape).toEqual([]);
      return pointwise({ a: sum }, log(add(10, a)));
    });
  });

  it("transpose, slice and concatenate", () =>
    fc.assert(
      fc.asyncProperty(
        shape({ min: 1, max: 4 }).chain((s) =>
          fc.record({
            s: fc.constant(s),
            axis: fc.integer({ min: 0, max: s.length - 1 }),
            order: fc.shuffledSubarray(
              s.map((_, k) => k),
              { minLength: s.length },
            ),
            fromEnd: fc.boolean(),
            cut: fc.double({ min: 0, max: 0.999, noNaN: true }),
            more: extent,
          }),
        ),
        fc.nat(1000),
        async ({ s, axis, order, fromEnd, cut, more }, seed) => {
          const along = fromEnd ? axis - s.length : axis;
          const other = s.with(axis, more);
          const shapes = { a: s, b: other };
          const data = values(shapes, seed);
          const start = Math.floor(cut * s[axis]!);
          await expectGradients({ a: s }, { a: data.a! }, (inputs) => transpose(inputs.a!, order));
          await expectGradients({ a: s }, { a: data.a! }, (inputs) => slice(inputs.a!, along, start, s[axis]!));
          await expectGradients(shapes, data, (inputs) =>
            // One part twice, and a part of a part.
            concatenate([inputs.a!, inputs.b!, slice(inputs.a!, axis, 0, start + 1), inputs.a!], along),
          );
        },
      ),
      runs,
    ));

  it("products with both transposes, batches and bias", () =>
    fc.assert(
      fc.asyncProperty(
        fc.tuple(extent, extent, extent),
        fc.option(extent, { nil: undefined }),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        fc.nat(1000),
        async ([m, k, n], batch, [transposeA, transposeB, biased], seed) => {
          const lead = batch === undefined ? [] : [batch];
          const shapes = {
            a: [...lead, ...(transposeA ? [k, m] : [m, k])],
            b: [...lead, ...(transposeB ? [n, k] : [k, n])],
            ...(biased && { bias: [n] }),
          };
          await expectGradients(shapes, values(shapes, seed), (inputs) =>
            matmul(inputs.a!, inputs.b!, { transposeA, transposeB, bias: inputs.bias }),
          );
        },
      ),
      { numRuns: 24 },
    ));

  it("rows of a table, also the same row often", async () => {
    const result = await expectGradients(
      { table: [4, 3] },
      { table: distinct(12, 3), rows: [2, 0, 2, 2, 3, 0] },
      (inputs) => gather(inputs.rows!, inputs.table!),
      { rows: [3, 2] },
    );
    expect(result.slice(0, 3)).toEqual(distinct(12, 3).slice(6, 9));
  });
});

describe("what is shared", () => {
  it("a tensor that is used more than once gets the sum of its gradients", async () => {
    const shapes = { a: [2, 3], b: [3] };
    await expectGradients(shapes, values(shapes, 4), ({ a: x, b: y }) => {
      const z = mul(x!, x!);
      const w = add(z, y!);
      return add(add(mul(w, z), z), y!);
    });
    await expectGradients({ a: [3, 3] }, { a: distinct(9, 5) }, ({ a: x }) => matmul(x!, x!, { transposeB: true }));
    const wide = new Graph({ machine: openReference() });
    expect(() => matmul(wide.input("a", [2, 3, 4]), wide.input("b", [4, 5]))).toThrow(
      "got [2, 3, 4] and [4, 5]; for the product of a stack with one matrix make it one too, reshape(a, [6, 4])",
    );
    await expectGradients({ a: [3, 3] }, { a: distinct(9, 6) }, ({ a: x }) =>
      matmul(x!, x!, { bias: reshape(slice(x!, 0, 1, 2), [3]) }),
    );
  });

  it("a view shares memory and gradient with what it is a view of", async () => {
    await expectGradients({ a: [2, 6] }, { a: distinct(12, 7) }, ({ a: x }) => {
      const view = reshape(x!, [3, 4]);
      return add(reshape(mul(view, view), [12]), reshape(x!, [12]));
    });
    await expectGradients({ a: [4] }, { a: distinct(4, 8) }, ({ a: x }) =>
      reshape(reshape(pointwise({ a: x! }, tanh(a)), [2, 2]), [4]),
    );
  });

  it("a maximum shares its gradient among ties, as PyTorch's amax", async () => {
    const { gradients } = await derived({ a: [1, 4] }, { a: [3, 1, 3, 3] }, ({ a: x }) =>
      reduce({ a: x! }, a, [1], "max"),
    );
    const whole = gradients.a!.reduce((sum, g) => sum + g, 0);
    expect(gradients.a).toEqual([whole / 3, 0, whole / 3, whole / 3]);
    const { gradients: pair } = await derived({ a: [], b: [] }, { a: [2], b: [2] }, (inputs) =>
      pointwise(inputs, max(a, b)),
    );
    expect(pair.a![0]).toBe(pair.b![0]);
    expect(pair.a![0]! * 2).toBeCloseTo(whole, 12);
  });

  it("no gradient goes through stopGradient, nor to a padding row", async () => {
    const stopped = await derived({ a: [3] }, { a: [1, 2, 3] }, ({ a: x }) => mul(x!, stopGradient(x!)));
    const plain = await derived({ a: [3] }, { a: [1, 2, 3] }, ({ a: x }) => mul(x!, x!));
    expect(stopped.gradients.a!.map((g) => 2 * g)).toEqual(plain.gradients.a);
    const { gradients } = await derived(
      { table: [3, 2] },
      { table: distinct(6, 1), rows: [0, 1, 1, 2] },
      ({ table, rows }) => gather(rows!, table!, { paddingIndex: 1 }),
      { rows: [4] },
    );
    expect(gradients.table!.map((g) => g !== 0)).toEqual([true, true, false, false, true, true]);
  });

  it("seeds may be numbers, and several", async () => {
    const machine = openReference();
    const graph = new Graph({ machine });
    const x = graph.input("x", [2], { differentiable: true });
    const [y, z] = [mul(x, x), pointwise({ c: x }, mul(3, c))];
    graph.backward([
      [y, 2],
      [z, 10],
      [y, 1],
    ]);
    const executable = await compile(graph, { machine });
    executable.write("x", [1, 5]);
    executable.run();
    expect(Array.from(await executable.readAdjoint(x))).toEqual([3 * 2 + 30, 3 * 10 + 30]);
    machine.close();
  });
});

describe("a gradient reaches those that want one, and no others", () => {
  const operations: Readonly<Record<string, (x: Tensor, y: Tensor, z: Tensor) => Tensor>> = {
    matmul: (x, y, z) => matmul(x, y, { bias: z }),
    pointwise: (x, y, z) => pointwise({ a: x, b: y, c: z }, mul(a, add(b, c))),
    sum: (x, y, z) => reduce({ a: x, b: y, c: z }, mul(a, mul(b, c)), [0]),
    maximum: (x, y, z) => reduce({ a: x, b: y, c: z }, mul(a, mul(b, c)), [1], "max"),
    concatenate: (x, y, z) => concatenate([x, y, reshape(z, [1, 2])], 0),
  };
  const given = { x: [1, -2, 3, 4], y: [0.5, 2, -1, 3], z: [2, -3] };
  async function adjoints(operation: (x: Tensor, y: Tensor, z: Tensor) => Tensor, wanted: readonly string[]) {
    using machine = openReference();
    const graph = new Graph({ machine });
    const input = (name: string, s: readonly number[]) =>
      graph.input(name, s, { differentiable: wanted.includes(name) });
    const inputs = { x: input("x", [2, 2]), y: input("y", [2, 2]), z: input("z", [2]) };
    graph.backward([[operation(inputs.x, inputs.y, inputs.z), 1]]);
    const executable = await compile(graph, { machine });
    for (const [name, data] of Object.entries(given)) executable.write(name, data);
    executable.run();
    const found = Object.entries(inputs).filter(([, t]) => graph.adjoint(t));
    return Object.fromEntries(
      await Promise.all(found.map(async ([name, t]) => [name, [...(await executable.readAdjoint(t))]] as const)),
    );
  }
  it.each(Object.entries(operations))("%s", async (_, operation) => {
    const all = await adjoints(operation, ["x", "y", "z"]);
    for (const wanted of fc.sample(fc.subarray(["x", "y", "z"] as const, { minLength: 1 }), 12))
      expect(await adjoints(operation, wanted)).toEqual(Object.fromEntries(wanted.map((name) => [name, all[name]])));
  });
});

it("windows may overlap where no gradient comes back, and lie within their tensor", async () => {
  using machine = openReference();
  const graph = new Graph({ machine });
  const x = graph.input("x", [5]);
  graph.output("windows", strided(x, [3, 3], 0, [1, 1]));
  const executable = await compile(graph, { machine });
  executable.write("x", [1, 2, 3, 4, 5]);
  executable.run();
  expect([...(await executable.read("windows"))]).toEqual([1, 2, 3, 2, 3, 4, 3, 4, 5]);
  const y = new Graph({ machine }).input("y", [5], { differentiable: true });
  expect(() => strided(y, [3, 3], 0, [1, 1])).toThrow(/overlap have no gradient/);
  for (const [shape, offset] of [
    [[3, 3], 1],
    [[1], 5],
  ] as const) {
    const beyond = new Graph({ machine });
    strided(beyond.input("x", [5]), shape, offset, shape.length === 2 ? [1, 1] : [1]);
    beyond.input("next", [50]);
    await expect(compile(beyond, { machine })).rejects.toThrow(/"from" has \d elements, the kernel reaches \d/);
  }
});

it("over no elements sums and gradients are 0, whatever lay in their memory", async () => {
  const machine = openReference();
  const graph = new Graph({ machine });
  const empty = (...s: number[]) => graph.empty(s);
  const given = Object.entries({ w: [3, 2], b: [2], c: [1], d: [] }).map(([name, s]) =>
    graph.input(name, s, { differentiable: true }),
  ) as [Tensor, Tensor, Tensor, Tensor];
  const product = matmul(empty(0, 3), given[0], { bias: given[1] });
  const scaled = pointwise({ a: empty(0), b: given[2], c: given[3] }, mul(a, mul(b, c)));
  graph.output("sum", reduce({ a: product }, a, [0]));
  graph.backward([
    [product, 1],
    [scaled, 1],
  ]);
  const executable = await compile(graph, { machine });
  for (const [name, length] of Object.entries(graph.finish().arenas)) {
    const range = { arena: name, offset: 0, length, type: "float" } as const;
    machine.write(executable.arenas[name]!, range, new Float64Array(length).fill(7));
  }
  executable.run();
  for (const t of given) expect([...(await executable.readAdjoint(t))]).toEqual(new Array(size(t.shape)).fill(0));
  expect([...(await executable.read("sum"))]).toEqual([0, 0]);
  machine.close();
});

describe("shapes that do not fit are refused while recording", () => {
  const machine = openReference();
  const graph = new Graph({ machine });
  const tensor = (...s: number[]) => graph.empty(s);
  it.each([
    ["broadcast", () => add(tensor(2, 3), tensor(2))],
    ["inner sizes", () => matmul(tensor(2, 3), tensor(2, 3))],
    ["batches", () => matmul(tensor(2, 3, 3), tensor(4, 3, 3))],
    ["ranks", () => matmul(tensor(3, 3), tensor(1, 3, 3))],
    ["a stack of one and a stack of three", () => matmul(tensor(1, 3, 3), tensor(3, 3, 3))],
    ["stacks of stacks", () => matmul(tensor(2, 2, 3, 3), tensor(2, 2, 3, 3))],
    ["a sum's axis", () => reduce({ a: tensor(2, 3) }, a, [2])],
    ["a sum's axis from the end", () => reduce({ a: tensor(2, 3) }, a, [-3])],
    ["the axis of parts", () => concatenate([tensor(2), tensor(2)], 1)],
    ["half a step", () => slice(tensor(4, 3), 0, 0.5, 2)],
    ["a negative size", () => graph.input("x", [-1, 3])],
    ["half a size", () => graph.state("x", [1.5, 3])],
    ["too few numbers", () => graph.constant([3], [1, 2])],
    ["bias", () => matmul(tensor(2, 3), tensor(3, 4), { bias: tensor(3) })],
    ["order", () => transpose(tensor(2, 3), [0, 0])],
    ["order's length", () => transpose(tensor(2, 3), [0])],
    ["slice's end", () => slice(tensor(2, 3), 1, 1, 4)],
    ["slice's start", () => slice(tensor(2, 3), 1, -1, 2)],
    ["empty slice", () => slice(tensor(2, 3), 1, 2, 2)],
    ["slice's axis", () => slice(tensor(2, 3), 2, 0, 1)],
    ["axes that are no list", () => reduce({ a: tensor(2, 3) }, a, 1 as never)],
    ["an order that is no list", () => transpose(tensor(2, 3), 0 as never)],
    ["parts that are no list", () => concatenate(tensor(2, 3) as never, 0)],
    ["a table of three axes", () => gather(graph.empty([1]), tensor(2, 3, 4))],
    ["a row for a table", () => gather(graph.empty([1]), tensor(2))],
    ["a view of negative sizes", () => reshape(tensor(2, 3), [-2, -3])],
    ["a view of half sizes", () => reshape(tensor(2, 3), [1.5, 4])],
    ["a view of no shape", () => reshape(tensor(2, 3), undefined as never)],
    ["another shape of the seed", () => graph.backward([[tensor(2, 3), tensor(3, 2)]])],
    ["parts", () => concatenate([tensor(2, 3), tensor(2, 4)], 0)],
    ["ranks of parts", () => concatenate([tensor(2, 3), tensor(2)], 0)],
  ])("%s", (_, record) => {
    expect(record).toThrow(ShapeError);
  });
  it("tensors of another graph, and none", () => {
    const another = new Graph({ machine });
    const other = another.input("x", [2, 3]);
    const sizes = { inputSize: 2, hiddenSize: 3 };
    const numbers = graph.input("numbers", [2], { type: "int" });
    for (const record of [
      () => add(tensor(2, 3), other),
      () => reduce({ a: other, b: tensor(2, 3) }, mul(a, b), [0]),
      () => matmul(tensor(2, 2), other),
      () => concatenate([tensor(2, 3), other], 0),
      () => gather(numbers, other),
      () => concatenate([], 0),
      () => pointwise({}, a),
      () => new Lattice({ scores: tensor(2, 1, 3), weights: another.empty([3, 3]), arcs: "all" }),
      () => linearCrossEntropy(tensor(2, 3), { weight: other }, numbers),
      () => linearCrossEntropy(tensor(2, 3), { weight: tensor(4, 3) }, numbers, { mask: another.empty([2]) }),
      () => recurrent({ cell: rnn(), ...sizes }).forward(tensor(4, 1, 2), { mask: another.empty([4, 1]) }),
      () => recurrent({ cell: rnn(), ...sizes }).forward(tensor(4, 1, 2), { initial: { h: another.empty([1, 1, 3]) } }),
    ])
      expect(record).toThrow(/expected tensors of one graph/);
    const weight: Parameter = { shape: [2, 3], initialize: () => new Float64Array(6) };
    for (const record of [
      () => graph.output("x", other),
      () => graph.backward([[other, 1]]),
      () => graph.backward([[tensor(2, 3), other]]),
      () => graph.substitute(weight, other),
    ])
      expect(record).toThrow(/expected a tensor of this graph, got one of another/);
  });
  it("to go back from what has no gradient", () => {
    const own = new Graph({ machine });
    const [numbers, x] = [own.input("numbers", [2, 3]), own.input("x", [2, 3], { differentiable: true })];
    for (const wrong of [numbers, mul(numbers, 2), stopGradient(mul(x, x))])
      expect(() =>
        own.backward([
          [mul(x, x), 1],
          [wrong, 1],
        ]),
      ).toThrow(
        /^backward: expected a tensor that depends on parameters of a graph with `training: true`, or on an input .*; the one of shape \[2, 3\] does not$/,
      );
    // What was refused is not recorded.
    own.backward([[mul(x, x), 1]]);
    expect(own.adjoint(x)).toBeDefined();
    const weight: Parameter = { shape: [2], initialize: () => new Float64Array(2) };
    const parameters = layoutParameters({ parts: { weight } });
    const frozen = new Graph({ machine, parameters, training: true, frozen: new Set([weight]) });
    expect(() => frozen.backward([[frozen.parameter(weight), 1]])).toThrow("parameters that are not frozen, or");
  });
  it("an equation over a tensor without a name, or of a name that no tensor has", () => {
    for (const operation of [pointwise, sumAll]) {
      expect(() => operation(tensor(2) as never, a)).toThrow(/expected tensors by the names .* got a tensor/);
      expect(() => operation({ a: tensor(2) }, mul(a, b))).toThrow(/the equation reads "b", .* none of the tensors a$/);
    }
  });
  it("what is no tensor", () => {
    const wrong = [1, 2] as never;
    for (const record of [
      () => pointwise({ a: tensor(2), b: wrong }, mul(a, b)),
      () => reduce({ a: wrong }, a, [0]),
      () => matmul(tensor(2, 2), wrong),
      () => matmul(tensor(2, 2), tensor(2, 2), { bias: wrong }),
      () => matmul(tensor(2, 2), undefined as never),
      () => concatenate([tensor(2), wrong], 0),
      () => gather(wrong, tensor(2, 2)),
      () => reshape(wrong, [2]),
      () => transpose(wrong, [0]),
      () => slice(wrong, 0, 0, 1),
      () => graph.backward([[wrong, 1]]),
      () => graph.backward([[tensor(2), wrong]]),
      () => graph.substitute({ shape: [2], initialize: () => [] }, wrong),
      () => new Lattice({ scores: wrong, weights: tensor(3, 3), arcs: "all" }),
    ])
      expect(record).toThrow(/expected a tensor of a graph.*got (an array of 2|nothing)/);
  });
  it("a row for padding that the table does not have", () => {
    for (const paddingIndex of [3, -1, 0.5])
      expect(() => gather(graph.empty([1]), tensor(3, 2), { paddingIndex })).toThrow(
        `gather: paddingIndex: expected a whole number from 0 to 2, got ${paddingIndex}`,
      );
  });
  it("what is no list of pairs to go back from", () => {
    for (const wrong of [tensor(2), [tensor(2)], undefined])
      expect(() => graph.backward(wrong as never)).toThrow(
        /expected pairs of a tensor and its seed, such as \[\[loss, 1\]\]/,
      );
  });
  it("what is no equation, and names that an equation needs for itself", () => {
    for (const wrong of [undefined, tensor(2), less(a, 0)])
      for (const record of [pointwise, sumAll])
        expect(() => record({ a: tensor(2) }, wrong as never)).toThrow(/expected an expression/);
    expect(() => reduce({ a: tensor(2) }, a, [0], "mean" as never)).toThrow(/combine: expected one of "sum", "max"/);
    for (const name of ["the input out", "adjoint of the value", "the maximum", "number of maxima"])
      for (const record of [pointwise, sumAll])
        expect(() => record({ [name]: tensor(2) }, variable(name))).toThrow(`no input can be called "${name}"`);
  });
  it("an axis is named as it was given", () => {
    expect(() => reduce({ a: tensor(2, 3) }, a, [-3])).toThrow("no axis -3 in shape [2, 3]");
  });
  it("a second way back, which would not reach what the first went through", () => {
    const own = new Graph({ machine });
    const x = own.input("x", [2], { differentiable: true });
    own.backward([[mul(x, x), 1]]);
    expect(() => own.backward([[mul(x, 2), 1]])).toThrow(/recorded already; give all tensors at once/);
  });
  it("a lattice of no steps or no states", () => {
    for (const [T, J] of [
      [0, 2],
      [2, 0],
    ] as const)
      expect(() => new Lattice({ scores: tensor(T, 1, J), weights: tensor(J, J), arcs: "all" })).toThrow(
        `one step and one state or more, got shape [${T}, 1, ${J}]`,
      );
  });
  it("views", () => expect(() => reshape(tensor(2, 3), [7])).toThrow(/\[2, 3\].*\[7\]/));
});

describe("broadcastShape", () => {
  it("aligns at the last axis", () => {
    expect(broadcastShape([[3, 1], [4], []])).toEqual([3, 4]);
    expect(broadcastShape([])).toEqual([]);
    expect(broadcastShape([[1], [1, 1]])).toEqual([1, 1]);
  });
});
