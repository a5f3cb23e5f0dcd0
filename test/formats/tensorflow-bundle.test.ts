import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { expect, test } from "vitest";
import { readModel } from "../../src/formats/read-model.ts";
import { unsnappy } from "../../src/formats/snappy.ts";
import { readTensorFlowBundle } from "../../src/formats/tensorflow1/bundle.ts";
import { readTensorFlow1 } from "../../src/formats/tensorflow1/manifest.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { type BundleVariable, writeBundle } from "./tensorflow-bundle.ts";

/** Two layers of BasicLSTMCell as a training of TensorFlow 1 leaves them, with slots of its optimizer, a counter and a string. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  "rnnlm/embedding": [7, 5],
  "rnnlm/rnnlm/multi_rnn_cell/cell_0/basic_lstm_cell/kernel": [5 + 3, 12],
  "rnnlm/rnnlm/multi_rnn_cell/cell_0/basic_lstm_cell/bias": [12],
  "rnnlm/rnnlm/multi_rnn_cell/cell_1/basic_lstm_cell/kernel": [3 + 4, 16],
  "rnnlm/rnnlm/multi_rnn_cell/cell_1/basic_lstm_cell/bias": [16],
  "rnnlm/softmax_w": [4, 7],
  "rnnlm/softmax_b": [7],
};
const numbers = (name: string, shape: readonly number[]): Float32Array =>
  Float32Array.from(new RandomStream(5, name).uniform(size(shape)), (u) => u - 0.5);
const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer);
const variables = new Map<string, BundleVariable>([
  ...Object.entries(shapes).flatMap(([name, shape]) =>
    ["", "/Adam", "/Adam_1"].map((slot): [string, BundleVariable] => [
      name + slot,
      { type: 1, shape, bytes: bytesOf(numbers(name + slot, shape)) },
    ]),
  ),
  ["global_step", { type: 9, shape: [], bytes: new Uint8Array(8) }],
  ["note", { type: 7, shape: [], bytes: Uint8Array.of(2, 0x68, 0x69) }],
]);
const files = (data: Uint8Array) => ({ "model.ckpt-9.data-00000-of-00001": data });

/** The same variables as files that a manifest lists. */
async function expected() {
  const names = Object.keys(shapes);
  const manifest = Object.fromEntries(names.map((name, k) => [name, { filename: `v${k}`, shape: shapes[name] }]));
  return readTensorFlow1(new TextEncoder().encode(JSON.stringify(manifest)), {
    files: Object.fromEntries(names.map((name, k) => [`v${k}`, bytesOf(numbers(name, shapes[name]!))])),
  });
}

test.each([false, true])(
  "a checkpoint is what its variables are one by one; blocks packed by Snappy: %s",
  async (snappy) => {
    const { index, data } = writeBundle(variables, { snappy });
    const { model } = await readTensorFlowBundle(index, { files: files(data) });
    const same = await expected();
    expect(model.layers).toEqual(same.model.layers);
    expect(model.weights).toEqual(same.model.weights);
  },
);

test("a path leads to the files beside it, and a file is known by its end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longshort#bundle-"));
  try {
    const { index, data } = writeBundle(variables);
    writeFileSync(join(folder, "model.ckpt-9.index"), index);
    await expect(readModel(join(folder, "model.ckpt-9.index"))).rejects.toMatchObject({ code: "file-not-found" });
    writeFileSync(join(folder, "model.ckpt-9.data-00000-of-00001"), data);
    expect((await readModel(join(folder, "model.ckpt-9.index"))).format).toBe("tf1");
    // What a user calls it is no path that a file made up.
    const named = join(folder, "Ada's 100 % & more");
    writeFileSync(`${named}.index`, index);
    writeFileSync(`${named}.data-00000-of-00001`, data);
    for (const path of [`${named}.index`, pathToFileURL(`${named}.index`)])
      expect((await readModel(path)).format).toBe("tf1");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("any bit that turned is found by a checksum", async () => {
  const good = writeBundle(variables);
  // Behind the blocks stands the footer, whose unused bytes have none.
  for (let k = 0; k < good.index.length - 48; k += 5) {
    const index = good.index.slice();
    index[k]! ^= 1 << (k % 8);
    const read = readTensorFlowBundle(index, { files: files(good.data) });
    await read.then(
      () => expect(metaindexHolds(good.index, k), `byte ${k}`).toBe(true),
      (error: unknown) => expect(error).toMatchObject({ code: "damaged-tensorflow" }),
    );
  }
  const data = good.data.slice();
  data[data.length - 1]! ^= 1;
  await expect(readTensorFlowBundle(good.index, { files: files(data) })).rejects.toThrow(/checksum/);
});

/** The empty block that holds filters in other tables, which a reader has no use for: 8 bytes and a trailer of 5 before the index. */
function metaindexHolds(index: Uint8Array, at: number): boolean {
  const footer = index.subarray(index.length - 48);
  let offset = 0;
  let k = 0;
  for (let scale = 1; ; scale *= 128, k++) {
    offset += (footer[k]! & 127) * scale;
    if (footer[k]! < 128) break;
  }
  return at >= offset && at < offset + 8 + 5;
}

test("peepholes, a projection and missing files are named", async () => {
  const more = new Map([
    ...variables,
    ["rnn/lstm_cell/w_f_diag", { type: 1, shape: [3], bytes: new Uint8Array(12) }] as const,
  ]);
  const { index, data } = writeBundle(more);
  await expect(readTensorFlowBundle(index, { files: files(data) })).rejects.toThrow(/w_f_diag.*peepholes/);
  await expect(readTensorFlowBundle(index, { files: {} })).rejects.toMatchObject({ code: "missing-file" });
});

test("names and entries of more than 127 bytes are read", async () => {
  const long = `${"scope/".repeat(40)}rnn/basic_lstm_cell`;
  const own = new Map<string, BundleVariable>([
    [`${long}/kernel`, { type: 1, shape: [3, 8], bytes: new Uint8Array(96) }],
    [`${long}/bias`, { type: 1, shape: [8], bytes: new Uint8Array(32) }],
    ["b".repeat(128), { type: 1, shape: new Array<number>(40).fill(1), bytes: new Uint8Array(4) }],
  ]);
  const { index, data } = writeBundle(own);
  expect((await readTensorFlowBundle(index, { files: files(data) })).model.layers.size).toBe(1);
});

test("Snappy copies from as far back as each of its tags says, and not from before the beginning", () => {
  const text = Uint8Array.from({ length: 300 }, (_, k) => k % 251);
  const literal = [61 << 2, (300 - 1) & 255, (300 - 1) >> 8, ...text];
  // Eleven bits, sixteen bits, thirty-two bits of distance.
  const tags = (back: number): number[][] => [
    [1 | (0 << 2) | ((back >> 8) << 5), back & 255],
    [2 | (3 << 2), back & 255, back >> 8],
    [3 | (3 << 2), back & 255, back >> 8, 0, 0],
  ];
  const length = [128 + (304 % 128), 304 >> 7];
  for (const tag of tags(290))
    expect([...unsnappy(Uint8Array.from([...length, ...literal, ...tag]), 1000).subarray(300)]).toEqual([
      ...text.subarray(10, 14),
    ]);
  for (const back of [0, 301])
    for (const tag of tags(back))
      expect(() => unsnappy(Uint8Array.from([...length, ...literal, ...tag]), 1000)).toThrow(/before its beginning/);
});

test("Snappy unpacks what an encoder of its own packed", () => {
  const text = new TextEncoder().encode("abcabcabcabc the same again, the same again ".repeat(40));
  for (const bytes of [new Uint8Array(), text.subarray(0, 3), text, bytesOf(numbers("noise", [5000]))])
    expect(unsnappy(snappyCompress(bytes), 1 << 20)).toEqual(new Uint8Array(bytes));
  expect(() => unsnappy(snappyCompress(text), 10)).toThrow(/at most 10/);
});
