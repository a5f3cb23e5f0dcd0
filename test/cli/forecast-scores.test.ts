import { expect, it } from "vitest";
import { backtestText } from "../../src/cli/forecast-scores.ts";
import type { Backtest } from "../../src/run/backtest.ts";

const out = { columns: 120, isTTY: false } as never;
const row = (name: string, ...errors: readonly number[]) => ({
  name,
  scores: Object.fromEntries(errors.map((mae, k) => [`sensor ${k}`, { mae, rmse: mae, smape: mae }])),
});
const backtest = (...rows: readonly object[]) => ({ rows, origins: 3, stride: 1 }) as unknown as Backtest;

it("says at the end of many columns on how many the model is better than every simple method", () => {
  const many = backtest(row("this model", 1, 2, 3), row("naive", 2, 1, 4), row("drift", 3, 3, 2));
  expect(backtestText(many, "the test part", out).split("\n").at(-1)).toBe(
    "The model beats every simple method on 1 of 3 columns.",
  );
  expect(backtestText(backtest(row("this model", 1), row("naive", 2)), "it", out)).not.toContain("every simple method");
  expect(backtestText(backtest(row("this model", 1, 1)), "it", out)).not.toContain("every simple method");
});
