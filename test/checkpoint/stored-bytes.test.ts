import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, storedSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { bytesAtHand, storedFile } from "../../src/checkpoint/stored-bytes.ts";
import { numbersOf } from "../../src/checkpoint/tensor-numbers.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { ByteProgress } from "../../src/formats/byte-source.ts";
import { open } from "../../src/formats/open.ts";
import { sha256, sha256Parts } from "../../src/platform/sha256.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { countOf } from "../../src/tensor/parameter-store.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-stored-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbers = (name: string, shape: readonly number[]) =>
  Float64Array.from(new RandomStream(5, name).uniform(size(shape)), (u) => Math.fround(u - 0.5));
/** Larger than what is read at a time, and not a multiple of it. */
const WIDE = [301, 333];
const tensors = new Map([
  ["F64", safeTensor("F64", WIDE, numbers("F64", WIDE))],
  ["F32", safeTensor("F32", WIDE, numbers("F32", WIDE))],
  ["BF16", safeTensor("BF16", [700, 301], numbers("BF16", [700, 301]))],
  ["I64", safeTensor("I64", [3], [1, 2 ** 40, -7])],
  ["none", safeTensor("F32", [0, 4], [])],
  ["one", safeTensor("F32", [], [0.5])],
]);
const bytes = writeSafetensors(tensors, { metadata: { a: "b" } });

/** Faster than `toEqual` on some hundred thousand numbers. */
const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.prototype.every.call(a, (value, k) => value === b[k]);

test("tensors that lie in a file are those that are read whole, also part by part", () => {
  const path = join(folder, "all.safetensors");
  writeFileSync(path, bytes);
  for (const stored of [storedFile(path)!, bytesAtHand("bytes", bytes)]) {
    const file = storedSafetensors(stored);
    const whole = readSafetensors(bytes);
    expect(file.metadata).toEqual({ a: "b" });
    expect([...file.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    for (const [name, tensor] of whole.tensors) {
      const lying = file.tensors.get(name)!;
      expect([lying.dtype, lying.shape, lying.stored], name).toEqual([tensor.dtype, tensor.shape, true]);
      expect(same(lying.bytes, tensor.bytes), name).toBe(true);
      const { data, parts, shape } = numbersOf(lying);
      expect(same(data, numbersOf(tensor).data), name).toBe(true);
      expect(countOf({ shape, data, parts: parts! })).toBe(size(tensor.shape));
      const pieces = Array.from(parts!(), (part) => Array.from(part));
      expect(same(pieces.flat(), data), name).toBe(true);
      if (tensor.bytes.length > 2 ** 18) expect(pieces.length, name).toBeGreaterThan(1);
    }
    expect(same(writeSafetensors(file.tensors, { metadata: file.metadata }), bytes)).toBe(true);
  }
});

test("a file that was written to after it was opened is refused, not mixed with what it was", () => {
  const path = join(folder, "changed.safetensors");
  writeFileSync(path, bytes);
  const { tensors: lying } = storedSafetensors(storedFile(path)!);
  expect(lying.get("one")!.toFloat64()).toEqual(Float64Array.of(0.5));
  writeFileSync(
    path,
    bytes.map((byte) => byte ^ 1),
  );
  utimesSync(path, 1, 1);
  expect(() => lying.get("one")!.bytes).toThrow(expect.objectContaining({ code: "file-read-failed" }));
  expect(() => [...numbersOf(lying.get("F32")!).parts!()]).toThrow(/written to after it was opened/);
  writeFileSync(path, bytes.subarray(0, 90));
  expect(() => storedSafetensors(storedFile(path)!)).toThrow(expect.objectContaining({ code: "bad-safetensors" }));
});

test("a model from a path goes to the machine part by part, and is the one from bytes", async () => {
  const shapes = { "rnn.weight_ih_l0": [1200, 90], "rnn.weight_hh_l0": [1200, 300] } as const;
  const file = writeSafetensors(
    new Map(Object.entries(shapes).map(([name, shape]) => [name, safeTensor("F32", shape, numbers(name, shape))])),
  );
  const path = join(folder, "lstm.safetensors");
  writeFileSync(path, file);
  for (const name of ["wasm", "reference"] as const) {
    const machine = await openMachine(name);
    const progress: ByteProgress[] = [];
    const fromPath = await open(path, { machine, onProgress: (event) => void progress.push(event) });
    const fromBytes = await open(file, { machine });
    const [read, expected] = [await fromPath.parameters.toTensors(), await fromBytes.parameters.toTensors()];
    for (const [key, { data }] of expected) expect(same(read.get(key)!.data, data), key).toBe(true);
    expect(progress.at(-1)).toMatchObject({ name: path, read: file.length, total: file.length });
    const steps = progress.map(({ read }, k) => read - (progress[k - 1]?.read ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(2 ** 18);
    machine.close();
  }
});

test("a hash of parts is the hash of the whole", async () => {
  for (const parts of [[], [bytes], [bytes.subarray(0, 9), bytes.subarray(9)]]) {
    const hash = sha256Parts(parts.reduce((n, part) => n + part.length, 0));
    for (const part of parts) hash.add(part);
    expect(await hash.digest()).toBe(
      createHash("sha256")
        .update(parts.length === 0 ? "" : bytes)
        .digest("hex"),
    );
    expect(await sha256(parts)).toBe(await sha256(parts.length === 0 ? [] : [bytes]));
  }
});
