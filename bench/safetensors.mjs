/**
 * How long a safetensors file of 100 MB takes to load, and how much memory beside its size, in a process of its own:
 *
 *   node bench/safetensors.mjs
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { asFloat32, openBytes, openSafetensors } from "../dist/formats/index.js";
import { SafeTensor, writeSafetensors } from "../dist/index.js";

// Writing is done in a process of its own as well: a process begins with the peak of memory of the one that started it.
const [, , task, file] = process.argv;
if (task === "load") await load(file);
else if (task === "write") write(file);
else {
  const folder = mkdtempSync(path.join(tmpdir(), "longshort-load-"));
  try {
    const written = path.join(folder, "model.safetensors");
    for (const each of ["write", "load"])
      spawnSync(process.execPath, [fileURLToPath(import.meta.url), each, written], { stdio: "inherit" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(name) {
  const tensors = new Map();
  for (let k = 0; k < 25; k++) {
    const numbers = Float32Array.from({ length: 1_000_000 }, (_, i) => Math.fround(i * 1e-3 + k));
    tensors.set(`layer${k}.weight`, new SafeTensor("F32", [1000, 1000], new Uint8Array(numbers.buffer)));
  }
  writeFileSync(name, writeSafetensors(tensors));
}

/** Reads every tensor as numbers and keeps them. */
async function load(name) {
  const before = process.memoryUsage().rss;
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const source = await openBytes(name);
  const opened = await openSafetensors(source);
  const arrays = new Map();
  for (const tensor of opened.entries.keys()) arrays.set(tensor, asFloat32(await opened.read(tensor)));
  await source.close();
  const took = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  const [size, processor] = [source.size / 1e6, (user + system) / 1e6];
  console.log(
    `${size.toFixed(0)} MB, ${arrays.size} tensors: ${took.toFixed(3)} s, ${processor.toFixed(3)} s of the processor, memory at its peak ${(peak / source.size).toFixed(2)}× the file`,
  );
}
