/** What the recipes on few labels have in common: a language model reads texts without labels, and a classifier begins with it. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  languageModel,
  loadRun,
  openMachine,
  RandomStream,
  saveRun,
  trainText,
  trainTokenizer,
} from "../../dist/index.js";
import { classify } from "./classify.mjs";

/** So many examples, drawn by a seed; of each class so many where that is said. */
export function drawn({ inputs, labels }, { count, ofEach = count, seed }) {
  const seen = new Map();
  const chosen = [...new RandomStream(seed, "labelled").permutation(labels.length)]
    .filter((k) => {
      const before = seen.get(labels[k]) ?? 0;
      seen.set(labels[k], before + 1);
      return before < ofEach;
    })
    .slice(0, count);
  return { inputs: chosen.map((k) => inputs[k]), labels: chosen.map((k) => labels[k]) };
}

/**
 * Trains and measures a classifier as `classify` does, with a language model to begin with where the settings have a `pretrainedRate`. All
 * seeds begin with the same one, which lies beside the results.
 *
 * @param language `name`, `lines` (texts without labels), `tokenizer`, `model` and `training` (options of `trainText`)
 */
export async function classifyFew({ settings, language, saved, log, ...given }) {
  if (settings.pretrainedRate === undefined) return classify({ settings, saved, log, ...given });
  const folder = join(dirname(saved), `${language.name}-language-model`);
  const machine = await openMachine("wasm");
  try {
    if (!existsSync(folder)) await readLines({ ...language, machine, folder, log });
    const pretrained = await loadRun(folder, { machine });
    return await classify({ settings: { ...settings, pretrained }, saved, log, ...given });
  } finally {
    machine.close();
  }
}

async function readLines({ lines, machine, folder, log, ...options }) {
  const text = lines.map((line) => `${line}\n`);
  const tokenizer = await trainTokenizer(text, options.tokenizer);
  const tokens = tokenizer.encode(text.join(""));
  const cut = Math.floor(0.95 * tokens.length);
  const model = languageModel({ vocabularySize: tokenizer.vocabularySize, ...options.model });
  const { trainer, parameters } = await trainText({
    ...{ model, machine, train: tokens.subarray(0, cut), validation: tokens.subarray(cut) },
    ...options.training,
  });
  await trainer.run({
    epoch: ({ epoch, validationLoss }) =>
      log(`  language model, epoch ${epoch}: ${validationLoss.toFixed(3)} nats a token`),
  });
  await saveRun(folder, { model, tokenizer, parameters });
  trainer.close();
}
