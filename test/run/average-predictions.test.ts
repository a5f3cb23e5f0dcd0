import { expect, test } from "vitest";
import { averagePredictions } from "../../src/run/average-predictions.ts";
import type { ClassPrediction } from "../../src/run/classifier.ts";

const said = (logProbabilities: Record<string, number>): ClassPrediction => ({
  label: "",
  probabilities: {},
  logProbabilities,
});
const ofProbabilities = (p: Record<string, number>): ClassPrediction =>
  said(Object.fromEntries(Object.entries(p).map(([name, value]) => [name, Math.log(value)])));

test("the mean of probabilities decides, not a majority; classes are matched by their names", () => {
  const [sure, unsure, third] = [
    { a: 0.9, b: 0.1 },
    { b: 0.6, a: 0.4 },
    { b: 0.6, a: 0.4 },
  ].map(ofProbabilities);
  const [one] = averagePredictions([[sure!], [unsure!], [third!]]);
  expect(one!.label).toBe("a");
  expect(one!.probabilities.a).toBeCloseTo(1.7 / 3, 12);
  expect(one!.probabilities.b).toBeCloseTo(1.3 / 3, 12);
  expect(one!.logProbabilities.b).toBeCloseTo(Math.log(1.3 / 3), 12);
});

test("one classifier says what it said; probabilities below those of float64 keep their logarithms", () => {
  const [one] = averagePredictions([[said({ a: -1e-300, b: -2000 })], [said({ a: -1e-300, b: -2000 })]]);
  expect(one).toEqual({ label: "a", probabilities: { a: 1, b: 0 }, logProbabilities: { a: -1e-300, b: -2000 } });
});

test("a class that all think impossible stays so", () => {
  const [one] = averagePredictions([[said({ a: 0, b: -Infinity })], [said({ a: 0, b: -Infinity })]]);
  expect(one).toEqual({ label: "a", probabilities: { a: 1, b: 0 }, logProbabilities: { a: 0, b: -Infinity } });
});

test("refuses nothing, other inputs and other classes", () => {
  const [ab, ac] = [ofProbabilities({ a: 0.5, b: 0.5 }), ofProbabilities({ a: 0.5, c: 0.5 })];
  expect(() => averagePredictions([])).toThrow(/at least one classifier/);
  expect(() => averagePredictions(ab as never)).toThrow(/expected a list with the predictions/);
  expect(() => averagePredictions([[ab], [ab, ab]])).toThrow(/got 1 of one classifier and 2 of another/);
  expect(() => averagePredictions([[ab], [ac]])).toThrow(/same classes, got a, b and a, c/);
});
