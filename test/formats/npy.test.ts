import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ElementTypeName } from "../../src/checkpoint/element-types.ts";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { bytesSource } from "../../src/formats/byte-source.ts";
import { elementBytes } from "../../src/formats/element-bytes.ts";
import { openNpy, readNpy, writeNpy } from "../../src/formats/npy.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { size } from "../../src/shared/shapes.ts";
import { deflatedZip } from "./deflated-zip.ts";

const TYPES: ElementTypeName[] = ["BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "F16", "F32", "F64"];

const tensor = fc
  .record({
    dtype: fc.constantFrom(...TYPES),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
    seed: fc.uint8Array({ minLength: 1, maxLength: 30 }),
  })
  .map(({ dtype, shape, seed }) => {
    const length = size(shape) * elementBytes(dtype);
    return new SafeTensor(
      dtype,
      shape,
      Uint8Array.from({ length }, (_, i) => seed[i % seed.length]!),
    );
  });

/** An NPY file by its parts. */
function npy(header: string, data: Uint8Array | readonly number[], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...length, ...text, ...data]);
}

describe("npy", () => {
  test("what is written is read", async () => {
    await fc.assert(
      fc.asyncProperty(tensor, async (value) => {
        const bytes = writeNpy(value);
        expect((bytes.length - value.bytes.length) % 64).toBe(0);
        expect(await readNpy(bytes)).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });

  test("all versions, both byte orders, both orders of axes", async () => {
    const rows = [1, 2, 3, 4, 5, 6];
    const big = rows.flatMap((value) => [0, value]);
    for (const version of [1, 2, 3]) {
      const header = "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }\n";
      expect([...(await readNpy(npy(header, big, version))).toFloat64()]).toEqual(rows);
    }
    const columns = [1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0];
    const fortran = await readNpy(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n", columns));
    expect([fortran.shape, [...fortran.toFloat64()]]).toEqual([[2, 3], rows]);
  });

  test("a file that ends in its first bytes is refused", async () => {
    const whole = npy("{'descr': '<i2', 'fortran_order': False, 'shape': (), }\n", [1, 0], 2);
    for (let length = 0; length < whole.length; length++)
      await expect(readNpy(whole.slice(0, length)), `${length} bytes`).rejects.toMatchObject({ code: "bad-npy" });
  });

  test("rows are read alone", async () => {
    const file = await openNpy(bytesSource(writeNpy(safeTensor("F32", [4, 2], [0, 1, 2, 3, 4, 5, 6, 7]))));
    const part = await file.rows(1, 3);
    expect([part.shape, [...part.toFloat32()]]).toEqual([
      [2, 2],
      [2, 3, 4, 5],
    ]);
    await expect(file.rows(1, 5)).rejects.toMatchObject({ code: "out-of-range" });
  });

  test("64-bit whole numbers stay exact", async () => {
    const values = BigUint64Array.of(2n ** 64n - 1n, 2n ** 53n + 1n);
    const { bytes } = await readNpy(writeNpy(new SafeTensor("U64", [2], new Uint8Array(values.buffer))));
    expect(new BigUint64Array(bytes.slice().buffer)).toEqual(values);
  });

  test.each<[string, string, number, RegExp]>([
    ["Python objects", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, /Python objects/],
    ["complex numbers", "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, /complex/],
    ["text", "{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }", 8, /text/],
    ["records", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, /records/],
    ["dates", "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }", 8, /dates/],
    ["long doubles", "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", 16, /astype/],
    [
      "a name of every object as type",
      "{'descr': '<constructor', 'fortran_order': False, 'shape': (1,), }",
      4,
      /not numbers|not read|complex/,
    ],
    ["a number in brackets", "{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", 4, /dictionary/],
    ["a negative size", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, /dictionary/],
    ["a key too many", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 'y'}", 4, /dictionary/],
    ["code", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,).__class__, }", 4, /dictionary/],
    ["too few bytes", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4, /8 bytes, but 4 follow/],
    ["too many bytes", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, /4 bytes, but 8 follow/],
    [
      "a product beyond 2^53",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740991, 4), }",
      8,
      /more than 2\^53/,
    ],
  ])("%s are refused", async (_, header, bytes, message) => {
    await expect(readNpy(npy(header, new Uint8Array(bytes)))).rejects.toMatchObject({
      code: "bad-npy",
      message: expect.stringMatching(message),
    });
  });

  test("types that NumPy lacks are not written", () => {
    expect(() => writeNpy(safeTensor("BF16", [1], [1]))).toThrow(/convert the tensor to F32/);
  });
});

describe("npz", () => {
  test("what is written is read, compressed or not", async () => {
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_ü]{0,8}(\/[a-z]+)?$/);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 4 }),
        async (entries) => {
          const arrays = new Map(entries);
          expect(await readNpz(writeNpz(arrays))).toEqual(arrays);
          const files = new Map(entries.map(([key, value]) => [`${key}.npy`, writeNpy(value)]));
          expect(await readNpz(deflatedZip(files))).toEqual(arrays);
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each(["../x", "/x", "a//b", "C:x", "a\\b"])("the name %s is not written", (name) => {
    expect(() => writeNpz(new Map([[name, safeTensor("F32", [], [1])]]))).toThrow(/rename it/);
  });
});
