import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packRun } from "../../src/checkpoint/packed-run.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { open } from "../../src/formats/open.ts";
import { tempered } from "../../src/models/calibration.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { evaluateClassifier } from "../../src/run/evaluate-classifier.ts";
import { expectedCalibrationError, fitTemperature, fitThreshold } from "../../src/run/fit-calibration.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

describe("a temperature", () => {
  /** Classes drawn from softmax(logits ÷ T): the temperature of the smallest cross entropy is near T. */
  function drawn(temperature: number, count = 4000) {
    const random = (k: number) => new RandomStream(5, "drawn", k).uniform(4);
    const logits = Array.from({ length: count }, (_, k) => Float64Array.from(random(k).slice(0, 3), (x) => 6 * x));
    const targets = logits.map((x, k) => {
      const p = tempered(x, temperature).map(Math.exp);
      const at = random(k)[3]!;
      return at < p[0]! ? 0 : at < p[0]! + p[1]! ? 1 : 2;
    });
    return { logits, targets };
  }
  const entropy = (logits: readonly Float64Array[], targets: readonly number[], temperature: number): number =>
    logits.reduce((sum, x, k) => sum - tempered(x, temperature)[targets[k]!]!, 0) / logits.length;

  it.each([0.3, 1, 2.5])("of %d is found again, as that of the smallest cross entropy", (temperature) => {
    const { logits, targets } = drawn(temperature);
    const found = fitTemperature(logits, targets);
    expect(found / temperature).toBeGreaterThan(0.9);
    expect(found / temperature).toBeLessThan(1.1);
    const least = entropy(logits, targets, found);
    for (const by of [0.999, 1.001]) expect(entropy(logits, targets, by * found)).toBeGreaterThan(least);
    // Probabilities as trained differ from logits by a constant.
    expect(
      fitTemperature(
        logits.map((x) => tempered(x, 1)),
        targets,
      ),
    ).toBeCloseTo(found, 10);
  });

  it("is refused where the examples do not say which", () => {
    const logits = [Float64Array.of(0, 2), Float64Array.of(3, 1)];
    expect(() => fitTemperature(logits, [1, 0])).toThrow(/all of them are right/);
    expect(() => fitTemperature(logits, [0, 1])).toThrow(/no better than chance/);
  });

  it("gives probabilities of logits that no power of e could hold", () => {
    expect([...tempered(Float64Array.of(2000, 1000), 0.5)]).toEqual([0, -2000]);
  });
});

describe("a threshold", () => {
  const probabilities = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
  const positive = [true, true, false, true, false, true, false, false];
  it.each([
    ["f1", 0.35],
    [{ precision: 1 }, 0.75],
    [{ precision: 0.7 }, 0.55],
    [{ recall: 0.5 }, 0.75],
    [{ recall: 0.75 }, 0.55],
    [{ recall: 1 }, 0.35],
  ] as const)("for %j lies between what counts and what does not", (goal, at) => {
    expect(fitThreshold(probabilities, positive, goal)).toBeCloseTo(at, 12);
  });

  it("has equal probabilities on one side", () => {
    expect(fitThreshold([0.8, 0.8, 0.4], [true, false, false], { recall: 1 })).toBeCloseTo(0.6, 12);
  });

  it("is refused where no probability reaches it, and for what is no goal", () => {
    expect(() => fitThreshold([0.9, 0.8], [false, true], { precision: 0.6 })).toThrow(
      /the highest is 0.500; ask for less/,
    );
    expect(() => fitThreshold([0.9], [true], "f1")).toThrow(/expected some of both classes, got 1 of one/);
    for (const goal of ["f2", { precision: 0 }, { recall: 1.1 }, { precision: 0.5, recall: 0.5 }, {}])
      expect(() => fitThreshold(probabilities, positive, goal as never)).toThrow(
        /expected "f1", \{ precision \} or \{ recall \}/,
      );
  });
});

it("the expected calibration error weighs by bins how far shares and probabilities are apart", () => {
  // Two bins: 0.9 twice, once right; 0.6 once, right.
  expect(expectedCalibrationError([0.9, 0.9, 0.6], [true, false, true])).toBeCloseTo((0.8 + 0.4) / 3, 12);
  expect(expectedCalibrationError([1, 1], [true, true])).toBe(0);
});

const { machine, folder } = await machineAndFolder("reference");

/** A classifier of series of one step x whose logits are w tanh x for the second class, and 0. */
async function classifierOf(w: number, classes: readonly string[] = ["no", "yes"]) {
  const model = sequenceClassifier({ channels: 1, classes, hiddenSize: 1, pooling: "last", cell: "rnn" });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 4 });
  for (const [name, { shape }] of parameters.layout.names)
    parameters.write(
      name,
      new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(name === "rnn.weight_ih_l0" ? 1 : 0),
    );
  const weight = new Float64Array(classes.length);
  weight[1] = w;
  parameters.write("head.weight", weight);
  return new Classifier({ model, machine, parameters });
}
const examples = {
  inputs: Array.from({ length: 40 }, (_, k) => ({ channels: 1, values: Float64Array.of((k - 20) / 5) })),
  labels: Array.from({ length: 40 }, (_, k) => ((k - 20) * (k % 5 === 0 ? -1 : 1) > 0 ? "yes" : "no")),
};

describe("Classifier.calibrate", () => {
  it("lowers the loss, leaves the answers, and is kept in runs, packed runs and networks", async () => {
    const classifier = await classifierOf(30);
    const before = await evaluateClassifier(classifier, examples);
    const calibration = await classifier.calibrate(examples);
    expect(Object.keys(calibration)).toEqual(["temperature"]);
    expect(calibration.temperature).toBeGreaterThan(5);
    const after = await evaluateClassifier(classifier, examples);
    expect(after.loss).toBeLessThan(before.loss / 2);
    expect(after.calibrationError).toBeLessThan(before.calibrationError / 2);
    expect(after.accuracy).toBe(before.accuracy);
    const said = await classifier.predict(examples.inputs);
    for (const { probabilities } of said) expect(probabilities.yes! + probabilities.no!).toBeCloseTo(1, 12);

    await saveRun(join(folder, "run"), classifier);
    for (const source of [join(folder, "run"), await packRun(classifier)]) {
      using loaded = await loadClassifier(source, { machine });
      expect(loaded.calibration).toEqual(calibration);
      expect(await loaded.predict(examples.inputs)).toEqual(said);
    }
    using network = await open(join(folder, "run"), { machine });
    const series = { shape: [1, 1, 1], data: examples.inputs[3]!.values };
    const { probabilities } = await network.run({ series });
    expect(probabilities!.data[1]).toBeCloseTo(said[3]!.probabilities.yes!, 6);
    expect(network.conventions.join()).toMatch(/divided by the temperature/);
  });

  it("answers by a threshold, of the class that is asked for", async () => {
    const classifier = await classifierOf(2);
    const { temperature, threshold } = await classifier.calibrate(examples, {
      temperature: 1,
      threshold: { recall: 1 },
    });
    expect(temperature).toBe(1);
    expect(threshold!.label).toBe("yes");
    const scores = await evaluateClassifier(classifier, examples);
    expect(scores.byClass.find(({ label }) => label === "yes")!.recall).toBe(1);
    const said = await classifier.predict(examples.inputs);
    expect(said.some(({ label, probabilities }) => label === "yes" && probabilities.yes! < 0.5)).toBe(true);
    await classifier.calibrate(examples, { threshold: { precision: 0.8 }, label: "no" });
    expect(classifier.calibration!.threshold!.label).toBe("no");
    expect(classifier.config.model.calibration).toEqual(classifier.calibration);
    expect((await evaluateClassifier(classifier, examples)).byClass[0]!.precision).toBeGreaterThanOrEqual(0.8);
    using again = new Classifier({
      ...{ machine, parameters: classifier.parameters, model: sequenceClassifier(optionsOf(classifier)) },
    });
    expect(again.calibration).toEqual(classifier.calibration);
  });

  it("leaves what it had where it fails, and says what is wrong", async () => {
    const classifier = await classifierOf(2);
    const { calibration } = { calibration: await classifier.calibrate(examples) };
    await expect(classifier.calibrate(examples, { threshold: { precision: 1.5 } })).rejects.toThrow(
      /^threshold: expected/,
    );
    await expect(classifier.calibrate(examples, { label: "no" })).rejects.toThrow(/^label: says which class/);
    await expect(classifier.calibrate(examples, { temperature: 0 })).rejects.toThrow(
      /^temperature: expected a finite number above 0/,
    );
    await expect(classifier.calibrate({ inputs: [], labels: [] })).rejects.toThrow(/got none/);
    const strange = { inputs: examples.inputs, labels: examples.labels.map(() => "ja") };
    await expect(classifier.calibrate(strange)).rejects.toThrow(/classes no, yes, got none \(a label is "ja"\)/);
    expect(classifier.calibration).toBe(calibration);
    const three = await classifierOf(2, ["a", "b", "c"]);
    await expect(three.calibrate(examples, { threshold: "f1" })).rejects.toThrow(/this classifier has 3/);
  });

  it.each([
    [{ temperature: -1 }, /calibration.temperature/],
    [
      { temperature: 1, threshold: { label: "maybe", probability: 0.5 } },
      /calibration.threshold.label: expected one of "no", "yes"/,
    ],
    [
      { temperature: 1, threshold: { label: "no", probability: 2 } },
      /calibration.threshold.probability: expected a number from 0 to 1/,
    ],
  ])("of a file is checked: %j", async (calibration, message) => {
    const classifier = await classifierOf(1);
    expect(() => sequenceClassifier({ ...optionsOf(classifier), calibration })).toThrow(message);
    expect(() => sequenceClassifier({ channels: 1, calibration })).toThrow(/a regression has no probabilities/);
  });
});

function optionsOf(classifier: Awaited<ReturnType<typeof classifierOf>>) {
  const { kind: _, ...options } = classifier.config.model as never as { kind: string };
  return options as never as Parameters<typeof sequenceClassifier>[0];
}
