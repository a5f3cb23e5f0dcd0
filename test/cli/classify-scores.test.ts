import { expect, it } from "vitest";
import { confusionTable, scoreTable } from "../../src/cli/classify-scores.ts";
import { displayWidth } from "../../src/explain/display-width.ts";
import { classificationScores } from "../../src/run/classification-scores.ts";

const names = ["好评很好真的很好", "差评很差真的很差", "😀".repeat(9), "plain"];
const scores = classificationScores(
  [0, 1, 2, 3, 0].map((k) => names[k]!),
  [0, 1, 2, 3, 1].map((k) => names[k]!),
  names,
);

it("a table of classes is as wide as a terminal draws it, and cuts no character in two", () => {
  const wide = confusionTable(scores, { columns: 120, isTTY: true } as never);
  const [head] = wide.split("\n");
  expect(head).toContain("好评很…  差评很…  😀😀😀…  plain");
  const rows = wide.split("\n");
  expect(rows.at(-1)).toMatch(/^plain +· +· +· +1 +100 % +100 % +100 %$/);
  // As wide as it takes, it stays; with a column less, what a class is taken for stands in one column instead.
  const columns = Math.max(...rows.map(displayWidth));
  expect(confusionTable(scores, { columns, isTTY: false } as never)).toBe(wide);
  const narrow = confusionTable(scores, { columns: columns - 1, isTTY: false } as never).split("\n");
  expect(narrow[0]).toContain("most often taken for");
  expect(narrow.slice(1).map((row) => row.split("  ").at(-1)!.trim())).toEqual(["差评很差真的很差 (1)", "–", "–", "–"]);
});

it("a name of as many columns as there are for it is whole", () => {
  const whole = ["好评很好", "12345678"];
  const of = classificationScores(whole, whole, whole);
  expect(confusionTable(of, { columns: 200, isTTY: false } as never).split("\n")[0]).toContain("好评很好  12345678");
});

it("scores are shares in percent, of numbers errors in their unit", () => {
  const out = { columns: 80, isTTY: false } as never;
  expect(
    scoreTable(
      [
        ["this model", scores],
        ["always", { ...scores, accuracy: 0.25, macroF1: 1 / 3 }],
      ],
      out,
    ),
  ).toBe("            accuracy  macro-F1\nthis model    80.0 %    83.3 %\nalways        25.0 %    33.3 %");
  const errors = { examples: 9, loss: 1, rmse: 1.23456, mae: 12.3456, r2: 0.5 };
  expect(scoreTable([["this model", errors]], out)).toBe(
    "             RMSE    MAE      R²\nthis model  1.235  12.35  0.5000",
  );
});

it("of a class that did not occur there is no recall; in the narrow table the most frequent mistake is named", () => {
  const of = classificationScores(["a", "a", "a", "a", "b"], ["b", "b", "c", "a", "a"], ["a", "b", "c"]);
  const narrow = confusionTable(of, { columns: 20, isTTY: false } as never);
  expect(narrow.split("\n").map((row) => row.replace(/ {2,}/g, " | "))).toEqual([
    "true | examples | precision | recall | F1 | most often taken for",
    "a | 4 | 50 % | 25 % | 33 % | b (2)",
    "b | 1 | 0 % | 0 % | 0 % | a (1)",
    "c | 0 | 0 % | – | 0 % | –",
  ]);
});
