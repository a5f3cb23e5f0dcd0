import { describe, expect, test } from "vitest";
import { readArrays, writeArrays } from "../../src/formats/named-arrays.ts";

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe("named arrays as JSON", () => {
  test("nested lists have the shape of their lengths, without a number too", async () => {
    const read = await readArrays(
      json({
        number: 3,
        none: [],
        rows: [[], []],
        cube: [
          [[1], [2]],
          [[3], [4]],
        ],
      }),
    );
    const found = Object.entries(read).map(([name, { shape, data }]) => [name, shape, [...data]]);
    expect(found).toEqual([
      ["number", [], [3]],
      ["none", [0], []],
      ["rows", [2, 0], []],
      ["cube", [2, 2, 1], [1, 2, 3, 4]],
    ]);
  });

  test.each([
    ["whose lengths add up to those of equal rows", [[1, 2], [3], [4, 5, 6]]],
    ["one deeper than another", [[1], [[2]]]],
    ["beside a number", [1, [2]]],
    ["without a number beside one that has some", [[], [1]]],
    ["of something else", [["1"]]],
  ])("rows %s are refused", async (_, value) => {
    await expect(readArrays(json({ value }))).rejects.toMatchObject({ code: "bad-arrays" });
  });

  test("numbers that JSON lacks are refused, not written as null", async () => {
    const array = (...data: number[]) => ({ type: "float32" as const, shape: [2], data: Float64Array.from(data) });
    const bytes = writeArrays("a.json", { a: array(1, -0.5) });
    expect((await readArrays(bytes)).a).toEqual(array(1, -0.5));
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => writeArrays("a.json", { a: array(1, wrong) })).toThrow(
        expect.objectContaining({ code: "bad-arrays", message: expect.stringContaining('element 1 of "a"') }),
      );
    expect((await readArrays(writeArrays("a.npz", { a: array(1, Number.NaN) }))).a!.data[1]).toBeNaN();
  });
});
