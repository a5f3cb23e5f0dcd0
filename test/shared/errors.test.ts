import { expect, test } from "vitest";
import {
  describe,
  editDistance,
  expectInteger,
  expectOneOf,
  expectShape,
  FailureError,
  LongshortError,
  nearest,
  ShapeError,
  UsageError,
} from "../../src/shared/errors.ts";

test("errors carry a code, a name, a cause and their class", () => {
  const cause = new Error("below");
  const error = new ShapeError("shape-mismatch", "no", { cause });
  expect(error).toBeInstanceOf(UsageError);
  expect(error).toBeInstanceOf(LongshortError);
  expect(error).not.toBeInstanceOf(FailureError);
  expect(error).toMatchObject({
    name: "ShapeError",
    code: "shape-mismatch",
    message: "no",
    cause,
  });
  expect(new FailureError("x", "y")).not.toBeInstanceOf(UsageError);
});

test("errors keep their names where a bundler gives their classes others", () => {
  for (const [Kind, name] of [
    [LongshortError, "LongshortError"],
    [UsageError, "UsageError"],
    [FailureError, "FailureError"],
    [ShapeError, "ShapeError"],
  ] as const) {
    const Shortened = class e extends Kind {};
    expect(String(new Shortened("code", "why"))).toBe(`${name}: why`);
  }
});

test("expectShape names the argument and both shapes", () => {
  expectShape("input", [4, 6, 5], ["B", "T", 5]);
  expectShape("input", [], []);
  expect(() => expectShape("input", [4, 6, 7], ["B", "T", 5])).toThrow(
    "input: expected shape [B, T, 5], got [4, 6, 7]",
  );
  expect(() => expectShape("input", [4, 6], [4, 6, 5])).toThrow("got [4, 6]");
  expect(() => expectShape("w", [2, 3], ["H", "H"])).toThrow("[H, H]");
  expect(() => expectShape("w", [2, 3], [3, 2])).toThrow(/transposed/);
});

test("expectInteger", () => {
  expect(expectInteger("hiddenSize", 3, { min: 1 })).toBe(3);
  expect(() => expectInteger("hiddenSize", 0, { min: 1 })).toThrow(
    "hiddenSize: expected a whole number of at least 1, got 0",
  );
  expect(() => expectInteger("k", 9, { min: 1, max: 4 })).toThrow("from 1 to 4, got 9");
  expect(() => expectInteger("k", 9, { max: 4 })).toThrow("of at most 4");
  expect(() => expectInteger("k", "3")).toThrow('got the string "3"');
  for (const bad of [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53, null]) {
    expect(() => expectInteger("k", bad)).toThrow(UsageError);
  }
});

test("expectOneOf suggests the nearest name", () => {
  const cells = ["lstm", "gru", "elman"] as const;
  expect(expectOneOf("cell", "gru", cells)).toBe("gru");
  expect(() => expectOneOf("cell", "LSTN", cells)).toThrow(
    'cell: expected one of "lstm", "gru", "elman", got the string "LSTN"; did you mean "lstm"?',
  );
  expect(() => expectOneOf("cell", "transformer", cells)).not.toThrow(/did you mean/);
  expect(() => expectOneOf("cell", 3, cells)).toThrow(/got 3$/);
  expect(nearest("ADAM", ["adam", "adamw"])).toBe("adam");
});

test("editDistance", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("abc", "")).toBe(3);
});

test("describe", () => {
  expect(describe(null)).toBe("null");
  expect(describe(undefined)).toBe("nothing");
  expect(describe(1.5)).toBe("1.5");
  expect(describe([1, 2])).toBe("an array of 2");
  expect(describe(new Float32Array(3))).toBe("a Float32Array of 3");
  expect(describe(new Uint8Array(3))).toBe("a Uint8Array of 3");
  expect(describe({ a: 1 })).toBe("an object with the properties a");
  expect(describe(Object.create(null))).toBe("an object with no properties");
  expect(describe(new Error("x"))).toBe("an Error");
  expect(describe("x".repeat(100)).length).toBeLessThan(90);
  expect(describe(3n)).toBe("the bigint 3n");
});
