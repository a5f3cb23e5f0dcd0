// Detects speech in a WAV file, streamed chunk by chunk through silero-vad (the ONNX file of snakers4/silero-vad, MIT).
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { openMachine } from "longshort";
import { open } from "longshort/formats";
import { readWav } from "./wav.ts";

const [, , modelPath, wavPath] = argv as [string, string, string, string];
const { sampleRate, samples } = readWav(readFileSync(wavPath));
if (sampleRate !== 16_000)
  throw new Error(`expected 16,000 samples per second, got ${sampleRate}: resample the file first`);

const machine = await openMachine("wasm");
const model = await open(modelPath, { machine });
const session = await model.openSession();
const sr = { shape: [], data: [sampleRate] };

// The model reads 512 samples (32 ms) at a time, after the last 64 of the chunk before.
const [chunk, context] = [512, 64];
let speaking: number | undefined;
let highest = 0;
const at = (sample: number) => (sample / sampleRate).toFixed(2);
for (let start = 0; start < samples.length; start += chunk) {
  const data = new Float32Array(context + chunk);
  data.set(samples.subarray(Math.max(0, start - context), start + chunk), start === 0 ? context : 0);
  const { output } = await session.next({ input: { shape: [1, data.length], data }, sr });
  const probability = output!.data[0]!;
  highest = Math.max(highest, probability);
  // The threshold for the beginning of speech is higher than that for its end.
  if (speaking === undefined && probability >= 0.5) speaking = start;
  else if (speaking !== undefined && probability < 0.35) {
    console.log(`speech from ${at(speaking)} s to ${at(start)} s`);
    speaking = undefined;
  }
}
if (speaking !== undefined) console.log(`speech from ${at(speaking)} s to ${at(samples.length)} s`);
console.log(`${at(samples.length)} s of sound, the highest probability of speech is ${highest.toFixed(4)}`);
model.close();
machine.close();
