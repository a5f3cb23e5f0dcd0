/**
 * silero-vad streamed chunk by chunk, beside ONNX Runtime for Node on one thread: CPU time a chunk, alternating, median.
 *
 *   node bench/silero.mjs MODEL.onnx [--rounds 15] [--chunks 200]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { median } from "../dist/cli/bench/statistics.js";
import { open } from "../dist/formats/index.js";
import { openMachine } from "../dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "15" }, chunks: { type: "string", default: "200" } },
});
const [path] = positionals;
if (!path) {
  console.error("usage: node bench/silero.mjs MODEL.onnx [--rounds N] [--chunks N]");
  process.exit(2);
}
const [rounds, chunks] = [Number(values.rounds), Number(values.chunks)];
const bytes = new Uint8Array(readFileSync(path));
const size = 576;
const data = Float32Array.from({ length: size }, (_, k) => 0.1 * Math.sin(k / 7) + 0.05 * Math.sin(k / 3.1));

const machine = await openMachine("wasm");
const model = await open(bytes, { machine });
const session = await model.openSession();
const input = { shape: [1, size], data };
const sr = { shape: [], data: [16_000] };
const ours = async () => (await session.next({ input, sr })).output.data[0];

const ort = createRequire(import.meta.url)("onnxruntime-node");
const theirs = await ort.InferenceSession.create(bytes, {
  ...{ intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential", logSeverityLevel: 3 },
});
const chunk = new ort.Tensor("float32", data, [1, size]);
const rate = new ort.Tensor("int64", BigInt64Array.of(16_000n), []);
let state = new ort.Tensor("float32", new Float32Array(256), [2, 1, 128]);
const runtime = async () => {
  const { output, stateN } = await theirs.run({ input: chunk, state, sr: rate });
  state = stateN;
  return output.data[0];
};

/** Microseconds of CPU time a chunk. */
async function time(run) {
  const before = process.cpuUsage();
  for (let k = 0; k < chunks; k++) await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / chunks;
}

for (let k = 0; k < 20; k++) {
  const [a, b] = [await ours(), await runtime()];
  if (!(Math.abs(a - b) < 1e-4)) throw new Error(`chunk ${k}: ${a} here, ${b} in ONNX Runtime`);
}
const [own, other] = [[], []];
for (let round = 0; round < rounds; round++) {
  own.push(await time(ours));
  other.push(await time(runtime));
}
const [a, b] = [median(own), median(other)];
console.log(
  `longshort ${a.toFixed(1)} µs, onnxruntime-node ${b.toFixed(1)} µs of CPU time a chunk: ${(b / a).toFixed(2)}×`,
);
model.close();
machine.close();
