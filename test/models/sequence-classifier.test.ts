import { describe, expect, test } from "vitest";
import { cellNames } from "../../src/cells/registry.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { sequenceInputs } from "../../src/data/sequence-inputs.ts";
import { attentionPool } from "../../src/layers/attention-pool.ts";
import { standardScaling } from "../../src/models/scaling.ts";
import {
  POOLINGS,
  type SequenceClassifierOptions,
  sequenceClassifier,
  sequenceClassifierFromConfig,
} from "../../src/models/sequence-classifier.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters, namedParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

const classes = ["a", "b", "c"];
const small = { hiddenSize: 4, classes } as const;
const series = [5, 1, 3].map((length, k) => ({
  channels: 2,
  values: Float64Array.from(new RandomStream(4, "series", k).uniform(length * 2)),
}));

/** Logits of a padded batch, with weights that are the same for every batch. */
async function run(options: SequenceClassifierOptions, batch: readonly (typeof series)[number][], steps: number) {
  const machine = openReference();
  const model = sequenceClassifier({ channels: 2, ...options });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  const graph = new Graph({ machine, parameters: parameters.layout });
  const B = batch.length;
  const logits = model.forward(graph.input("x", [steps, B, 2]), { mask: graph.input("mask", [steps, B]) });
  graph.output("logits", logits);
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  const { x, mask } = sequenceInputs(batch, steps);
  executable.write("x", x);
  executable.write("mask", mask);
  executable.run();
  const numbers = Array.from(await executable.read("logits"));
  machine.close();
  return Array.from({ length: B }, (_, b) => numbers.slice(3 * b, 3 * b + 3));
}

describe("sequenceClassifier", () => {
  test("has PyTorch's names and shapes", () => {
    const model = sequenceClassifier({
      ...small,
      vocabularySize: 7,
      embeddingSize: 5,
      bidirectional: true,
      pooling: "attention",
    });
    const shapes = Object.fromEntries([...namedParameters(model)].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toMatchObject({
      "embedding.weight": [7, 5],
      "rnn.weight_ih_l0": [16, 5],
      "rnn.weight_hh_l0_reverse": [16, 4],
      "pool.key.weight": [8, 8],
      "pool.query.weight": [1, 8],
      "head.weight": [3, 8],
      "head.bias": [3],
    });
  });

  const cases = POOLINGS.flatMap((pooling) => [false, true].map((bidirectional) => ({ pooling, bidirectional })));
  test.each(cases)(
    "a padded batch is what each sequence is alone: $pooling, bidirectional $bidirectional",
    async (kind) => {
      const options = { ...small, ...kind, numLayers: 2 };
      const together = await run(options, series, 7);
      for (const [k, one] of series.entries()) {
        const [alone] = await run(options, [one], one.values.length / 2);
        for (const [c, value] of together[k]!.entries()) expect(value).toBeCloseTo(alone![c]!, 12);
      }
      expect(new Set(together.flat()).size).toBe(9);
    },
  );

  test.each(cellNames)("last pooling is the state after the last step: %s", async (cell) => {
    const [long] = await run({ ...small, cell, pooling: "last" }, [series[0]!], 5);
    const [short] = await run(
      { ...small, cell, pooling: "last" },
      [{ channels: 2, values: series[0]!.values.slice(0, 8) }],
      4,
    );
    expect(long).not.toEqual(short);
  });

  test("its config makes the same model again, from JSON", () => {
    const inputScaling = standardScaling([Float64Array.of(1, 5, 3, 5)], 2);
    const model = sequenceClassifier({ ...small, channels: 2, cell: "gru", pooling: "mean", inputScaling });
    const again = sequenceClassifierFromConfig(JSON.parse(JSON.stringify(model.config)));
    expect(again.config).toEqual(model.config);
    // A constant channel keeps its unit.
    expect(model.config.inputScaling).toEqual({ mean: [2, 5], deviation: [1, 1] });
  });

  test("a config of before 1.0 called the pooling max otherwise", () => {
    const { config } = sequenceClassifier({ ...small, channels: 2, pooling: "max" });
    expect(sequenceClassifierFromConfig({ ...config, pooling: "maximum" }).config).toEqual(config);
  });

  test.each<[string, object, RegExp]>([
    ["neither tokens nor series", {}, /vocabularySize .* or channels/],
    ["both", { vocabularySize: 3, channels: 2 }, /not both/],
    ["one class", { channels: 1, classes: ["a"] }, /at least two different names/],
    ["a pooling that is none", { channels: 1, pooling: "sum" }, /pooling: expected one of/],
    ["a scaling of other channels", { channels: 2, inputScaling: { mean: [0], deviation: [1] } }, /2 numbers each/],
    ["a projection that the cell has not", { channels: 1, projectionSize: 2 }, /"lstm" has no projection/],
    ["a deviation of 0", { channels: 1, inputScaling: { mean: [0], deviation: [0] } }, /above 0/],
  ])("refuses %s", (_, options, message) => expect(() => sequenceClassifier(options)).toThrow(message));

  test("refuses a config with a name that it does not know", () =>
    expect(() =>
      sequenceClassifierFromConfig({ kind: "sequence-classifier", cell: { name: "lstm" }, chanels: 2 }),
    ).toThrow(/chanels/));
});

describe("attentionPool", () => {
  async function pooled(x: readonly number[], mask: readonly number[], T: number, B: number) {
    const machine = openReference();
    const layer = attentionPool({ inputSize: 2 });
    const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 5 });
    const graph = new Graph({ machine, parameters: parameters.layout });
    graph.output("out", layer.forward(graph.input("x", [T, B, 2]), { mask: graph.input("mask", [T, B]) }));
    const executable = await compile(graph, { machine, arenas: parameters.arenas });
    executable.write("x", x);
    executable.write("mask", mask);
    executable.run();
    const out = Array.from(await executable.read("out"));
    const weights = await parameters.toTensors();
    machine.close();
    return { out, weights };
  }

  test("is the formula, worked out by hand", async () => {
    const x = [0.3, -1, 2, 0.5, -0.7, 0.1];
    const { out, weights } = await pooled(x, [1, 1, 1], 3, 1);
    const of = (name: string): readonly number[] => Array.from(weights.get(name)!.data);
    const [W, b, v] = [of("key.weight"), of("key.bias"), of("query.weight")];
    const scores = [0, 1, 2].map((t) =>
      [0, 1].reduce((sum, i) => {
        const key = Math.tanh(W[2 * i]! * x[2 * t]! + W[2 * i + 1]! * x[2 * t + 1]! + b[i]!);
        return sum + v[i]! * key;
      }, 0),
    );
    const total = scores.reduce((sum, s) => sum + Math.exp(s), 0);
    for (const unit of [0, 1]) {
      const expected = scores.reduce((sum, s, t) => sum + (Math.exp(s) / total) * x[2 * t + unit]!, 0);
      expect(out[unit]).toBeCloseTo(expected, 12);
    }
  });

  test("steps that do not count may hold NaN; a sequence without steps gives zeros", async () => {
    const { out } = await pooled([1, 2, Number.NaN, Number.NaN, Number.NaN, 3, 4, 5], [1, 0, 0, 0], 2, 2);
    expect(out).toEqual([1, 2, 0, 0]);
  });
});
