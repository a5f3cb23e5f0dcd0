import { afterAll, describe, expect, test } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import type { Series } from "../../src/data/examples.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import type { ReadTrace } from "../../src/explain/read-trace.ts";
import { traceClassifier } from "../../src/explain/trace-classifier.ts";
import { type TraceForecasterOptions, traceForecaster } from "../../src/explain/trace-forecaster.ts";
import { type TraceTaggerOptions, traceTagger } from "../../src/explain/trace-tagger.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { Tagger } from "../../src/run/tagger.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../src/train/train-forecaster.ts";
import { difference } from "../support/difference.ts";

const machine = openReference();
afterAll(() => machine.close());

const names = ["pre.i", "pre.f", "pre.g", "pre.o"];

/** That what a bias does to L is the sum over these steps of what its gate gets there: L by central differences. */
async function expectBiases(
  parameters: ParameterStore,
  { gradients }: ReadTrace,
  lossNow: () => Promise<number>,
  { of = "rnn", places, from = 0, to }: { of?: string; places: readonly string[]; from?: number; to: number },
): Promise<void> {
  for (const place of places) {
    const name = `${of}.bias_ih_${place}`;
    const bias = await parameters.read(name);
    const units = bias.length / 4;
    const at = async (k: number, change: number): Promise<number> => {
      parameters.write(
        name,
        bias.map((value, n) => value + (n === k ? change : 0)),
      );
      return lossNow();
    };
    const [summed, measured]: [number[], number[]] = [[], []];
    for (let k = 0; k < bias.length; k++) {
      const { data } = gradients[`${names[Math.floor(k / units)]}_${place}`]!;
      let sum = 0;
      for (let t = from; t < to; t++) sum += data[units * t + (k % units)]!;
      summed.push(sum);
      measured.push(((await at(k, 1e-5)) - (await at(k, -1e-5))) / 2e-5);
    }
    await at(-1, 0);
    expect(summed.some((value) => Math.abs(value) > 1e-4)).toBe(true);
    expect(difference(summed, measured)).toBeLessThan(1e-6);
  }
}

const BOTH = ["l0", "l0_reverse", "l1", "l1_reverse"];

describe("gradients of a classifier's trace", () => {
  const series: Series = { channels: 2, values: Float64Array.of(1, 2, 0.5, -1, 3, 0, -0.3, 0.7) };
  test.each([
    ["last", ["x", "y", "z"]],
    ["mean", ["x", "y", "z"]],
    ["max", ["x", "y", "z"]],
    ["attention", ["x", "y", "z"]],
    ["last", undefined],
  ] as const)("%s of %s", async (pooling, classes) => {
    const model = sequenceClassifier({
      ...{ channels: 2, hiddenSize: 3, numLayers: 2, bidirectional: true, pooling, classes, dropout: 0.3 },
      ...(!classes && { targetScaling: { mean: [5], deviation: [2] } }),
    });
    using parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 6 });
    using classifier = new Classifier({ model, machine, parameters });
    const label = classes && "y";
    const traced = await traceClassifier(classifier, series, { names, gradients: true, ...(label && { label }) });
    const lossNow = async (): Promise<number> =>
      label
        ? -(await classifier.predict([series]))[0]!.logProbabilities[label]!
        : (await classifier.predictNumbers([series]))[0]!;
    expect(traced.loss).toBeCloseTo(await lossNow(), 12);
    await expectBiases(parameters, traced, lossNow, { places: BOTH, to: 4 });
  });
});

describe("gradients of a tagger's trace", async () => {
  const tokenizer = await trainTokenizer("a b c d a b c a b", { kind: "word" });
  const tags = ["O", "B-x", "I-x"];
  const sentence = ["a", "c", "b", "d"];

  describe.each(["crf", "softmax"] as const)("%s", (head) => {
    test.each<[string, TraceTaggerOptions]>([
      ["the predicted tag of one token", { token: 2 }],
      ["another tag of one token", { token: 1, tag: "B-x" }],
      ["all predicted tags", {}],
    ])("%s", async (_, options) => {
      const model = sequenceTagger({
        ...{ vocabularySize: tokenizer.vocabularySize, embeddingSize: 3, hiddenSize: 2, numLayers: 2, head, tags },
        scheme: "iob2",
      });
      using parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 6 });
      using tagger = new Tagger({ model, machine, parameters, tokenizer });
      const traced = await traceTagger(tagger, sentence, { names, gradients: true, ...options });
      const { path } = (await tagger.read([sentence]))[0]!;
      const lossNow = async (): Promise<number> => {
        const { token } = options;
        const [now] = await tagger.read([sentence], { likelihood: true, probabilities: true });
        if (token === undefined) return -now!.logLikelihood(path);
        return -Math.log(
          now!.probabilities![token]![options.tag === undefined ? path[token]! : tags.indexOf(options.tag)]!,
        );
      };
      expect(traced.loss).toBeCloseTo(await lossNow(), 10);
      await expectBiases(parameters, traced, lossNow, { places: BOTH, to: 4 });
    });

    test("costs the values no bit, and what is no token or tag is refused", async () => {
      const model = sequenceTagger({
        ...{ vocabularySize: tokenizer.vocabularySize, embeddingSize: 3, hiddenSize: 2, head, tags, scheme: "iob2" },
      });
      using parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 6 });
      using tagger = new Tagger({ model, machine, parameters, tokenizer });
      const plain = await traceTagger(tagger, sentence);
      expect(plain.gradients).toEqual({});
      expect((await traceTagger(tagger, sentence, { gradients: true })).values).toEqual(plain.values);
      const asked = (options: TraceTaggerOptions) => traceTagger(tagger, sentence, options);
      await expect(asked({ token: 1 })).rejects.toThrow(/request `gradients` too/);
      await expect(asked({ gradients: true, tag: "O" })).rejects.toThrow(/say of which one with `token`/);
      await expect(asked({ gradients: true, token: 4 })).rejects.toMatchObject({ code: "out-of-range" });
      await expect(asked({ gradients: true, token: 0, tag: "I-y" })).rejects.toMatchObject({ code: "unknown-choice" });
      // In iob2 nothing begins with the inside of a span: its probability is 0, and nothing pulls towards it.
      if (head === "softmax") return;
      const never = await asked({ gradients: true, token: 0, tag: "I-x" });
      expect(never.loss).toBe(Number.POSITIVE_INFINITY);
      expect(never.gradients.h_l0!.data.every((value) => value === 0)).toBe(true);
    });
  });
});

describe("gradients of a forecaster's trace", () => {
  const y = Array.from({ length: 60 }, (_, k) => 30 + 5 * Math.sin(k) + (k % 4));
  const z = y.map((value, k) => 7 + value / 3 + (k % 3));
  const known = (length: number) => Array.from({ length }, (_, k) => Number(k % 3 === 0));

  test.each<[string, Partial<TrainForecasterOptions>, TraceForecasterOptions]>([
    ["a point", { head: "point" }, {}],
    ["a later step of a second target", { head: "gaussian" }, { step: 1, target: "z" }],
    ["a logarithm", { head: "student-t", transform: "log" }, { step: 1 }],
    ["the median of quantiles", { head: "quantiles" }, { step: 1 }],
    ["what lies between quantiles", { head: "quantiles", levels: [0.1, 0.3, 0.6, 0.9] }, {}],
    ["the nearest quantile", { head: "quantiles", levels: [0.6, 0.7] }, {}],
    ["counts", { head: "negative-binomial" }, { step: 1 }],
    ["each step from the one before", { head: "point", decoding: "autoregressive" }, {}],
    ["a second stack", { head: "point" }, { step: 1 }],
  ])("%s", async (what, options, asked) => {
    const counts = options.head === "negative-binomial";
    const two = what === "a second stack";
    const rows = (length: number) => ({
      y: counts ? y.map(Math.round) : [...y, Number.NaN, Number.NaN].slice(0, length),
      ...(asked.target && { z }),
      ...(two && { promotion: known(length) }),
    });
    const setOf = (length: number) =>
      timeSeriesSet({
        ...{ targets: asked.target ? ["y", "z"] : ["y"], series: [{ values: rows(length) }] },
        ...(two && { known: ["promotion"] }),
      });
    const { forecaster, trainer } = await trainForecaster({
      ...{ machine, data: setOf(60), horizon: 2, context: 4, validation: 0.2, test: 0, epochs: 1 },
      ...{ model: { hiddenSize: 3, numLayers: 2 }, ...options },
    });
    const { parameters } = forecaster;
    const data = setOf(two ? 62 : 60);
    const traced = await traceForecaster(forecaster, data.series[0]!, { names, gradients: true, ...asked });
    const { step = 0, target = "y" } = asked;
    const lossNow = async (): Promise<number> => (await forecaster.forecast(data))[0]!.targets[target]!.point[step]!;
    expect(traced.loss).toBeCloseTo(await lossNow(), 9);
    const places = ["l0", "l1"];
    await expectBiases(parameters, traced, lossNow, { of: "encoder", places, to: 4 });
    if (two) await expectBiases(parameters, traced, lossNow, { of: "decoder", places, from: 4, to: 6 });
    // Values cost no bit.
    const plain = await traceForecaster(forecaster, data.series[0]!, { names });
    expect(traced.values).toEqual(plain.values);
    expect(plain.gradients).toEqual({});
    const refused = (more: TraceForecasterOptions) => traceForecaster(forecaster, data.series[0]!, more);
    await expect(refused({ step: 0 })).rejects.toThrow(/request `gradients` too/);
    const most = options.decoding === "autoregressive" ? 1 : 2;
    await expect(refused({ gradients: true, step: most })).rejects.toMatchObject({ code: "out-of-range" });
    await expect(refused({ gradients: true, target: "x" })).rejects.toMatchObject({ code: "unknown-choice" });
    if (two)
      await expect(traceForecaster(forecaster, setOf(61).series[0]!, { gradients: true })).rejects.toMatchObject({
        code: "missing-future",
        message: expect.stringContaining('expected 2 values of "promotion"'),
      });
    trainer.close();
  });
});
