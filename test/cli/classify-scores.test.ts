import { expect, it } from "vitest";
import { confusionTable } from "../../src/cli/classify-scores.ts";
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
  const columns = Math.max(...wide.split("\n").map(displayWidth)) - 1;
  // One column less than it takes: what a class is taken for stands in one column instead.
  const narrow = confusionTable(scores, { columns, isTTY: false } as never);
  expect(narrow).toContain("most often taken for");
  expect(narrow).toContain("差评很差真的很差 (1)");
});
