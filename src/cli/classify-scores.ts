import { cutToWidth, displayWidth } from "../explain/display-width.ts";
import type { ClassificationScores } from "../run/classification-scores.ts";
import type { ClassifierScores, RegressionScores } from "../run/evaluate-classifier.ts";
import { integer, percent, table, wholePercent } from "./format.ts";
import type { Output } from "./io.ts";

/** What is told of a model or a baseline on some examples. */
export type Scores = ClassificationScores | ClassifierScores | RegressionScores;

/** One row for each model, baselines among them. */
export function scoreTable(rows: readonly (readonly [name: string, scores: Scores])[], out: Output): string {
  const [, first] = rows[0]!;
  const numbers = "rmse" in first;
  return table(
    [
      ["", ...(numbers ? ["RMSE", "MAE", "R²"] : ["accuracy", "macro-F1"])],
      ...rows.map(([name, scores]) => [
        name,
        ...("rmse" in scores
          ? [scores.rmse, scores.mae, scores.r2].map((value) => value.toPrecision(4))
          : [percent(scores.accuracy), percent(scores.macroF1)]),
      ]),
    ],
    out,
  );
}

/** Columns of a terminal that the names of classes are cut to. */
const WIDEST = 8;

/** True classes downwards, predicted ones across, beside precision, recall and F1; points stand for 0. */
export function confusionTable({ confusion, byClass }: ClassificationScores, out: Output): string {
  const { labels, counts } = confusion;
  const short = (label: string): string => (displayWidth(label) > WIDEST ? `${cutToWidth(label, WIDEST - 1)}…` : label);
  const scores = byClass.map(({ precision, recall, f1 }) =>
    [precision, recall, f1].map((value) => (Number.isNaN(value) ? "–" : wholePercent(value))),
  );
  const whole = table([
    ["true \\ predicted", ...labels.map(short), "precision", "recall", "F1"],
    ...labels.map((label, k) => [
      label,
      ...counts[k]!.map((count) => (count === 0 ? "·" : integer(count))),
      ...scores[k]!,
    ]),
  ]);
  if (Math.max(...whole.split("\n").map(displayWidth)) <= out.columns) return whole;
  // Too wide for the terminal: what a class is taken for most often says the same in one column.
  return table(
    [
      ["true", "examples", "precision", "recall", "F1", "most often taken for"],
      ...labels.map((label, k) => {
        const wrong = counts[k]!.map((count, other) => ({ count, other }))
          .filter(({ count, other }) => other !== k && count > 0)
          .sort((a, b) => b.count - a.count)[0];
        return [
          ...[label, integer(byClass[k]!.examples), ...scores[k]!],
          wrong ? `${labels[wrong.other]} (${integer(wrong.count)})` : "–",
        ];
      }),
    ],
    out,
  );
}
