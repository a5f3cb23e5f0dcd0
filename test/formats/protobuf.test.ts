import { expect, test } from "vitest";
import { type MessageSpec, many, one, readMessage } from "../../src/formats/protobuf.ts";
import { writeMessage } from "../../src/formats/protobuf-write.ts";

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

test("a fixed number of 32 bits is its field, its coding and four bytes, the lowest first", () => {
  expect([...writeMessage({ fixed: 0x01020304 }, spec)]).toEqual([6 * 8 + 5, 4, 3, 2, 1]);
});

test("the ends of 64 bits stay where they are: a Slice to the end is one still", () => {
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  const ends = { ints: [least, most].map(Number) };
  const written = writeMessage(ends, spec);
  // Ten bytes for the least, nine for the most: only negative numbers have a tenth.
  expect(written.length).toBe(2 + 10 + 9);
  expect(readMessage(written, spec)).toMatchObject(ends);
});
