/**
 * Feeds damaged files to every reader of foreign formats (the table in test/formats/parsers.ts), until the time is over:
 *
 *   node scripts/fuzz.mjs --minutes 60 [--parser NAME] [--seed N] [--files FOLDER]
 *
 * With --files the models below a folder are damaged as well, under the name "files".
 * A reader may refuse a file with an error of ours, or read it; anything else — another exception, more than two seconds,
 * a process that ends, a changed Object.prototype — is printed with the seed that repeats it, and the exit code is 1.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { root } from "./bootstrap.mjs";

const { values } = parseArgs({
  options: {
    ...{ minutes: { type: "string" }, seed: { type: "string", default: "0" } },
    ...{ parser: { type: "string" }, files: { type: "string" } },
  },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed) || firstSeed < 0) {
  console.error("usage: node scripts/fuzz.mjs --minutes N [--parser NAME] [--seed N] [--files FOLDER]");
  process.exit(2);
}

const SLOW = 2000;
const folder = mkdtempSync(path.join(os.tmpdir(), "longshort-fuzz-"));
process.env.LONGSHORT_GOLDEN = path.join(root, "test", "golden");
const bundle = path.join(folder, "fuzz.mjs");
await build({
  entryPoints: [path.join(root, "test/formats/fuzz-worker.ts")],
  outfile: bundle,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  alias: { "#platform": path.join(root, "src/platform/node.ts") },
  absWorkingDir: root,
  nodePaths: [path.join(root, "node_modules")],
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  logLevel: "error",
});

const counts = new Map();
const findings = [];
const end = performance.now() + minutes * 60_000;

/** One worker until it ends or hangs; the seed that follows the last one it was at. */
function session(from) {
  return new Promise((resolve) => {
    const worker = new Worker(pathToFileURL(bundle), {
      workerData: {
        from,
        milliseconds: Math.max(0, end - performance.now()),
        parser: values.parser,
        files: values.files,
      },
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    let current = { parser: "start", seed: from };
    let since = performance.now();
    const watch = setInterval(() => {
      // Building the table and compiling come first; a reader alone must be done after SLOW.
      if (performance.now() - since < (current.parser === "start" ? 60_000 : 4 * SLOW)) return;
      finish(`no end after ${Math.round(performance.now() - since)} ms`);
    }, 200);
    let done = false;
    function finish(problem) {
      if (done) return;
      done = true;
      clearInterval(watch);
      if (problem) findings.push({ ...current, problem });
      worker.terminate().then(() => resolve(current.seed + 1));
    }
    worker.on("message", (message) => {
      if (message.problem) findings.push(message);
      else if (message.counts) for (const [name, count] of message.counts) counts.set(name, count);
      else [current, since] = [message, performance.now()];
    });
    worker.on("error", (error) => finish(`the worker failed: ${error.stack ?? error}`));
    worker.on("exit", (code) => finish(code === 0 || done ? undefined : `the worker ended with code ${code}`));
  });
}

const total = new Map();
let seed = firstSeed;
while (performance.now() < end && findings.length < 20) {
  counts.clear();
  seed = await session(seed);
  for (const [name, { read, refused }] of counts) {
    const sum = total.get(name) ?? { read: 0, refused: 0 };
    total.set(name, { read: sum.read + read, refused: sum.refused + refused });
  }
}
rmSync(folder, { recursive: true, force: true });
for (const [name, { read, refused }] of total) console.log(`${name}: ${read} read, ${refused} refused`);
for (const { parser, seed: at, problem } of findings)
  console.log(`FOUND ${parser}, repeat with --parser ${parser} --seed ${at}: ${problem}`);
console.log(`seeds ${firstSeed} to ${seed - 1}, ${findings.length} findings`);
process.exit(findings.length > 0 ? 1 : 0);
