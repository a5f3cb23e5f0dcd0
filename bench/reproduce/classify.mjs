/** What the recipes of classification have in common: train with one seed, keep the best weights, measure once. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { gunzipSync } from "node:zlib";
import { measureClassifier, openMachine, trainClassifier } from "../../dist/index.js";
import { nearestNeighbour } from "../../dist/run/nearest-neighbour.js";

/**
 * Settings are those of `trainClassifier` beside
 *
 * - `validation` (default 0.1): share of the training part that chooses the epoch whose weights are measured. With 0 all of it is
 *   learned from, and the weights after the last epoch are measured.
 * - `embeddingDeviation`: of the embedding's first values, in place of 1;
 * - `resume`: the training is saved after each epoch and goes on from there when the same recipe is run again. Default false.
 *
 * @returns accuracy and macro-F1 in percent on the test part
 */
export async function classify({ settings, seed, train, test, log, saved }) {
  const { embeddingDeviation = 1, resume = false, ...options } = settings;
  const machine = await openMachine("wasm");
  try {
    const { trainer, classifier } = await trainClassifier({ machine, examples: train, seed, ...options });
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
    if (best) parameters.fromTensors(best.tensors);
    const { accuracy, macroF1, confusion } = await measureClassifier(classifier, test);
    trainer.close();
    if (resume) rmSync(saved, { force: true });
    return {
      measures: { accuracy: 100 * accuracy, macroF1: 100 * macroF1 },
      details: { ...(best && { epoch: best.epoch }), parameters: parameters.count, confusion },
    };
  } finally {
    machine.close();
  }
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
