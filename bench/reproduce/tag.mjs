/** What the recipes of tagging have in common: train with one seed, keep the best weights of the validation part, measure once. */
import { evaluateTagger, openMachine, trainTagger } from "../../dist/index.js";

/** What the words-only recipes of another system have in common. */
export const wordsOnly = {
  ...{ characters: false, encoding: "iob2", clipNorm: 1, evenBatches: false, keep: "last" },
  // Its description does not say where a half is dropped: of what the layers read alone fits most of its figures.
  model: { head: "softmax", outputDropout: 0 },
};

/**
 * Settings are those of `trainTagger` beside `keep`: "best" (default) measures the weights of the epoch that was best on the validation
 * part, "last" those after the last epoch.
 *
 * @returns in percent on the test part: F1 of spans or accuracy of tags, and accuracy of intents
 */
export async function tag({ settings, seed, train, validation, test, log }) {
  const { keep = "best", ...options } = settings;
  const machine = await openMachine("wasm");
  try {
    const { trainer, tagger } = await trainTagger({ machine, sentences: train, validation, seed, ...options });
    const { parameters } = tagger;
    let best;
    await trainer.run({
      epoch: async ({ epoch, trainLoss, metrics, best: better, seconds }) => {
        if (better && keep === "best") best = { epoch, tensors: await parameters.toTensors() };
        const found = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
        log(`  epoch ${epoch}: loss ${trainLoss.toFixed(4)}; validation ${found.join(", ")}; ${seconds.toFixed(1)} s`);
      },
    });
    if (best) parameters.loadTensors(best.tensors);
    const { accuracy, spans, intentAccuracy } = await evaluateTagger(tagger, test);
    trainer.close();
    return {
      measures: {
        ...(spans ? { f1: 100 * spans.f1 } : { accuracy: 100 * accuracy }),
        ...(intentAccuracy !== undefined && { intentAccuracy: 100 * intentAccuracy }),
      },
      details: { ...(best && { epoch: best.epoch }), parameters: parameters.count, accuracy: 100 * accuracy, spans },
    };
  } finally {
    machine.close();
  }
}

/** The three parts of a data set, read alike. @param {Readonly<Record<string, string>>} data */
export async function parts(data, read) {
  const [train, validation, test] = await Promise.all([data.train, data.validation, data.test].map(read));
  return { train, validation, test };
}
