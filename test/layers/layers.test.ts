import { expect, test } from "vitest";
import { activation } from "../../src/layers/activation.ts";
import { convolution1d } from "../../src/layers/convolution.ts";
import { embedding } from "../../src/layers/embedding.ts";
import { layerNorm } from "../../src/layers/layer-norm.ts";
import { linear } from "../../src/layers/linear.ts";
import { logSoftmax, softmax } from "../../src/layers/softmax.ts";
import { dropConnect, dropWords } from "../../src/layers/weight-dropout.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { add } from "../../src/tensor/arithmetic.ts";
import { reshape, transpose } from "../../src/tensor/operations.ts";
import { namedParameters } from "../../src/tensor/parameter.ts";
import { difference } from "../support/difference.ts";
import { evaluate, onMachines } from "./on-machines.ts";

onMachines("layers", (machine, tolerance) => {
  const input = (...shape: number[]) => ({
    shape,
    data: new RandomStream(1, "x").normal(shape.reduce((a, b) => a * b, 1)),
  });

  test("a tied head has the embedding's numbers, and its gradient is added to the embedding's", async () => {
    const table = embedding({ vocabularySize: 5, embeddingSize: 3 });
    const head = linear({ inputSize: 3, outputSize: 5, weight: table.weight, bias: false });
    const model = { parts: { embedding: table, head } };
    expect([...namedParameters(model).keys()]).toEqual(["embedding.weight"]);
    const weight = input(5, 3);
    const tokens = { shape: [4], data: Int32Array.of(0, 3, 3, 1) };
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: { tokens },
      build: (t) => head.forward(table.forward(t.tokens!)),
      model,
      parameters: { "embedding.weight": weight },
    });
    const w = (row: number, c: number): number => weight.data[row * 3 + c]!;
    const logits = Array.from(tokens.data).flatMap((token) =>
      Array.from({ length: 5 }, (_, v) => [0, 1, 2].reduce((s, c) => s + w(token, c) * w(v, c), 0)),
    );
    expect(difference(output, logits)).toBeLessThan(tolerance.output);
    // d/dw[r, c] of Σ_n Σ_v w[token_n]·w[v]: how often r is a token times Σ_v w[v, c], plus Σ_n w[token_n, c].
    const expected = Array.from({ length: 15 }, (_, i) => {
      const [r, c] = [Math.floor(i / 3), i % 3];
      const times = tokens.data.filter((token) => token === r).length;
      const all = [0, 1, 2, 3, 4].reduce((s, v) => s + w(v, c), 0);
      return times * all + tokens.data.reduce((s, token) => s + w(token, c), 0);
    });
    expect(difference(gradients["embedding.weight"]!, expected)).toBeLessThan(tolerance.gradient);
  });

  test("layer norm: rows have mean 0 and variance 1 whatever their size, the variance being of n, not n − 1", async () => {
    const layer = layerNorm({ size: 4, epsilon: 0 });
    const { output } = await evaluate({
      machine: machine(),
      inputs: { x: { shape: [2, 4], data: Float64Array.of(1, 2, 3, 4, 1000, 1001, 1002, 1003) } },
      build: (t) => layer.forward(t.x!),
      model: layer,
    });
    const row = [-1.5, -0.5, 0.5, 1.5].map((v) => v / Math.sqrt(1.25));
    expect(difference(output, [...row, ...row])).toBeLessThan(1e-5);
  });

  test("softmax of large and of infinite numbers", async () => {
    const { output } = await evaluate({
      machine: machine(),
      inputs: { x: { shape: [2, 2], data: Float64Array.of(1e4, 1e4 + 1, Number.NEGATIVE_INFINITY, 3) } },
      build: (t) => softmax(t.x!),
    });
    const e = Math.E;
    expect(difference(output, [1 / (1 + e), e / (1 + e), 0, 1])).toBeLessThan(tolerance.output);
  });

  test("softmax along any axis is that of the last one, transposed, with its gradient", async () => {
    const x = input(3, 4, 2);
    for (const own of [softmax, logSoftmax])
      for (const axis of [0, 1, 2, -1, -3]) {
        const order = [0, 1, 2].filter((a) => a !== (axis + 3) % 3).concat((axis + 3) % 3);
        const back = order.map((_, a) => order.indexOf(a));
        const along = await evaluate({
          machine: machine(),
          inputs: { x },
          seed: input(3, 4, 2),
          build: (t) => own(t.x!, { axis }),
        });
        const turned = await evaluate({
          ...{ machine: machine(), inputs: { x }, seed: input(3, 4, 2) },
          build: (t) => transpose(own(transpose(t.x!, order)), back),
        });
        expect(difference(along.output, turned.output)).toBeLessThan(tolerance.output);
        expect(difference(along.gradients.x!, turned.gradients.x!)).toBeLessThan(tolerance.gradient);
      }
  });

  test("an activation may be an equation of one's own", async () => {
    const { output } = await evaluate({
      machine: machine(),
      inputs: { x: { shape: [3], data: Float64Array.of(1, -2, 3) } },
      build: (t) => add(activation((x) => x).forward(t.x!), activation("relu").forward(t.x!)),
    });
    expect(Array.from(output)).toEqual([2, -2, 6]);
  });

  test("what does not fit is refused in words", async () => {
    const head = linear({ inputSize: 3, outputSize: 2 });
    const norm = layerNorm({ size: 3 });
    const run = (
      build: Parameters<typeof evaluate>[0]["build"],
      model = head as Parameters<typeof evaluate>[0]["model"],
    ) => evaluate({ machine: machine(), inputs: { x: input(2, 4) }, build, ...(model && { model }) });
    await expect(run(({ x }) => head.forward(x!))).rejects.toThrow("linear: expected input [..., 3], got [2, 4]");
    await expect(run(({ x }) => norm.forward(x!), norm)).rejects.toThrow("layerNorm: expected input [..., 3]");
    const table = embedding({ vocabularySize: 5, embeddingSize: 3 });
    await expect(run(({ x }) => table.forward(x!), table)).rejects.toThrow(
      'declare the input with `graph.input(name, shape, { type: "int" })`',
    );
    await expect(run(({ x }) => softmax(reshape(x!, [])))).rejects.toThrow();
    await expect(run(({ x }) => softmax(x!, { axis: 3 }))).rejects.toThrow(/axis/);
    await expect(run(({ x }) => softmax(x!, 1 as never))).rejects.toThrow("softmax: expected options, got 1");
    // @ts-expect-error a name that is none
    expect(() => activation("hardsigmoid")).toThrow('did you mean "hardSigmoid"?');
    expect(() => linear({ inputSize: 3, outputSize: 4, weight: table.weight })).toThrow(
      "linear: weight: expected shape [4, 3], got [5, 3]",
    );
    expect(() => linear({ inputSize: 3, outputSize: 5, weight: table.weight, initialize: "zeros" })).toThrow(
      "linear: a weight that is shared is initialized by its own layer",
    );
    await expect(run(({ x }) => dropConnect(reshape(x!, [8]), { rate: 0.5 }))).rejects.toThrow(
      "dropConnect: expected shape [rows, columns], got [8]",
    );
    const sizes = { rate: 0.5, vocabularySize: 5 };
    await expect(
      run(({ x }, graph) => dropWords(x!, graph.input("tokens", [3, 2], { type: "int" }), sizes)),
    ).rejects.toThrow("dropWords: tokens: expected shape [2], got [3, 2]");
    for (const padding of ["same", [1, 2, 3]] as never[])
      expect(() => convolution1d({ inputSize: 3, outputSize: 4, kernelSize: 1, padding })).toThrow(
        /convolution1d: padding: expected a number or \[before, after\], got (the string "same"|an array of 3)/,
      );
    expect(() => embedding({ vocabularySize: 5, embeddingSize: 3, paddingIndex: 5 })).toThrow("from 0 to 4, got 5");
    expect(() => linear({ inputSize: 1.5, outputSize: 1 })).toThrow("linear: inputSize: expected a whole number");
  });
});

test("parameters begin as PyTorch's: embedding N(0, 1) with zeros for the padding row, linear U(±1/√inputs)", () => {
  const random = new RandomStream(0, "test");
  const { weight } = embedding({ vocabularySize: 400, embeddingSize: 25, paddingIndex: 1 });
  const values = Array.from(weight.initialize(weight.shape, random));
  expect(values.slice(25, 50)).toEqual(new Array(25).fill(0));
  const variance = values.reduce((s, v) => s + v * v, 0) / (399 * 25);
  expect(Math.abs(variance - 1)).toBeLessThan(0.06);
  const head = linear({ inputSize: 16, outputSize: 100 });
  for (const p of [head.weight, head.bias!]) {
    const drawn = Array.from(p.initialize(p.shape, random)).map(Math.abs);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(0.25);
    expect(Math.max(...drawn)).toBeGreaterThan(0.24);
  }
  const tanhHead = linear({ inputSize: 16, outputSize: 4, initialize: "glorotUniform" });
  expect(Math.max(...Array.from(tanhHead.weight.initialize([4, 16], random)))).toBeLessThan(Math.sqrt(6 / 20));
});
