import { expect, test } from "vitest";
import { spanScores } from "../../src/run/span-scores.ts";

const rows = (...lines: string[]): string[][] => lines.map((line) => line.split(" "));

test("counts whole spans: right label, first and last token", () => {
  const truth = rows("B-PER I-PER O B-LOC O B-LOC", "O B-ORG");
  const found = rows("B-PER I-PER O B-LOC I-LOC B-PER", "O O");
  const scores = spanScores(truth, found);
  // By hand: 4 there, 3 predicted, 1 right.
  expect(scores).toMatchObject({ expected: 4, predicted: 3, correct: 1, precision: 1 / 3, recall: 1 / 4, f1: 2 / 7 });
  expect(
    scores.byLabel.map(({ label, expected: there, predicted, correct: right }) => [label, there, predicted, right]),
  ).toEqual([
    ["LOC", 2, 1, 0],
    ["ORG", 1, 0, 0],
    ["PER", 1, 2, 1],
  ]);
});

test("an I- without a beginning is a span, as conlleval has it", () => {
  expect(spanScores(rows("B-A I-A O"), rows("I-A I-A O")).f1).toBe(1);
  expect(spanScores(rows("B-A I-A I-B"), rows("B-A I-A B-B")).f1).toBe(1);
  expect(spanScores(rows("B-A B-A"), rows("B-A I-A")).correct).toBe(0);
});

test("spans do not reach over sentences, and nothing at all is 0", () => {
  expect(spanScores(rows("B-A", "I-A"), rows("B-A", "B-A"))).toMatchObject({ expected: 2, correct: 2 });
  expect(spanScores(rows("O"), rows("O"))).toMatchObject({ f1: 0, precision: 0, recall: 0, byLabel: [] });
});

test("as many predicted as there are", () => {
  expect(() => spanScores(rows("O", "O"), rows("O"))).toThrow("expected sentences, 2 of them, got 1");
  expect(() => spanScores(rows("O O"), rows("O"))).toThrow("predicted[0]: expected tags, 2 of them, got 1");
});
