import { expect, test } from "vitest";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { withBytes } from "../../src/formats/byte-source.ts";
import { sniff } from "../../src/formats/sniff.ts";

test("safetensors are told by their header, whatever its length: one length in 32 begins as a pickle does", async () => {
  const tensors = new Map([["weight", safeTensor("F32", [2], [1, 2])]]);
  const begins = new Set<number>();
  for (let length = 0; length < 256; length += 8) {
    const file = writeSafetensors(tensors, { metadata: { note: "n".repeat(length) } });
    begins.add(file[0]!);
    expect(await withBytes(file, sniff)).toBe("safetensors");
  }
  expect(begins.size).toBe(32);
});

test("a pickle is PyTorch's", async () => {
  const magic = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e);
  expect(await withBytes(magic, sniff)).toBe("pytorch");
});
