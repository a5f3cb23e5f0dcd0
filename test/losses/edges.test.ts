import { expect, test } from "vitest";
import { binaryCrossEntropy } from "../../src/losses/binary-cross-entropy.ts";
import { type CrossEntropyOptions, crossEntropy } from "../../src/losses/cross-entropy.ts";
import { gaussianLoss } from "../../src/losses/gaussian.ts";
import { huber, smoothL1 } from "../../src/losses/huber.ts";
import { klDivergence } from "../../src/losses/kl-divergence.ts";
import { linearCrossEntropy } from "../../src/losses/linear-cross-entropy.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { negativeBinomialLoss } from "../../src/losses/negative-binomial.ts";
import { studentTLoss } from "../../src/losses/student-t.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { reshape } from "../../src/tensor/operations.ts";
import { type Case, evaluate, onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";

onMachines("losses at the edges", (machine) => {
  const row = (...data: number[]) => ({ shape: [data.length], data: Float64Array.from(data) });

  test("a class that is impossible (logit −∞) and not meant does no harm", async () => {
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: { x: { shape: [1, 3], data: Float64Array.of(0, Number.NEGATIVE_INFINITY, 0) } },
      build: ({ x }, graph) => {
        const y = graph.input("y", [1], { type: "int" });
        return crossEntropy(x!, y);
      },
    });
    expect(output[0]).toBeCloseTo(Math.LN2, 6);
    expect(difference(gradients.x!, [-0.5, 0, 0.5])).toBeLessThan(1e-6);
  });

  test("binary cross entropy: the derivative at logit 0 is ½ − y, far logits neither overflow nor vanish", async () => {
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: { x: row(0, 0, 1e4, -1e4, -60), y: row(0, 1, 0, 1, 0) },
      build: ({ x, y }) => binaryCrossEntropy(x!, y!, { reduction: "none" }),
    });
    expect(difference(gradients.x!, [0.5, -0.5, 1, -1, 0])).toBeLessThan(1e-6);
    expect(Array.from(output).slice(2, 4)).toEqual([1e4, 1e4]);
    expect(output[4]! / Math.exp(-60)).toBeCloseTo(1, 5);
    expect(gradients.x![4]! / Math.exp(-60)).toBeCloseTo(1, 5);
  });

  test("Kullback-Leibler: a target of 0 adds 0; with logTarget the target is a logarithm", async () => {
    const run = (y: ReturnType<typeof row>, logTarget: boolean) =>
      evaluate({
        machine: machine(),
        inputs: { x: row(-1, Number.NEGATIVE_INFINITY, -0.5), y },
        build: (t) => klDivergence(t.x!, t.y!, { reduction: "none", logTarget }),
      });
    const plain = await run(row(0.25, 0, 0.75), false);
    expect(plain.output[1]).toBe(0);
    expect(plain.output[0]).toBeCloseTo(0.25 * (Math.log(0.25) + 1), 6);
    expect(difference(plain.gradients.x!, [-0.25, 0, -0.75])).toBe(0);
    expect(Array.from(plain.gradients.y!).every(Number.isFinite)).toBe(true);
    const logarithm = await run(row(Math.log(0.25), -1, Math.log(0.75)), true);
    expect(logarithm.output[0]).toBeCloseTo(plain.output[0]!, 6);
    expect(logarithm.output[2]).toBeCloseTo(plain.output[2]!, 6);
  });

  test("probabilities need not sum to 1: each counts −y log softmax, and their gradients too", async () => {
    const [x, y] = [
      [0.3, -1, 2],
      [0.1, 0, 0.5],
    ];
    const total = Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0));
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: {
        x: { shape: [1, 3], data: Float64Array.from(x) },
        y: { shape: [1, 3], data: Float64Array.from(y) },
      },
      build: (t) => crossEntropy(t.x!, t.y!),
    });
    expect(output[0]).toBeCloseTo(
      y.reduce((sum, v, k) => sum + v * (total - x[k]!), 0),
      6,
    );
    const expected = x.map((v, k) => 0.6 * Math.exp(v - total) - y[k]!);
    expect(difference(gradients.x!, expected)).toBeLessThan(1e-5);
  });

  test("what is left out is what the description says", async () => {
    const ignoring = (options: object) => (t: Readonly<Record<string, Tensor>>) =>
      linearCrossEntropy(reshape(t.x!, [2, 3]), { weight: reshape(t.y!, [2, 3]) }, t.target!, options);
    const same = [
      [({ x, y }) => huber(x!, y!), ({ x, y }) => huber(x!, y!, { delta: 1 })],
      [({ x, y }) => smoothL1(x!, y!), ({ x, y }) => smoothL1(x!, y!, { beta: 1 })],
      [ignoring({}), ignoring({ ignoreIndex: -100 })],
    ] satisfies [Case["build"], Case["build"]][];
    for (const builds of same) {
      const run = (build: Case["build"]) =>
        evaluate({
          machine: machine(),
          inputs: {
            ...{ x: row(0.2, -3, 1.4, 0.9, 2, 0), y: row(0.1, 0.5, 3, 1, 4, 0.7) },
            target: { shape: [2], data: Int32Array.of(1, -100) },
          },
          build,
        });
      const [left, given] = [await run(builds[0]), await run(builds[1])];
      expect(left).toEqual(given);
      expect(left.output[0]).toBeGreaterThan(0);
    }
  });

  test("a target that is no class is refused where it is written, but the one that does not count, and what a mask hides", async () => {
    for (const loss of [
      (x: Tensor, y: Tensor, options: CrossEntropyOptions) => crossEntropy(x, y, options),
      (x: Tensor, y: Tensor, options: CrossEntropyOptions) =>
        linearCrossEntropy(x, { weight: x.graph.constant([3, 3], new Float64Array(9)) }, y, options),
    ]) {
      const graph = new Graph({ machine: machine() });
      const [x, mask] = [graph.input("x", [2, 3]), graph.input("mask", [2])];
      const target = (name: string): Tensor => graph.input(name, [2], { type: "int" });
      const [y, own, hidden, twice] = [target("y"), target("own"), target("hidden"), target("twice")];
      loss(x, y, {});
      loss(x, own, { ignoreIndex: 7 });
      loss(x, hidden, { mask });
      loss(x, twice, {});
      loss(x, twice, { ignoreIndex: 7 });
      using executable = await compile(graph, { machine: machine() });
      for (const [name, right, wrong] of [
        ["y", -100, 3],
        ["own", 7, -100],
        ["hidden", 99, 0.5],
        ["twice", 2, 7],
      ] as const) {
        executable.write(name, [0, right]);
        expect(() => executable.write(name, [0, wrong])).toThrow(`input "${name}": element 1 is ${wrong}`);
      }
      expect(() => executable.write("y", [0, 3])).toThrow("expected a whole number from 0 to 2, or -100");
      expect(() => executable.write("twice", [0, -100])).toThrow(/from 0 to 2$/);
    }
  });

  test("a mean over no place is NaN, as in PyTorch", async () => {
    const { output } = await evaluate({
      machine: machine(),
      inputs: { x: { shape: [2, 3], data: new Float64Array(6) }, y: { shape: [2], data: Int32Array.of(-100, -100) } },
      build: ({ x, y }) => crossEntropy(x!, y!),
    });
    expect(output[0]).toBeNaN();
  });
});

test("what does not fit is refused in words", () => {
  const machine = {
    limits: { bytes: 1e9, elementBytes: 4, float: "float32", threads: 1, family: "portable" },
  } as const;
  const graph = new Graph({ machine: { ...machine, savedSize: () => 0 } });
  const logits = graph.input("x", [4, 2, 5]);
  const numbers = graph.input("y", [4, 2], { type: "int" });
  expect(() => crossEntropy(logits, graph.input("short", [4], { type: "int" }))).toThrow(
    "crossEntropy: target (numbers of classes): expected shape [4, 2], got [4]",
  );
  expect(() => crossEntropy(logits, graph.input("p", [4, 2]))).toThrow(
    /\(probabilities; numbers of classes are whole: .*\): expected shape \[4, 2, 5\]/,
  );
  expect(() => crossEntropy(logits, numbers, { weight: graph.input("w", [4]) })).toThrow("weight: expected shape [5]");
  expect(() => crossEntropy(logits, numbers, { mask: graph.input("m", [2, 4]) })).toThrow(
    "mask: expected shape [4, 2]",
  );
  const reduction = "average" as never;
  for (const refused of [
    () => crossEntropy(logits, numbers, { reduction }),
    () => meanSquaredError(logits, logits, { reduction }),
    () => linearCrossEntropy(logits, { weight: graph.input("head", [6, 5]) }, numbers, { reduction }),
  ])
    expect(refused).toThrow('reduction: expected one of "mean", "sum"');
  for (const labelSmoothing of [1, -0.1])
    expect(() => crossEntropy(logits, numbers, { labelSmoothing })).toThrow(
      `labelSmoothing in [0, 1), got ${labelSmoothing}`,
    );
  // A single number would be broadcast, which is not what is meant.
  const [one, all] = [graph.input("one", [1]), logits];
  expect(() => gaussianLoss({ location: all, scale: one }, all)).toThrow("scale: expected shape [4, 2, 5], got [1]");
  expect(() => studentTLoss({ location: all, scale: one, degreesOfFreedom: all }, all)).toThrow(
    "scale: expected shape",
  );
  expect(() => studentTLoss({ location: all, scale: all, degreesOfFreedom: one }, all)).toThrow(
    "degreesOfFreedom: expected shape",
  );
  expect(() => negativeBinomialLoss({ mean: all, dispersion: one }, all)).toThrow("dispersion: expected shape");
  expect(() => meanSquaredError(logits, numbers)).toThrow("meanSquaredError: target: expected shape [4, 2, 5]");
  expect(() => meanSquaredError(logits, logits, { mask: graph.input("m2", [2]) })).toThrow(
    "a mask over the first axes",
  );
  for (const delta of [0, Number.POSITIVE_INFINITY])
    expect(() => huber(logits, logits, { delta })).toThrow(`expected a finite delta above 0, got ${delta}`);
  expect(() => klDivergence(logits, logits, { reduction })).toThrow('"mean", "sum", "none", "batchmean"');
  expect(() => binaryCrossEntropy(logits, logits, { positiveWeight: graph.input("many", [3, 4, 2, 5]) })).toThrow(
    "binaryCrossEntropy: its losses: expected shape [4, 2, 5], got [3, 4, 2, 5]",
  );
  expect(() => smoothL1(logits, logits, { beta: Number.NaN })).toThrow("beta of at least 0, got NaN");
});
