import { expect, test } from "vitest";
import { type MessageSpec, many, one, readMessage } from "../../src/formats/protobuf.ts";
import { changeMessage, writeMessage } from "../../src/formats/protobuf-write.ts";

const inner: MessageSpec = { name: one(1, "string") };
const spec: MessageSpec = {
  ...{ int: one(1, "int"), fixed: one(6, "fixed32"), float: one(2, "float"), double: one(3, "double") },
  ...{ text: one(4, "string"), bytes: one(5, "bytes"), part: one(7, () => inner) },
  ...{ ints: many(8, "int"), fixeds: many(9, "fixed32"), floats: many(10, "float"), doubles: many(11, "double") },
};

test("what is written is read again, of every kind", () => {
  const message = {
    ...{ int: -3, fixed: 0xfedcba98, float: 0.5, double: 1e300, text: "门", bytes: Uint8Array.of(0, 255) },
    ...{ part: { name: "c" }, ints: [0, 300], fixeds: [1, 2 ** 32 - 1], floats: [-1.5], doubles: [0.1] },
  };
  expect(readMessage(writeMessage(message, spec), spec)).toEqual(message);
});

test("whole numbers beyond 2^53 are rounded, whatever stands before them; a list for a single number is damage", () => {
  const huge = [...writeMessage({ int: 2 ** 60 }, spec)];
  expect(readMessage(Uint8Array.from([...writeMessage({ fixed: 1 }, spec), ...huge]), spec)).toMatchObject({
    int: 2 ** 60,
  });
  for (const [field, width] of [
    [2, 4],
    [3, 8],
    [6, 4],
  ] as const)
    expect(() => readMessage(Uint8Array.from([field * 8 + 2, width, ...new Uint8Array(width)]), spec)).toThrow(
      /coded as/,
    );
});

test("a fixed number of 32 bits is its field, its coding and four bytes, the lowest first", () => {
  expect([...writeMessage({ fixed: 0x01020304 }, spec)]).toEqual([6 * 8 + 5, 4, 3, 2, 1]);
});

test("what is changed leaves every other byte where it was: numbers beyond 2^53, fields that no table knows, whatever their coding", () => {
  const known: MessageSpec = { text: one(4, "string"), parts: many(7, () => inner) };
  // 2^53 + 1 and -1, a fixed number of 64 bits, one of 32, bytes: none of them in the table.
  const unknown = [
    ...[8, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
    ...[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ...[25, 1, 2, 3, 4, 5, 6, 7, 8, 53, 1, 2, 3, 4, 42, 2, 0, 255],
  ];
  const parts = ["a", "b"].map((name) => [...writeMessage({ parts: [{ name }] }, known)]);
  const bytes = Uint8Array.from([...parts[0]!, ...unknown, ...parts[1]!]);
  expect(changeMessage(bytes, known, { parts: (part) => part })).toEqual(bytes);
  const changed = changeMessage(bytes, known, {
    parts: (part, k) => (k === 1 ? writeMessage({ name: "longer" }, inner) : part),
  });
  expect([...changed]).toEqual([...parts[0]!, ...unknown, ...writeMessage({ parts: [{ name: "longer" }] }, known)]);
  expect(() => changeMessage(bytes.subarray(0, bytes.length - 1), known, {})).toThrow(/damaged/);
});
