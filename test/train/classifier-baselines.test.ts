import { expect, test } from "vitest";
import type { Examples, Series } from "../../src/data/examples.ts";
import { BagOfTokens } from "../../src/models/bag-of-tokens.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { type RegressionScores, regressionScores } from "../../src/run/evaluate-classifier.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { classifierBaselines } from "../../src/train/classifier-baselines.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

const { machine } = await machineAndFolder("wasm");
const tokenizer = await trainTokenizer("a b c", { kind: "word" });
const vocabularySize = tokenizer.vocabularySize;
/** Texts of many orders, and how often each word occurs in them. */
const random = new RandomStream(3, "texts");
const texts = Array.from({ length: 300 }, (_, k) =>
  Array.from(random.at(k).uniform(1 + (k % 9)), (u) => "abc"[Math.floor(3 * u)]!).join(" "),
);
const count = (text: string, word: string): number => text.split(word).length - 1;
const labelled = (label: (text: string) => string | number, from: number, to: number): Examples => {
  const inputs = texts.slice(from, to);
  return { inputs, labels: inputs.map((text) => String(label(text))) };
};

async function classifierOf(options: Parameters<typeof sequenceClassifier>[0]): Promise<Classifier> {
  const model = sequenceClassifier({ hiddenSize: 1, ...options });
  const parameters = await createParameters({ machine, layout: layoutParameters(model) });
  return new Classifier({ model, machine, parameters, ...(options.vocabularySize && { tokenizer }) });
}

test("the most frequent class is that of what is learned from; counts of tokens tell what does not hang on order", async () => {
  const more = (text: string): string => (count(text, "a") > count(text, "b") ? "more" : "fewer");
  const [train, test] = [labelled(more, 0, 250), labelled(more, 250, 300)];
  const share = test.labels.filter((label) => label === "fewer").length / 50;
  const classifier = await classifierOf({ vocabularySize, classes: ["fewer", "more"] });
  const [always, bag] = await classifierBaselines({ machine, classifier, train, test });
  expect(always).toMatchObject({ name: 'always "fewer"', scores: { accuracy: share, examples: 50 } });
  expect(bag!.name).toBe("logistic regression on counts of tokens");
  expect(bag!.scores).toMatchObject({ examples: 50 });
  expect((bag!.scores as { accuracy: number }).accuracy).toBeGreaterThan(0.95);
});

test("numbers: the mean of what is learned from, and a sum over words", async () => {
  const value = (text: string): number => 7 + 3 * count(text, "a") - 2 * count(text, "b");
  const [train, test] = [labelled(value, 0, 250), labelled(value, 250, 300)];
  const mean = train.labels.reduce((sum, label) => sum + Number(label) / 250, 0);
  const errors = test.labels.map((label) => Number(label) - mean);
  const scaling = { mean: [0], deviation: [4] };
  const classifier = await classifierOf({ vocabularySize, targetScaling: scaling });
  const [always, bag] = await classifierBaselines({ machine, classifier, train, test });
  const [{ rmse, mae, loss }, linear] = [always!.scores, bag!.scores] as RegressionScores[] as [
    RegressionScores,
    RegressionScores,
  ];
  expect(always!.name).toBe("always the mean");
  expect(rmse).toBeCloseTo(Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / 50), 9);
  expect(mae).toBeCloseTo(errors.reduce((sum, e) => sum + Math.abs(e), 0) / 50, 9);
  expect(loss).toBeCloseTo(rmse ** 2 / 16, 9);
  expect(bag!.name).toBe("linear regression on counts of tokens");
  expect(linear.r2).toBeGreaterThan(0.95);
});

test("scores of numbers by hand", () => {
  const scores = regressionScores([1, 2, 6], [2, 2, 4], 2);
  const found = { examples: 3, loss: 5 / 3 / 4, rmse: Math.sqrt(5 / 3), mae: 1, r2: 1 - 5 / 14 };
  for (const [name, value] of Object.entries(found)) expect(scores[name as keyof typeof found]).toBeCloseTo(value, 12);
  expect(regressionScores([3, 3], [1, 5], 1)).toMatchObject({ rmse: 2, r2: Number.NaN });
  // Ten times a tenth of 0.1 is not 0.1.
  expect(regressionScores(new Array(10).fill(0.1), new Array(10).fill(0.2), 1).r2).toBeNaN();
});

test("series: the label of the nearest one, unless comparing all with all takes too long", async () => {
  const series = (...values: number[]): Series => ({ channels: 1, values: Float64Array.from(values) });
  const train = { inputs: [series(0, 1, 2), series(5, 5, 5)], labels: ["up", "flat"] };
  const test = { inputs: [series(0, 0, 1, 2), series(4, 5), series(5, 4, 5)], labels: ["up", "up", "flat"] };
  const classifier = await classifierOf({ channels: 1, classes: ["flat", "up"] });
  const [always, nearest] = await classifierBaselines({ machine, classifier, train, test });
  expect(always).toMatchObject({ name: 'always "up"', scores: { accuracy: 2 / 3 } });
  expect(nearest).toMatchObject({ name: "nearest series by dynamic time warping", scores: { accuracy: 2 / 3 } });
  const long = { inputs: [{ channels: 1, values: new Float64Array(150_000) }], labels: ["up"] };
  const [, given] = await classifierBaselines({ machine, classifier, train: long, test: long });
  expect(given).toMatchObject({ scores: undefined, why: expect.stringMatching(/too long/) });
});

test("a bag of tokens says the sum of what its tokens say, whatever stands behind a text", async () => {
  const model = new BagOfTokens({ vocabularySize, classes: ["x", "y"] });
  const parameters = await createParameters({ machine, layout: layoutParameters(model) });
  const votes = Float64Array.from({ length: vocabularySize * 2 }, (_, k) => Math.sin(k + 1));
  parameters.write("embedding.weight", votes);
  parameters.write("bias", [0.25, -0.5]);
  const bag = new Classifier({ model, machine, parameters, tokenizer });
  const found = await bag.predict(["a b b", "b a b", "c"]);
  const logit = (tokens: ArrayLike<number>, k: number): number =>
    Array.from(tokens).reduce((sum, token) => sum + votes[2 * token + k]!, k === 0 ? 0.25 : -0.5);
  for (const [k, text] of ["a b b", "b a b", "c"].entries()) {
    const tokens = tokenizer.encode(text);
    const { x, y } = found[k]!.logProbabilities;
    expect(x! - y!).toBeCloseTo(logit(tokens, 0) - logit(tokens, 1), 5);
  }
  expect(() => new BagOfTokens({ channels: 1, classes: ["x", "y"] })).toThrow(/expected vocabularySize/);
  bag.close();
  parameters.close();
});
