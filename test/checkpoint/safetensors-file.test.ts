import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { platform } from "#platform";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openSafetensors } from "../../src/checkpoint/safetensors-file.ts";
import type { ByteSource } from "../../src/platform/platform.ts";

const folder = mkdtempSync(join(tmpdir(), "slices-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tensors = new Map(
  ["a", "b", "__proto__"].map((name, i) => [name, safeTensor("F32", [1000], new Float32Array(1000).fill(i))]),
);
const bytes = writeSafetensors(tensors, { metadata: { from: "here" } });

/** A source that notes how much of it was read. */
function counting(source: ByteSource): ByteSource & { count: number } {
  const result = {
    ...source,
    count: 0,
    read(offset: number, length: number) {
      result.count += length;
      return source.read(offset, length);
    },
  };
  return result;
}

describe("a safetensors file by slices", () => {
  test("only the header and the tensor asked for are read, from a file and from a Blob", async () => {
    const path = join(folder, "w.safetensors");
    writeFileSync(path, bytes);
    for (const input of [path, new Blob([bytes as Uint8Array<ArrayBuffer>])]) {
      const source = counting(await platform.openFile(input));
      const file = await openSafetensors(source);
      expect(file.metadata).toEqual({ from: "here" });
      expect([...file.entries.keys()]).toEqual([...readSafetensors(bytes).tensors.keys()]);
      expect(source.count).toBe(bytes.length - 12_000);
      expect(await file.read("__proto__")).toEqual(tensors.get("__proto__"));
      expect(source.count).toBe(bytes.length - 8_000);
      await expect(file.read("c")).rejects.toMatchObject({ code: "no-such-tensor" });
      await source.close();
    }
  });

  test("reading beyond the end is an error that says so", async () => {
    const source = await platform.openFile(fileURLToPath(import.meta.url));
    expect(await source.read(0, 6)).toEqual(
      new Uint8Array(readFileSync(fileURLToPath(import.meta.url)).subarray(0, 6)),
    );
    await expect(source.read(source.size - 1, 2)).rejects.toMatchObject({ code: "file-read-failed" });
    await expect(source.read(-1, 1)).rejects.toMatchObject({ code: "file-read-failed" });
    await source.close();
    await source.close();
  });
});
