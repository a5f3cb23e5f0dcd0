import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ELEMENT_TYPES, type ElementTypeName } from "../../src/checkpoint/element-types.ts";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { FailureError, UsageError } from "../../src/shared/errors.ts";
import { describeWithReferenceData } from "../support/reference-data.ts";

const golden = fileURLToPath(new URL("../golden/", import.meta.url));
const names = Object.keys(ELEMENT_TYPES) as ElementTypeName[];

/** A file with this header (text or an object) and so many bytes of data. */
function fileOf(header: string | object, dataLength: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const tensor = fc
  .record({
    dtype: fc.constantFrom(...names),
    // Four rows keep the types of 4 and 6 bits at whole bytes.
    shape: fc.array(fc.nat({ max: 3 }), { maxLength: 3 }).map((shape) => [4, ...shape]),
    seed: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  })
  .map(({ dtype, shape, seed }) => {
    const bits = shape.reduce((product, extent) => product * extent, ELEMENT_TYPES[dtype].bits);
    return new SafeTensor(
      dtype,
      shape,
      Uint8Array.from({ length: bits / 8 }, (_, i) => seed[i % seed.length]!),
    );
  });
const name = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("__proto__", "constructor", "toString", "1", "0", "", "词嵌入.权重"),
);

describe("round trip", () => {
  test("what is written is read, and writing again gives the same bytes, in whatever order the tensors came", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 }),
        fc.dictionary(name, fc.string({ unit: "grapheme" })),
        (entries, metadata) => {
          const bytes = writeSafetensors(new Map(entries), { metadata });
          const file = readSafetensors(bytes);
          expect(Object.entries(file.metadata).sort()).toEqual(Object.entries(metadata).sort());
          expect(new Map([...file.tensors].sort())).toEqual(new Map([...entries].sort()));
          expect(writeSafetensors(file.tensors, { metadata: file.metadata })).toEqual(bytes);
          expect(writeSafetensors(new Map(entries.toReversed()), { metadata })).toEqual(bytes);
          const data = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
          expect(data % 8).toBe(0);
          for (const { dtype, bytes: view } of file.tensors.values()) {
            expect(view.byteOffset % Math.max(1, ELEMENT_TYPES[dtype].bits / 8)).toBe(0);
          }
        },
      ),
    );
  });

  test("files of real PyTorch are read to the same numbers, and their bytes survive", () => {
    const folder = `${golden}torch-pt/`;
    const seen = new Set<string>();
    const files = readdirSync(folder).filter((file) => file.endsWith(".safetensors"));
    expect(files.length).toBeGreaterThan(20);
    for (const name of files) {
      const { tensors, metadata } = readSafetensors(Uint8Array.from(readFileSync(folder + name)));
      const again = readSafetensors(writeSafetensors(tensors, { metadata }));
      for (const [key, value] of tensors) {
        seen.add(value.dtype);
        expect(again.tensors.get(key)).toEqual(value);
      }
    }
    expect([...seen].sort()).toEqual(["BF16", "BOOL", "F16", "F32", "F64", "I16", "I32", "I64", "I8", "U8"]);
  });

  describeWithReferenceData(
    "a file of the safetensors library",
    "models/safetensors/silero_vad_16k.safetensors",
    (file) => {
      test("is read, and its tensors survive writing", () => {
        const { tensors } = readSafetensors(Uint8Array.from(readFileSync(file)));
        expect(tensors.get("conv1.weight")).toMatchObject({ dtype: "F32", shape: [128, 129, 3] });
        expect(readSafetensors(writeSafetensors(tensors)).tensors).toEqual(new Map([...tensors].sort()));
      });
    },
  );

  test("the layout, byte for byte", () => {
    const tensors = new Map([
      ["b", safeTensor("F32", [2], [1, -2])],
      ["a", safeTensor("U8", [3], [7, 8, 9])],
      ["c", safeTensor("F64", [], [0.5])],
    ]);
    const header =
      '{"__metadata__":{"format":"pt"},' +
      '"c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},' +
      '"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},' +
      '"a":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, " ");
    const expected = Buffer.concat([
      Uint8Array.of(padded.length, 0, 0, 0, 0, 0, 0, 0),
      Buffer.from(padded),
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 7, 8, 9),
    ]);
    expect(Buffer.from(writeSafetensors(tensors, { metadata: { format: "pt" } }))).toEqual(expected);
    expect(readSafetensors(writeSafetensors(new Map())).tensors.size).toBe(0);
  });
});

describe("numbers", () => {
  const whole = { BOOL: [0, 1], U8: [0, 255], I8: [-128, 127], I16: [-32768, 32767], U16: [0, 65535] };
  test.each(
    Object.entries({
      ...whole,
      I32: [-(2 ** 31), 2 ** 31 - 1],
      U32: [0, 2 ** 32 - 1],
      I64: [-(2 ** 53) + 1, 2 ** 53 - 1],
      U64: [0, 2 ** 53 - 1],
    }),
  )("%s holds its extremes and refuses the next", (dtype, [min, max]) => {
    const type = dtype as ElementTypeName;
    expect(Array.from(safeTensor(type, [2], [min!, max!]).toFloat64())).toEqual([min, max]);
    for (const bad of [min! - 1, max! + 1, 0.5, Number.NaN]) {
      expect(() => safeTensor(type, [1], [bad])).toThrow(UsageError);
    }
  });

  test("bytes are little-endian; 64-bit numbers keep their sign", () => {
    expect(Array.from(safeTensor("I16", [1], [-2]).bytes)).toEqual([0xfe, 0xff]);
    expect(Array.from(safeTensor("BF16", [2], [1, -0.5]).bytes)).toEqual([0x80, 0x3f, 0x00, 0xbf]);
    const ones = new Uint8Array(8).fill(255);
    expect(new SafeTensor("I64", [], ones).toFloat64()[0]).toBe(-1);
    expect(new SafeTensor("U64", [], ones).toFloat64()[0]).toBe(2 ** 64);
  });

  test("float32 and float64 keep their bits, at any alignment", () => {
    const values = [Math.PI, -0, 5e-324, 1e300, Number.NEGATIVE_INFINITY];
    const bytes = new Uint8Array(1 + 40);
    bytes.set(safeTensor("F64", [5], values).bytes, 1);
    expect(Array.from(new SafeTensor("F64", [5], bytes.subarray(1)).toFloat64())).toEqual(values);
    const single = safeTensor("F32", [5], values);
    expect(Array.from(single.toFloat32())).toEqual(values.map(Math.fround));
    expect(Array.from(single.toFloat64())).toEqual(values.map(Math.fround));
    expect(Array.from(safeTensor("F64", [1], [0.1]).toFloat32())).toEqual([Math.fround(0.1)]);
  });

  test("toInt32 refuses what is no whole number of 32 bits", () => {
    expect(Array.from(safeTensor("I64", [2], [-5, 2 ** 31 - 1]).toInt32())).toEqual([-5, 2 ** 31 - 1]);
    expect(() => safeTensor("I64", [2], [0, 2 ** 31]).toInt32()).toThrow(/element 1 .* 2147483648/);
    expect(() => safeTensor("F32", [1], [0.5]).toInt32()).toThrow(FailureError);
  });

  test("types without numbers say so; wrong lengths and types are refused", () => {
    expect(() => new SafeTensor("F4", [2], new Uint8Array(1)).toFloat64()).toThrow(/F4/);
    expect(() => new SafeTensor("F4", [3], new Uint8Array(2))).toThrow(UsageError);
    expect(() => new SafeTensor("F32", [3], new Uint8Array(11))).toThrow(
      "expected 12 bytes for F32 of shape [3], got 11",
    );
    expect(() => new SafeTensor("toString" as ElementTypeName, [3], new Uint8Array(11))).toThrow(UsageError);
    expect(() => safeTensor("F32", [3], [1, 2])).toThrow("2 values do not fill the shape [3]");
  });
});

describe("broken files", () => {
  const entry = (data_offsets: unknown, shape: unknown = [2, 2], dtype: unknown = "F32"): object => ({
    dtype,
    shape,
    data_offsets,
  });
  test.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(), /has 0 bytes/],
    ["header cut short", fileOf({}, 0).subarray(0, 9), /2 bytes, but 1 follow/],
    ["header of 2^64 - 1 bytes", new Uint8Array(32).fill(255), /18446744073709551615 bytes, more than the 100000000/],
    ["no header", new Uint8Array(8), /begin with \{/],
    ["list", fileOf("[]", 0), /begin with \{/],
    ["byte order mark", fileOf("\ufeff{}", 0), /begin with \{/],
    ["not UTF-8", fileOf("{}", 0).map((byte, i) => (i === 9 ? 0xff : byte)), /not UTF-8/],
    ["text behind", fileOf("{}{}", 0), /expected the end at position 2/],
    [
      "repeated name",
      fileOf(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
        0,
      ),
      /"a" appears twice/,
    ],
    ["deep", fileOf(`{"a":${"[".repeat(1000)}`, 0), /nested/],
    ["bytes left over", fileOf({ a: entry([0, 16]) }, 17), /1 bytes follow the last tensor/],
    ["no tensors but bytes", fileOf({}, 4), /4 bytes follow/],
    [
      "beyond the end",
      fileOf({ a: entry([0, 16]) }, 15),
      /tensor "a" ends at byte 16 of the data, but the file holds only 15/,
    ],
    ["overlap", fileOf({ a: entry([0, 16]), b: entry([8, 24]) }, 24), /tensor "b" starts at byte 8 and overlaps/],
    ["same bytes twice", fileOf({ a: entry([0, 16]), b: entry([0, 16]) }, 16), /overlaps/],
    ["hole at the start", fileOf({ a: entry([4, 20]) }, 20), /hole of 4 bytes/],
    [
      "wrong length",
      fileOf({ a: entry([0, 12]) }, 12),
      /F32 of shape \[2, 2\] takes 16 bytes, but the header gives it 12/,
    ],
    ["negative size", fileOf({ a: entry([0, 16], [-2, -2]) }, 16), /shape\[0\] is -2/],
    ["fractional size", fileOf({ a: entry([0, 16], [0.5, 8]) }, 16), /shape\[0\] is 0.5/],
    ["size beyond 2^53", fileOf({ a: entry([0, 16], [2 ** 53, 0]) }, 16), /9007199254740992/],
    ["half a byte", fileOf({ a: entry([0, 1], [1], "F4") }, 1), /no possible number of bytes/],
    ["three offsets", fileOf({ a: entry([0, 16, 16]) }, 16), /expected two data_offsets, got 3/],
    ["text for an offset", fileOf({ a: entry([0, "16"]) }, 16), /data_offsets\[1\] is "16"/],
    ["dtype of Object.prototype", fileOf({ a: entry([0, 16], [2, 2], "constructor") }, 16), /"constructor"/],
    ["dtype a number", fileOf({ a: entry([0, 16], [2, 2], 3) }, 16), /got 3/],
    ["no dtype", fileOf({ a: { shape: [2], data_offsets: [0, 8] } }, 8), /got none/],
    ["tensor a number", fileOf({ a: 3 }, 0), /tensor "a" is not described by an object/],
    ["unknown field", fileOf({ a: { ...entry([0, 16]), stride: 1 } }, 16), /unknown field "stride"/],
    ["metadata a list", fileOf({ __metadata__: [] }, 0), /__metadata__ is not an object/],
    ["metadata with a number", fileOf({ __metadata__: { a: 1 } }, 0), /value of "a" is not a string/],
  ])("%s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
    expect(() => readSafetensors(bytes)).toThrow(
      expect.objectContaining({ name: "FailureError", code: "bad-safetensors" }),
    );
  });

  test("a tensor without elements is allowed anywhere between the others", () => {
    const file = fileOf({ a: entry([0, 16]), b: entry([16, 16], [0, 7]), c: entry([0, 0], [0]) }, 16);
    expect([...readSafetensors(file).tensors.keys()]).toEqual(["c", "a", "b"]);
  });

  const manifest: { file: string; expect: string }[] = JSON.parse(
    readFileSync(`${golden}hostile/manifest.json`, "utf8"),
  );
  const hostile = manifest.filter(({ file }) => file.endsWith(".safetensors"));
  test("the manifest has eleven safetensors", () => expect(hostile).toHaveLength(11));
  test.each(hostile)("$file: $expect", ({ file, expect: verdict }) => {
    const load = (): unknown => readSafetensors(Uint8Array.from(readFileSync(`${golden}hostile/${file}`)));
    if (verdict === "refuse") expect(load).toThrow(expect.objectContaining({ code: "bad-safetensors" }));
    else expect(load).not.toThrow();
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test("any damage to a good file is refused with an ordinary error or read, never anything else", () => {
    const good = writeSafetensors(new Map([["weight", safeTensor("F32", [2, 3], [1, 2, 3, 4, 5, 6])]]), {
      metadata: { a: "b" },
    });
    fc.assert(
      fc.property(
        fc.nat({ max: good.length - 1 }),
        fc.nat({ max: 255 }),
        fc.nat({ max: good.length }),
        (at, byte, length) => {
          const bad = good.slice(0, Math.max(length, at + 1));
          bad[at] = byte;
          try {
            readSafetensors(bad);
          } catch (error) {
            expect(error).toMatchObject({ code: "bad-safetensors" });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

test("the writer refuses what no reader could read", () => {
  const one = safeTensor("U8", [1], [1]);
  expect(() => writeSafetensors(new Map([["__metadata__", one]]))).toThrow(UsageError);
  expect(() => writeSafetensors(new Map([["\ud800", one]]))).toThrow(/Unicode/);
  expect(() => writeSafetensors(new Map(), { metadata: { a: 1 as unknown as string } })).toThrow(/"a" is not a string/);
});

test("a Buffer of Node reads as the bytes it is, its numbers are copies of the tensor alone", () => {
  const file = Buffer.from(
    writeSafetensors(
      new Map([
        ["a", safeTensor("F32", [2], [1, 2])],
        ["b", safeTensor("F32", [3], [3, 4, 5])],
      ]),
    ),
  );
  const b = readSafetensors(file).tensors.get("b")!;
  const numbers = b.toFloat32();
  expect(numbers).toEqual(Float32Array.of(3, 4, 5));
  file.fill(0);
  expect(numbers[0]).toBe(3);
});
