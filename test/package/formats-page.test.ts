import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { openMachine } from "../../src/compute/open.ts";
import { open } from "../../src/formats/open.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { save } from "../../src/formats/save.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { difference } from "../support/difference.ts";
import { firstLine, fromFolder } from "./page.ts";

// `longshort/formats` in a page without a bundler: one model in every format, by its address.

const formats = {
  "model.pt": "pytorch",
  "model.onnx": "onnx",
  "model.keras": "keras",
  "model.h5": "keras-h5",
} as const;
const files = [...Object.keys(formats), "model.safetensors", "model.json"];
const folder = mkdtempSync(path.join(tmpdir(), "longshort-formats-page-"));
const tokens = { shape: [1, 4], data: [3, 1, 4, 1] };
let expected: ArrayLike<number>;

beforeAll(async () => {
  const shapes: Record<string, number[]> = {
    "emb.weight": [6, 4],
    "rnn.weight_ih_l0": [12, 4],
    "rnn.weight_hh_l0": [12, 3],
    "rnn.bias_ih_l0": [12],
    "rnn.bias_hh_l0": [12],
    "fc.weight": [5, 3],
    "fc.bias": [5],
  };
  const numbers = (name: string, shape: number[]) =>
    Float32Array.from(new RandomStream(1, name).uniform(size(shape)), (u) => u - 0.5);
  const tensors = Object.entries(shapes).map(
    ([name, shape]) => [name, safeTensor("F32", shape, numbers(name, shape))] as const,
  );
  const machine = await openMachine("wasm");
  const model = await open(writePyTorch(new Map(tensors)), { machine });
  expected = (await model.run({ tokens })).output!.data;
  for (const name of files) await save(model, path.join(folder, name));
  machine.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `
import { exportModel, open, openMachine } from "/longshort.js";

async function outputOf(input, onProgress) {
  const machine = await openMachine("wasm");
  const model = await open(input, { machine, onProgress });
  const given = { [model.inputs[0].name]: ${JSON.stringify(tokens)} };
  for (const { input } of model.states)
    if (!model.inputs.find(({ name }) => name === input).optional) given[input] = { shape: [1, 3], data: [0, 0, 0] };
  const results = await model.run(given);
  const again = await exportModel(model, { to: "onnx" });
  machine.close();
  return { output: [...results[model.outputs[0].name].data], written: again.bytes.length };
}

const said = {};
for (const file of ${JSON.stringify(files)}) {
  const progress = [];
  said[file] = { ...(await outputOf("/" + file, (event) => progress.push(event))), progress };
}
const progress = [];
const blob = await (await fetch("/model.onnx")).blob();
said.blob = { ...(await outputOf(blob, (event) => progress.push(event))), progress };
said.missing = await outputOf("/nothing.onnx").catch(({ code, message }) => ({ code, message }));
console.log("said " + JSON.stringify(said));
`;

it("a page opens every format by its address and as a Blob, with progress", { timeout: 120_000 }, async (context) => {
  if (chromiumPath === undefined) context.skip("no Chromium here: install Debian's chromium or name one in CHROMIUM");
  writeFileSync(path.join(folder, "index.html"), '<!doctype html><script type="module" src="/program.js"></script>');
  writeFileSync(path.join(folder, "program.js"), program);
  const built = fromFolder(path.resolve("dist"));
  const made = fromFolder(folder);
  const line = await firstLine("said ", (url) =>
    url === "/longshort.js" ? built("/longshort-formats.browser.js") : made(url),
  );
  const said = JSON.parse(line.slice(5));
  for (const file of [...files, "blob"]) {
    const { output, written, progress } = said[file];
    expect(difference(output, expected), file).toBeLessThanOrEqual(1e-5);
    expect(written, file).toBeGreaterThan(500);
    const last = progress.at(-1);
    expect(last.read, file).toBe(last.total);
    for (const { read, total } of progress) expect(read, file).toBeLessThanOrEqual(total);
  }
  // Of an address the download is what is reported, from its beginning; of model.json also the file of weights.
  expect(said["model.onnx"].progress[0]).toMatchObject({ name: "/model.onnx", read: 0 });
  expect(new Set(said["model.json"].progress.map(({ name }: { name: string }) => name))).toEqual(
    new Set(["/model.json", "/weights.bin"]),
  );
  expect(said.missing).toMatchObject({ code: "file-not-found", message: expect.stringContaining("/nothing.onnx") });
});
