import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type Span, schemeOf, schemeRules, spansOf, TAG_SCHEMES, tagsOf } from "../../src/shared/tag-schemes.ts";

const tags = (text: string): string[] => text.split(" ");
const shown = (spans: readonly Span[]): string =>
  spans.map(({ label, start, end }) => `${label}${start}-${end}`).join();

test.each([
  ["O O", ""],
  ["B-PER I-PER O B-LOC", "PER0-2,LOC3-4"],
  // What conlleval makes of tags that no scheme would write.
  ["I-PER I-PER O I-LOC", "PER0-2,LOC3-4"],
  ["O I-PER B-PER I-PER", "PER1-2,PER2-4"],
  ["B-PER I-LOC", "PER0-1,LOC1-2"],
  ["B-PER B-PER", "PER0-1,PER1-2"],
  ["I-PER O I-PER", "PER0-1,PER2-3"],
  ["S-PER I-PER", "PER0-1,PER1-2"],
  ["B-PER E-PER E-PER", "PER0-2,PER2-3"],
  ["B-PER M-PER E-PER S-PER", "PER0-3,PER3-4"],
  ["B-PER I-PER L-PER U-PER", "PER0-3,PER3-4"],
  // A label may hold what separates it.
  ["B-a-b I-a-b I-a", "a-b0-2,a2-3"],
  ["NN B-X", "X1-2"],
])("spans of %s", (text, expected) => expect(shown(spansOf(tags(text)))).toBe(expected));

test.each([
  ["iob1", "I-A B-A I-A I-B O I-A"],
  ["iob2", "B-A B-A I-A B-B O B-A"],
  ["bioes", "S-A B-A E-A S-B O S-A"],
  ["bmes", "S-A B-A E-A S-B O S-A"],
  ["bilou", "U-A B-A L-A U-B O U-A"],
] as const)("the same spans written as %s", (scheme, text) => {
  const spans = spansOf(tags(text));
  expect(shown(spans)).toBe("A0-1,A1-3,B3-4,A5-6");
  expect(tagsOf(spans, 6, scheme)).toEqual(tags(text));
});

const sentence = fc.array(fc.tuple(fc.constantFrom("O", "A", "B"), fc.integer({ min: 1, max: 4 })), { maxLength: 6 });
const spansFrom = (runs: readonly (readonly [string, number])[]) => {
  let at = 0;
  const spans: Span[] = [];
  for (const [label, length] of runs) {
    if (label !== "O") spans.push({ label, start: at, end: at + length });
    at += length;
  }
  return { spans, length: at };
};

describe.each(TAG_SCHEMES)("%s", (scheme) => {
  it("gives back the spans that it writes, and keeps to its own rules", () =>
    fc.assert(
      fc.property(sentence, (runs) => {
        const { spans, length } = spansFrom(runs);
        const written = tagsOf(spans, length, scheme);
        expect(spansOf(written)).toEqual(spans);
        const rules = schemeRules(scheme);
        if (length === 0) return;
        expect(rules.start(written[0]!)).toBe(true);
        expect(rules.end(written.at(-1)!)).toBe(true);
        for (let t = 1; t < length; t++) expect(rules.follow(written[t - 1]!, written[t]!)).toBe(true);
      }),
    ));
});

it("rules forbid what breaks spans", () => {
  const bioes = schemeRules("bioes");
  expect(["I-A", "E-A"].map(bioes.start)).toEqual([false, false]);
  expect(["B-A", "I-A"].map(bioes.end)).toEqual([false, false]);
  const pairs = ["B-A O", "B-A I-B", "E-A I-A", "S-A E-A", "O E-A", "I-A S-A", "B-A B-A"];
  expect(pairs.filter((pair) => bioes.follow(...(tags(pair) as [string, string])))).toEqual([]);
  const iob2 = schemeRules("iob2");
  expect([iob2.start("I-A"), iob2.follow("O", "I-A"), iob2.follow("B-B", "I-A")]).toEqual([false, false, false]);
  expect([iob2.follow("B-A", "O"), iob2.follow("I-A", "B-A"), iob2.end("I-A")]).toEqual([true, true, true]);
});

test.each([
  ["iob1", "I-A B-A O"],
  ["iob2", "B-A I-A O"],
  // A few that are inconsistent decide nothing.
  ["iob2", "B-A O B-A O I-A"],
  ["bmes", "B-A M-A E-A"],
  ["bioes", "O S-A"],
  ["bilou", "U-A"],
  [undefined, "NOUN VERB"],
  [undefined, "O O"],
  [undefined, "B-A NOUN"],
])("%s is the scheme of %s", (scheme, text) => expect(schemeOf([tags(text)])).toBe(scheme));
