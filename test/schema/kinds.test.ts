import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentSchema } from "../../src/cli/config-schema.ts";
import { checkOptions, checkValue } from "../../src/schema/check.ts";
import {
  choice,
  defaultsOf,
  type Field,
  fractionOrFile,
  integer,
  number,
  numbers,
  onOff,
  paths,
  text,
} from "../../src/schema/fields.ts";
import { accepts, expectation, read } from "../../src/schema/kinds.ts";

const about = { about: "a thing" };
const fields: Readonly<Record<string, Field>> = {
  plain: integer(about),
  count: integer({ ...about, min: 1 }),
  layers: integer({ ...about, min: 1, max: 3 }),
  rate: number({ ...about, above: 0 }),
  share: number({ ...about, min: 0, below: 1 }),
  probability: number({ ...about, above: 0, max: 1 }),
  most: number({ ...about, max: 2 }),
  cell: choice(["rnn", "lstm"], about),
  prompt: text(about),
  tied: onOff(about),
  files: paths(about),
  part: fractionOrFile(about),
  any: number(about),
  levels: numbers({ ...about, above: 0, below: 1 }),
};

describe("a kind", () => {
  it.each([
    ["plain", [0, -3], [0.5, "1", null, Number.NaN], "a whole number"],
    ["count", [1, 1e6], [0, 1.5, 2 ** 60], "a whole number of at least 1"],
    ["layers", [1, 3], [0, 4], "a whole number from 1 to 3"],
    ["rate", [1e-9, 7], [0, -1, Number.POSITIVE_INFINITY], "a number above 0"],
    ["share", [0, 0.99], [1, -0.1], "a number from 0 to below 1"],
    ["probability", [0.1, 1], [0, 1.1], "a number above 0 and at most 1"],
    ["most", [-5, 2], [2.1], "a number of at most 2"],
    ["cell", ["rnn"], ["gru", 1], "one of rnn, lstm"],
    ["prompt", [""], [1], "a text"],
    ["tied", [true, false], ["true", 1], "true or false"],
    ["files", [["a"]], [[], "a", [1]], "a list, each element a path"],
    ["part", [0, "x.txt"], [1, true], "a number from 0 to below 1, or the path of a file (./1 if it is called 1)"],
    ["any", [-1e300, 0.5], [Number.POSITIVE_INFINITY, "1"], "a number"],
    [
      "levels",
      [[0.1, 0.9]],
      [
        [0.1, 1],
        [0.1, "x"],
      ],
      "a list, each element a number above 0 and below 1",
    ],
  ])("%s", (name, good, bad, words) => {
    const { kind } = fields[name]!;
    expect(good.filter((value) => !accepts(kind, value))).toEqual([]);
    expect(bad.filter((value) => accepts(kind, value))).toEqual([]);
    expect(expectation(kind)).toBe(words);
  });

  it("reads words: numbers as numbers, and what is none stays a word", () => {
    const words = ["12", "2e-3", "-1", "10_000", "0x10", "", "many"];
    expect(words.map((word) => read(fields.rate!.kind, word))).toEqual([12, 0.002, -1, "10_000", "0x10", "", "many"]);
    expect(["0.5", "a.txt"].map((word) => read(fields.part!.kind, word))).toEqual([0.5, "a.txt"]);
    expect(read(fields.files!.kind, "a")).toEqual(["a"]);
    expect([" 5", "1"].map((word) => read(fields.part!.kind, word))).toEqual([5, 1]);
  });

  it("means the same in a config file as for a flag and a function", () => {
    const schema = documentSchema(fields);
    const value = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.boolean(),
      fc.constantFrom("rnn", 0, 1, null),
      fc.array(fc.string()),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(fields)), value, (name, one) => {
        expect(schema.safeParse({ [name]: one }).success).toBe(accepts(fields[name]!.kind, one));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("checks", () => {
  it("say where, what was expected and what came", () => {
    expect(() => checkValue("--rate", fields.rate!, "fast")).toThrow('--rate: expected a number above 0, got "fast"');
    expect(() => checkValue("cell", fields.cell!, "lstn")).toThrow(
      'cell: expected one of rnn, lstm, got "lstn"; did you mean lstm?',
    );
    for (const [name, value, code] of [
      ["count", 1.5, "not-an-integer"],
      ["count", 0, "out-of-range"],
      ["share", 1, "out-of-range"],
      ["cell", "x", "unknown-choice"],
      ["tied", 1, "bad-option"],
    ] as const)
      expect(() => checkValue(name, fields[name]!, value)).toThrow(expect.objectContaining({ code }));
  });

  it("refuse a name that a function does not know, with the nearest", () => {
    const known = { rate: fields.rate!, model: "required" } as const;
    expect(() => checkOptions("train", { rate: 1, model: { parts: {} } }, known)).not.toThrow();
    expect(() => checkOptions("train", { rate: undefined, model: { parts: {} } }, known)).not.toThrow();
    expect(() => checkOptions("train", { rat: 1 } as object, known as object)).toThrow(
      'train: there is no option "rat"; did you mean rate?',
    );
    expect(() => checkOptions("train", { toString: 1 } as object, known as object)).toThrow("known are rate, model");
    expect(() => checkOptions("train", { rate: 0, model: { parts: {} } }, known)).toThrow(
      "rate: expected a number above 0, got 0",
    );
  });

  it("take a choice by the name that it had before, but offer it by the one of now", () => {
    const { kind } = choice(["max", "mean"], { ...about, formerNames: { maximum: "max" } });
    expect(["maximum", "max", "toString"].map((word) => read(kind, word))).toEqual(["max", "max", "toString"]);
    expect(() => checkValue("--pooling", { kind }, "sum")).toThrow("expected one of max, mean, got");
  });

  it("defaults are those of the fields that have one", () =>
    expect(defaultsOf({ a: integer({ ...about, default: 3 }), b: integer(about), c: onOff(about) })).toEqual({
      a: 3,
      c: false,
    }));
});
