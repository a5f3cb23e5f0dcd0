import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { referenceData } from "../support/reference-data.ts";
import { tinyText } from "../support/tiny-run.ts";

// Examples are programs: they are run as they stand, and judged by what they print.

let folder = "";
let printed = "";
const argv = [...process.argv];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "longshort-example-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(console, "log").mockImplementation((text) => {
    printed += `${text}\n`;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.argv.splice(0, process.argv.length, ...argv);
  rmSync(folder, { recursive: true, force: true });
});

const sourceLines = (name: string): number =>
  readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8")
    .trim()
    .split("\n").length;

test("train-text: twenty lines that train, save, load and write", async () => {
  expect(sourceLines("train-text.ts")).toBeLessThanOrEqual(21);
  const text = join(folder, "text.txt");
  writeFileSync(text, `The ${tinyText}`.repeat(3));
  process.argv.splice(2, process.argv.length, text, join(folder, "run"), "4");
  await import("../../examples/train-text.ts");
  const losses = [...printed.matchAll(/epoch \d: validation (\d\.\d+)/g)].map((match) => Number(match[1]));
  expect(losses).toHaveLength(4);
  expect(losses[3]).toBeLessThan(losses[0]!);
  const written = printed.slice(printed.lastIndexOf("validation")).split("\n").slice(1).join("\n");
  expect(written).toHaveLength(200);
  expect(written).toMatch(/^[Theabc \n]*ab[Theabc \n]*$/);
});

test("own-cell: at most 40 lines, trains on both machines to what only a memory can reach", async () => {
  expect(sourceLines("own-cell.ts")).toBeLessThanOrEqual(40);
  await import("../../examples/own-cell.ts");
  for (const machine of ["wasm", "reference"]) {
    const losses = [...printed.matchAll(new RegExp(`${machine}, epoch \\d: (\\d\\.\\d+)`, "g"))].map((m) =>
      Number(m[1]),
    );
    expect(losses).toHaveLength(5);
    expect(losses[4]).toBeLessThan(0.05);
  }
});

/** A WAV file of numbers of 32 bits, or of PCM of 16. */
function wavOf(samples: Float32Array, { bits = 32, sampleRate = 16_000, channels = 1 } = {}): Uint8Array {
  const width = bits / 8;
  const view = new DataView(new ArrayBuffer(44 + samples.length * width));
  const text = (at: number, value: string) =>
    [...value].forEach((c, k) => {
      view.setUint8(at + k, c.charCodeAt(0));
    });
  text(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, bits === 32 ? 3 : 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint16(32, width * channels, true);
  view.setUint16(34, bits, true);
  text(36, "data");
  view.setUint32(40, samples.length * width, true);
  samples.forEach((x, k) => {
    if (bits === 32) view.setFloat32(44 + 4 * k, x, true);
    else view.setInt16(44 + 2 * k, Math.round(x * 32767), true);
  });
  return new Uint8Array(view.buffer);
}

test("wav: both kinds of samples, channels averaged, others refused", async () => {
  const { readWav } = await import("../../examples/voice-activity/wav.ts");
  const samples = Float32Array.of(0, 0.5, -0.25, 1);
  expect(readWav(wavOf(samples))).toEqual({ sampleRate: 16_000, samples });
  const pcm = readWav(wavOf(samples, { bits: 16, channels: 2, sampleRate: 8000 }));
  expect(pcm.sampleRate).toBe(8000);
  expect(Array.from(pcm.samples, (x) => Math.round(x * 1000) / 1000)).toEqual([0.25, 0.375]);
  expect(() => readWav(new Uint8Array(50))).toThrow(/no WAV file/);
  const other = wavOf(samples);
  other[20] = 7;
  expect(() => readWav(other)).toThrow(/format 7 of 32 bits/);
});

test("voice-activity: probabilities as ONNX Runtime gives them, chunk by chunk", async (context) => {
  const models = referenceData("models");
  if (!models) return context.skip("models is not in the reference data (set LONGSHORT_REFERENCE_DATA)");
  const { io } = JSON.parse(readFileSync(join(models, "expect/silero_16k.json"), "utf8")) as {
    io: { inputs: { input: { data: number[] } }; outputs: { output: { data: number[] } } }[];
  };
  const samples = Float32Array.from(io.flatMap(({ inputs }) => inputs.input.data.slice(64)));
  const wav = join(folder, "sound.wav");
  writeFileSync(wav, wavOf(samples));
  process.argv.splice(2, process.argv.length, join(models, "onnx/silero_vad_16k_op15.onnx"), wav);
  await import("../../examples/voice-activity/voice-activity.ts");
  const highest = Math.max(...io.map(({ outputs }) => outputs.output.data[0]!));
  expect(printed).toContain(`${(samples.length / 16_000).toFixed(2)} s of sound`);
  expect(printed).toContain(`the highest probability of speech is ${highest.toFixed(4)}`);
});
