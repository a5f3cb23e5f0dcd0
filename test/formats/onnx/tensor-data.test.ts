import { expect, test } from "vitest";
import type { DataType } from "../../../src/formats/data-type.ts";
import { tensorSpec } from "../../../src/formats/onnx/messages.ts";
import { decodeTensor, encodeTensor } from "../../../src/formats/onnx/tensor-data.ts";
import { readMessage } from "../../../src/formats/protobuf.ts";
import { writeMessage } from "../../../src/formats/protobuf-write.ts";

/*
 * TensorProto of onnx.proto: the number of each type, and the list that holds its elements where they are not raw bytes; those of 16 bits
 * with a fraction as patterns of bits.
 */
const types: readonly [
  type: DataType,
  code: number,
  list: keyof typeof tensorSpec,
  stored: number[],
  meant: number[],
][] = [
  ["float32", 1, "floatData", [0.5, -3], [0.5, -3]],
  ["uint8", 2, "int32Data", [0, 255], [0, 255]],
  ["int8", 3, "int32Data", [-128, 127], [-128, 127]],
  ["uint16", 4, "int32Data", [0, 65535], [0, 65535]],
  ["int16", 5, "int32Data", [-32768, 32767], [-32768, 32767]],
  ["int32", 6, "int32Data", [-(2 ** 31), 2 ** 31 - 1], [-(2 ** 31), 2 ** 31 - 1]],
  ["int64", 7, "int64Data", [-(2 ** 53 - 1), 7], [-(2 ** 53 - 1), 7]],
  ["bool", 9, "int32Data", [0, 1], [0, 1]],
  ["float16", 10, "int32Data", [0x3c00, 0x8001, 0x7bff, 0xfc00], [1, -(2 ** -24), 65504, -Infinity]],
  ["float64", 11, "doubleData", [0.1, 1e300], [0.1, 1e300]],
  ["uint32", 12, "uint64Data", [0, 2 ** 32 - 1], [0, 2 ** 32 - 1]],
  ["uint64", 13, "uint64Data", [2 ** 53 - 1, 0], [2 ** 53 - 1, 0]],
  ["bfloat16", 16, "int32Data", [0x3f80, 0x0001, 0xff80], [1, 2 ** -133, -Infinity]],
];

const decoded = (message: Readonly<Record<string, unknown>>) =>
  decodeTensor(readMessage(writeMessage(message, tensorSpec), tensorSpec));

test.each(types)("%s is type %d of ONNX, in %s or as raw bytes", (type, code, list, stored, meant) => {
  const dims = [meant.length];
  const expected = { name: "t", type, shape: dims };
  const fromList = decoded({ name: "t", dims, dataType: code, [list]: stored });
  expect(fromList).toMatchObject(expected);
  expect([...fromList.data]).toEqual(meant);
  const raw = encodeTensor("t", type, dims, meant);
  expect(raw.dataType).toBe(code);
  const fromRaw = decoded({ ...raw });
  expect(fromRaw).toMatchObject(expected);
  expect([...fromRaw.data]).toEqual(meant);
});

test("the largest numbers of 64 bits are rounded, not negative; there may be no element, but no axis below 0", () => {
  expect([...decoded({ dims: [1], dataType: 13, uint64Data: [-1] }).data]).toEqual([2 ** 64]);
  expect(decoded({ dims: [0, 3], dataType: 1 })).toMatchObject({ shape: [0, 3], data: new Float32Array() });
  expect(() => decoded({ dims: [-1, -1], dataType: 1, floatData: [1] })).toThrow(/its shape is/);
});
