/** What the recipes of classification have in common: train with one seed, keep the best weights, measure once. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { gunzipSync } from "node:zlib";
import {
  averagePredictions,
  classificationScores,
  evaluateClassifier,
  openMachine,
  trainClassifier,
} from "../../dist/index.js";
import { nearestNeighbour } from "../../dist/run/nearest-neighbour.js";

/**
 * Settings are those of `trainClassifier` beside
 *
 * - `validation` (default 0.1): share of the training part that chooses the epoch whose weights are measured. With 0 all of it is
 *   learned from, and the weights after the last epoch are measured.
 * - `embeddingDeviation`: of the embedding's first values, in place of 1;
 * - `resume`: the training is saved after each epoch and goes on from there when the same recipe is run again. Default false;
 * - `networks` (default 1): so many are trained, one after the other, with seeds of their own (of n networks n · seed, n · seed + 1, …),
 *   each with another validation part; the mean of their probabilities is measured.
 *
 * - `calibrate` (default false): what probabilities are worth is measured as well, as trained and with a temperature that is fitted to
 *   the validation part.
 *
 * @returns accuracy and macro-F1 in percent on the test part
 */
export async function classify({ settings, seed, train, test, log, saved }) {
  const { networks = 1, calibrate = false, ...own } = settings;
  const machine = await openMachine("wasm");
  try {
    const [said, details] = [[], []];
    let worth = {};
    for (let k = 0; k < networks; k++) {
      if (networks > 1) log(`  network ${k + 1} of ${networks}`);
      const where = networks > 1 ? `${saved}-${k}` : saved;
      const { trainer, classifier, epoch, validation } = await trained({
        ...{ machine, settings: own, seed: networks * seed + k, train, log, saved: where },
      });
      if (calibrate) worth = await worthOf(classifier, validation, test);
      said.push(await classifier.predict(test.inputs));
      details.push({ ...(epoch && { epoch }), parameters: classifier.parameters.count });
      trainer.close();
    }
    const predictions = averagePredictions(said);
    const [predicted, classes] = [predictions.map(({ label }) => label), Object.keys(predictions[0].probabilities)];
    const { accuracy, macroF1, confusion } = classificationScores(test.labels, predicted, classes);
    return {
      measures: { accuracy: 100 * accuracy, macroF1: 100 * macroF1, ...worth },
      details: { ...(networks > 1 ? { networks: details } : details[0]), confusion },
    };
  } finally {
    machine.close();
  }
}

/**
 * Settings under which weights begin as in PyTorch, the rest of an epoch is a batch of its own, the rate stays and the loss decides which
 * epoch is kept: those that mirror a script of PyTorch, and those that were chosen when our defaults were the same.
 */
export const asPyTorch = ({ model, ...settings }) => ({
  ...{ evenBatches: false, schedule: "constant", monitor: "loss", ...settings },
  model: { initialize: "pytorch", ...model },
});

/** A classifier with the weights that are to be measured, and of which epoch they are where that was chosen. */
async function trained({ machine, settings, seed, train, log, saved }) {
  const { embeddingDeviation = 1, resume = false, ...options } = settings;
  const { trainer, classifier, validation } = await trainClassifier({ machine, examples: train, seed, ...options });
  const { parameters } = classifier;
  if (embeddingDeviation !== 1) {
    const values = await parameters.read("embedding.weight");
    parameters.write(
      "embedding.weight",
      values.map((value) => value * embeddingDeviation),
    );
  }
  let best;
  if (resume && existsSync(saved)) {
    const { snapshot, ...rest } = deserialize(readFileSync(saved));
    await trainer.restore(snapshot);
    best = rest.best;
    log(`  goes on from ${saved}`);
  }
  await trainer.run({
    epoch: async ({ epoch, trainLoss, metrics, best: better, seconds }) => {
      if (metrics && better) best = { epoch, tensors: await parameters.toTensors() };
      const found = metrics ? `, validation ${metrics.loss.toFixed(4)}, ${percent(metrics.accuracy)} %` : "";
      log(`  epoch ${epoch}: loss ${trainLoss.toFixed(4)}${found}; ${seconds.toFixed(1)} s`);
      if (!resume) return;
      writeFileSync(`${saved}.new`, serialize({ snapshot: await trainer.snapshot(), best }));
      renameSync(`${saved}.new`, saved);
    },
  });
  if (best) parameters.loadTensors(best.tensors);
  if (resume) rmSync(saved, { force: true });
  return { trainer, classifier, epoch: best?.epoch, validation };
}

/** Cross entropy and expected calibration error (in percent) on the test part before and after a temperature is fitted. */
async function worthOf(classifier, validation, test) {
  const before = await evaluateClassifier(classifier, test);
  const { temperature } = await classifier.calibrate(validation);
  const after = await evaluateClassifier(classifier, test);
  return {
    ...{ temperature, loss: before.loss, calibratedLoss: after.loss },
    ...{ calibrationError: 100 * before.calibrationError, calibratedError: 100 * after.calibrationError },
  };
}

/** Beside a model of series: how often the nearest series of the training part (dynamic time warping) has the right label, in percent. */
export function nearestAccuracy(train, test) {
  const right = test.inputs.filter(
    (series, k) => nearestNeighbour(series, train.inputs, train.labels) === test.labels[k],
  );
  return (100 * right.length) / test.inputs.length;
}

/** Lines `LABEL TEXT`, gzip, as examples. */
export function readLabelledLines(file) {
  const lines = gunzipSync(readFileSync(file))
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const at = lines.map((line) => line.indexOf(" "));
  return {
    inputs: lines.map((line, k) => line.slice(at[k] + 1)),
    labels: lines.map((line, k) => line.slice(0, at[k])),
    places: lines.map((_, k) => `${file}, line ${k + 1}`),
  };
}

const percent = (share) => (100 * share).toFixed(2);
