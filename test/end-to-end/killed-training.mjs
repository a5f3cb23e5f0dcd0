/**
 * usage: node killed-training.mjs FOLDER '{"threads":1,"existing":"refuse","hold":17,"killAt":9}'
 *
 * Trains a tiny language model and records it. With `hold` the file operation of that number is held open half-way until
 * someone kills the process, with `killAt` it says when so many updates were made and waits. Ends with a digest of all that a training leaves.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { languageModel, openMachine, openRun, trainText } from "../../dist/index.js";
import { nodeFiles } from "../../dist/platform/node/files.js";

const folder = process.argv[2];
const { threads, existing, hold = -1, killAt = -1 } = JSON.parse(process.argv[3]);
const forever = () => new Promise(() => setInterval(() => undefined, 1000));
const say = (text) => process.stdout.write(`${text}\n`);

const operations = [];
const held = async (operation, args) => {
  operations.push(`${operation} ${args[0]}`);
  if (operations.length - 1 !== hold) return nodeFiles[operation](...args);
  // A write is held when half of it is done, everything else before it is done.
  if (operation === "write") await nodeFiles.write(args[0], args[1].slice(0, args[1].length / 2));
  say(`holding ${operation} ${args[0]}`);
  return forever();
};
// Those that change nothing of what is on the disk now.
const reads = ["read", "list", "removeAtEnd"];
const files = Object.fromEntries(
  Object.keys(nodeFiles).map((name) => [name, reads.includes(name) ? nodeFiles[name] : (...args) => held(name, args)]),
);

const machine = await openMachine("wasm", threads === undefined ? undefined : { threads });
const run = await openRun({ folder, existing, files, keep: 2 });
const tokens = Int32Array.from({ length: 2500 }, (_, i) => (i * i + (i >> 3)) % 11);
const { trainer } = await trainText({
  model: languageModel({ vocabularySize: 11, embeddingSize: 4, hiddenSize: 16, dropout: 0.2 }),
  ...{ machine, train: tokens.subarray(0, 2000), validation: tokens.subarray(2000), batchSize: 5, sequenceLength: 20 },
  ...{
    epochs: 2,
    accumulate: 2,
    evaluateEvery: 7,
    logEvery: 1,
    checkpointEvery: { steps: 4 },
    earlyStopping: { patience: 9 },
  },
});
for await (const event of run.record(trainer, { config: { model: { kind: "tiny" } } }))
  if (event.type === "progress" && event.step === killAt) {
    say(`waiting at ${killAt}`);
    await forever();
  }

const { tensors } = await trainer.snapshot();
const hash = createHash("sha256");
for (const [name, { data }] of tensors) hash.update(name).update(data);
const clock = ["seconds", "itemsPerSecond", "secondsLeft"];
for (const line of readFileSync(`${folder}/metrics.jsonl`, "utf8").trimEnd().split("\n"))
  hash.update(JSON.stringify(Object.entries(JSON.parse(line)).filter(([name]) => !clock.includes(name))));
for (const name of ["model.safetensors", "config.json"]) hash.update(readFileSync(`${folder}/${name}`));
await run.close();
say(JSON.stringify({ digest: hash.digest("hex"), operations, steps: trainer.step }));
process.exit(0);
