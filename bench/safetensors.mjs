/**
 * How long 100 MB of weights take to load, and how much memory beside their size: read as arrays, opened as a model from a
 * safetensors file and from the folder of a run. Beside them what no loader can be faster than: new WebAssembly memory of that size of
 * which one byte in each page of 4 KiB is written (on a virtual machine that is most of the time), and `fs.readFile` of the same file,
 * which does nothing with it. Each in a process of its own, in turns; medians.
 *
 *   node bench/safetensors.mjs [--rounds 5]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../dist/cli/bench/statistics.js";
import { asFloat32, open, openBytes, openSafetensors } from "../dist/node/formats.js";
import { createParameters, languageModel, layoutParameters, openMachine, saveRun } from "../dist/node/index.js";

const tasks = {
  "new memory alone": async ({ file }) => {
    const { size } = statSync(file);
    const memory = new WebAssembly.Memory({ initial: Math.ceil(size / 65536), maximum: 65536, shared: true });
    const bytes = new Uint8Array(memory.buffer);
    for (let at = 0; at < size; at += 4096) bytes[at] = 1;
    return memory;
  },
  "fs.readFile": ({ file }) => readFile(file),
  "every tensor as an array": async ({ file }) => {
    const source = await openBytes(file);
    const opened = await openSafetensors(source);
    const arrays = new Map();
    for (const tensor of opened.entries.keys()) arrays.set(tensor, asFloat32(await opened.read(tensor)));
    await source.close();
    return arrays;
  },
  "open(file)": ({ file, machine }) => open(file, { machine }),
  "open(run)": ({ folder, machine }) => open(folder, { machine }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" } },
});
const [task, given] = positionals;
if (task === "write") await write(given);
else if (task !== undefined) await measure(task, given);
else {
  const folder = mkdtempSync(path.join(tmpdir(), "longshort-load-"));
  try {
    // Writing is done in a process of its own as well: a process begins with the peak of memory of the one that started it.
    child("write", folder);
    const figures = new Map(Object.keys(tasks).map((name) => [name, []]));
    for (let round = 0; round < Number(values.rounds); round++)
      for (const name of figures.keys()) figures.get(name).push(JSON.parse(child(name, folder)));
    const { size } = statSync(path.join(folder, "model.safetensors"));
    console.log(`${(size / 1e6).toFixed(1)} MB, medians of ${values.rounds}:`);
    for (const [name, runs] of figures) {
      const middle = (key) => median(runs.map((run) => run[key]));
      console.log(
        `${name.padEnd(26)}${middle("seconds").toFixed(3)} s, ${middle("processor").toFixed(3)} s of the processor, memory at its peak ${(middle("peak") / size).toFixed(2)}× the file`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function child(...words) {
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...words], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${words[0]} ended with ${status}`);
  return stdout;
}

async function write(folder) {
  const machine = await openMachine("wasm");
  const sizes = { vocabularySize: 4000, embeddingSize: 1024, hiddenSize: 1024, numLayers: 2 };
  const model = languageModel({ cell: "lstm", ...sizes });
  const parameters = await createParameters({ machine, layout: layoutParameters(model) });
  await saveRun(folder, { model, tokenizer: { toJSON: () => ({}) }, parameters });
}

async function measure(name, folder) {
  const machine = await openMachine("wasm");
  const before = process.memoryUsage().rss;
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const kept = await tasks[name]({ folder, file: path.join(folder, "model.safetensors"), machine });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  console.log(JSON.stringify({ seconds, processor: (user + system) / 1e6, peak, kept: kept !== undefined }));
  machine.close();
}
