// @ts-check
/**
 * `node scripts/playground-models.mjs [NAME…]`: trains the small models that the playground ships and writes them to
 * playground/public/models/, each one file: safetensors in float16 whose metadata holds config and tokenizer.
 *
 * `recall-*` learn a synthetic task: a line begins with A or B, then come dots, then "?" and the letter again; all but the
 * letter after "?" can be known from the character before. `text-*` learn the frozen text of the demonstration.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureReady, root } from "./bootstrap.mjs";
import { engineFlags } from "./flags.mjs";

ensureReady();
const { loadRun, openMachine, packRun, RandomStream } = await import("longshort");

const scratch = mkdtempSync(path.join(tmpdir(), "longshort-playground-"));
const recallText = path.join(scratch, "recall.txt");
const letters = new RandomStream(1, "letters").uniform(4000);
const lengths = new RandomStream(1, "lengths").uniform(letters.length);
writeFileSync(
  recallText,
  Array.from(letters, (u, k) => {
    const letter = u < 0.5 ? "A" : "B";
    return `${letter}${".".repeat(1 + Math.floor((lengths[k] ?? 0) * 8))}?${letter}\n`;
  }).join(""),
);

const frozenText = path.join(root, "examples/text/longshort-v1.txt");
const recall =
  "--hidden-size 4 --embedding-size 3 --batch-size 16 --sequence-length 32 --learning-rate 0.01 --max-steps 12000 --epochs 1000 --clip 1";
const text =
  "--hidden-size 96 --embedding-size 32 --batch-size 32 --sequence-length 64 --learning-rate 0.004 --max-steps 1000";
/** What each is trained on, and how. */
const models = {
  "recall-lstm": [recallText, `${recall} --cell lstm --seed 2`],
  "recall-gru": [recallText, `${recall} --cell gru --seed 0`],
  "recall-rnn": [recallText, `${recall} --cell rnn --seed 0`],
  "text-lstm": [frozenText, `${text} --cell lstm`],
  "text-gru": [frozenText, `${text} --cell gru`],
};

const folder = path.join(root, "playground/public/models");
mkdirSync(folder, { recursive: true });
const wanted = process.argv.slice(2);
const machine = await openMachine("wasm");
for (const [name, [file = "", options = ""]] of Object.entries(models)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const run = path.join(scratch, name);
  const command = [...engineFlags(), path.join(root, "dist/node/cli.js"), "train", "text", file];
  const { status } = spawnSync(process.execPath, [...command, ...options.split(" "), "--output", run], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
  const { config: _, ...loaded } = await loadRun(run, { machine });
  const bytes = await packRun(loaded, { dtype: "F16" });
  writeFileSync(path.join(folder, `${name}.safetensors`), bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}
machine.close();
