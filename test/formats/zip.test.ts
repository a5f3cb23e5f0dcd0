import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesSource } from "../../src/formats/byte-source.ts";
import { crc32 } from "../../src/formats/crc32.ts";
import { inflate } from "../../src/formats/inflate.ts";
import { openZip } from "../../src/formats/zip.ts";
import { sizesOf } from "../../src/formats/zip-directory.ts";
import { writeZip } from "../../src/formats/zip-write.ts";
import { deflatedZip } from "./deflated-zip.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const open = (bytes: Uint8Array) => openZip(bytesSource(bytes));
const refused = (why: RegExp) => ({ code: "bad-zip", message: expect.stringMatching(why) });

/** Bytes that compress: runs and repeats between random ones. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 400 })), { maxLength: 8 })
  .map((parts) =>
    Uint8Array.from(parts.flatMap(([piece, times]) => Array.from({ length: times }, () => [...piece]).flat())),
  );

describe("inflate", () => {
  test("unpacks what zlib packs, at every level and strategy", () => {
    fc.assert(
      fc.property(content, fc.nat({ max: 9 }), fc.constantFrom(0, 1, 2, 3, 4), (bytes, level, strategy) => {
        const packed = deflateRawSync(bytes, { level, strategy });
        const result = inflate(packed, bytes.length);
        expect(Buffer.compare(result.bytes, bytes)).toBe(0);
        expect(result.used).toBe(packed.length);
      }),
      { numRuns: 80 },
    );
  });

  test("never makes more than was declared, and notices less", () => {
    const packed = deflateRawSync(new Uint8Array(100_000));
    expect(() => inflate(packed, 99_999)).toThrow(/more than the 99999 bytes/);
    expect(() => inflate(packed, 100_001)).toThrow(/100000 bytes, but 100001/);
    expect(() => inflate(packed.subarray(0, -2), 100_000)).toThrow(/cut short/);
  });

  test.each<[string, number[], RegExp]>([
    ["nothing", [], /cut short/],
    ["the reserved kind of block", [0x07], /reserved/],
    ["a stored block whose lengths differ", [0x01, 1, 0, 0, 0], /two lengths/],
    ["a distance before the beginning", [0x4b, 0x04, 0x62, 0x00], /before its beginning|cut short/],
  ])("refuses %s", (_, bytes, why) => {
    expect(() => inflate(Uint8Array.from(bytes), 10)).toThrow(why);
  });
});

test("crc32 is the one of zip, in one piece or several", () => {
  const bytes = text("123456789");
  expect(crc32(bytes)).toBe(0xcbf43926);
  expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
});

describe("zip64 fields", () => {
  const full = 0xffffffff;
  const field = (...numbers: bigint[]): Uint8Array =>
    Uint8Array.from([1, 0, 8 * numbers.length, 0, ...new Uint8Array(BigUint64Array.from(numbers).buffer)]);

  test("hold, in order, the numbers that do not fit", () => {
    const declared = { size: full, packedSize: 7, headerOffset: full };
    expect(sizesOf(declared, field(2n ** 33n, 2n ** 34n), "x")).toMatchObject({
      size: 2 ** 33,
      packedSize: 7,
      headerOffset: 2 ** 34,
    });
    expect(() => sizesOf(declared, field(1n), "x")).toThrow(/cut short/);
    const twice = Uint8Array.from([...field(1n, 2n), ...field(1n, 2n)]);
    expect(() => sizesOf(declared, twice, "x")).toThrow(/two Zip64 fields/);
    const disk = { size: full, packedSize: 7, disk: 0xffff };
    const withDisk = Uint8Array.from([1, 0, 12, 0, ...new Uint8Array(8), 3, 0, 0, 0]);
    expect(sizesOf(disk, withDisk, "x")).toMatchObject({ size: 0, disk: 3 });
    expect(() => sizesOf(declared, field(1n, 2n ** 60n), "x")).toThrow(/1152921504606846976/);
    expect(() => sizesOf(declared, field(1n, 2n).subarray(0, 10), "x")).toThrow(/cut short/);
  });
});

describe("zip", () => {
  const files = new Map([
    ["a/b.txt", text("hello hello hello hello")],
    ["c", new Uint8Array(1000)],
    ["größe", new Uint8Array(0)],
  ]);

  test.each([
    ["stored", writeZip(files)],
    ["stored, aligned", writeZip(files, { align: 64 })],
    ["deflated", deflatedZip(files)],
    ["deflated, sizes behind the data", deflatedZip(files, { descriptor: true })],
  ])("%s: every file is read whole and in parts", async (_, bytes) => {
    const zip = await open(bytes);
    expect([...zip.entries.keys()]).toEqual([...files.keys()]);
    for (const [name, expected] of files) {
      expect(await zip.read(name)).toEqual(expected);
      const source = await zip.open(name);
      expect(await source.read(source.size >> 1, source.size >> 2)).toEqual(
        expected.subarray(expected.length >> 1, (expected.length >> 1) + (expected.length >> 2)),
      );
    }
    await expect(zip.read("a/b.tx")).rejects.toMatchObject({
      code: "no-such-entry",
      message: expect.stringContaining("did you mean"),
    });
  });

  test("an archive whose end is of Zip64 is read, whichever of its two ends has the numbers", async () => {
    const plain = writeZip(files);
    const end = plain.length - 22;
    const own = new DataView(plain.buffer, end);
    const [count, size, offset] = [own.getUint16(10, true), own.getUint32(12, true), own.getUint32(16, true)];
    const made = (wide: { count: number; offset: number; length: number }, full: boolean): Uint8Array => {
      const bytes = new Uint8Array(end + 56 + 20 + 22);
      bytes.set(plain.subarray(0, end));
      bytes.set(plain.subarray(end), end + 76);
      const view = new DataView(bytes.buffer, end);
      view.setUint32(0, 0x06064b50, true);
      view.setBigUint64(4, BigInt(wide.length), true);
      for (const [at, value] of [wide.count, wide.count, size, wide.offset].entries())
        view.setBigUint64(24 + 8 * at, BigInt(value), true);
      view.setUint32(56, 0x07064b50, true);
      view.setBigUint64(64, BigInt(end), true);
      view.setUint32(72, 1, true);
      if (full) bytes.fill(255, end + 76 + 8, end + 76 + 20);
      return bytes;
    };
    for (const full of [false, true])
      expect([...(await open(made({ count, offset, length: 44 }, full))).entries.keys()]).toEqual([...files.keys()]);
    for (const wrong of [{ count: count + 1 }, { offset: offset - 1 }, { length: 45 }])
      for (const full of [false, true])
        await expect(open(made({ count, offset, length: 44, ...wrong }, full))).rejects.toMatchObject({
          code: "bad-zip",
        });
  });

  test("aligned content begins at a multiple", () => {
    const bytes = writeZip(new Map([["x", text("needle")]]), { align: 64 });
    expect(Buffer.from(bytes).indexOf("needle") % 64).toBe(0);
  });

  /** Changes bytes at every place where `find` stands, counted from the match. */
  function changed(bytes: Uint8Array, find: number[], at: number, value: number[], which = 0): Uint8Array {
    const result = Buffer.from(bytes);
    let place = -1;
    for (let i = 0; i <= which; i++) place = result.indexOf(Buffer.from(find), place + 1);
    expect(place).toBeGreaterThanOrEqual(0);
    result.set(value, place + at);
    return Uint8Array.from(result);
  }
  const LOCAL = [0x50, 0x4b, 3, 4];
  const CENTRAL = [0x50, 0x4b, 1, 2];
  const END = [0x50, 0x4b, 5, 6];

  test.each<[string, Uint8Array, RegExp]>([
    ["cut short", writeZip(files).slice(0, -1), /end of its directory was not found/],
    ["bytes behind the end", Uint8Array.from([...writeZip(files), 0]), /end of its directory was not found/],
    ["bytes before the beginning", Uint8Array.from([0, ...writeZip(files)]), /does not lie where/],
    [
      "a wrong number of entries",
      changed(changed(writeZip(files), END, 8, [9]), END, 10, [9]),
      /9 entries are declared/,
    ],
    ["encrypted", changed(writeZip(files), CENTRAL, 8, [1]), /encrypted/],
    ["another method", changed(writeZip(files), CENTRAL, 10, [12]), /method 12/],
    ["overlapping entries", changed(writeZip(files), CENTRAL, 42, [0, 0, 0, 0], 1), /overlaps/],
    ["a path out of it", writeZip(new Map([["../x", text("")]])), /no plain path/],
    ["an absolute path", writeZip(new Map([["/etc/x", text("")]])), /no plain path/],
    ["a name with NUL", writeZip(new Map([["a\0b", text("")]])), /no plain path/],
    ["a size no deflate reaches", deflatedZip(new Map([["x", text("x")]]), { declared: 100_000 }), /larger than/],
    ["a bomb", deflatedZip(new Map([["x", new Uint8Array(300 << 20)]])), /more than the limit of 256 MiB/],
  ])("%s is refused on opening", async (_, bytes, why) => {
    await expect(open(bytes)).rejects.toMatchObject(refused(why));
  });

  test("two entries of one name are refused", async () => {
    const bytes = writeZip(
      new Map([
        ["aa", text("1")],
        ["ab", text("2")],
      ]),
    );
    const twice = Uint8Array.from(Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll("ab", "aa"), "latin1"));
    await expect(open(twice)).rejects.toMatchObject(refused(/two entries/));
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["another name", changed(writeZip(files), LOCAL, 30, [0x7a]), /its name/],
    ["another checksum", changed(writeZip(files), LOCAL, 14, [1]), /its checksum/],
    ["another size", changed(writeZip(files), LOCAL, 22, [1]), /its size/],
    ["another method", changed(writeZip(files), LOCAL, 8, [8]), /how it is packed/],
    ["changed content", changed(writeZip(files), [...text("hello")], 0, [0x48]), /CRC-32/],
    [
      "changed packed content",
      changed(deflatedZip(files), [...text("a/b.txt")], 8, [0x55, 0xaa]),
      /damaged|CRC-32|declared/,
    ],
  ])("a local header with %s is refused on reading", async (_, bytes, why) => {
    const zip = await open(bytes);
    await expect(zip.read("a/b.txt")).rejects.toMatchObject(refused(why));
  });
});
