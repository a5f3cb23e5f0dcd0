import type { TaggerScores, TaggingScores } from "../run/evaluate-tagger.ts";
import { integer, percent, table } from "./format.ts";
import type { Output } from "./io.ts";

/** One row for each model, baselines among them. */
export function taggingTable(
  rows: readonly (readonly [name: string, scores: TaggingScores & Partial<TaggerScores>])[],
  out: Output,
): string {
  const [, first] = rows[0]!;
  const intents = first.intentAccuracy !== undefined;
  const names = first.spans ? ["token accuracy", "precision", "recall", "F1"] : ["token accuracy", "macro-F1"];
  return table(
    [
      ["", ...names, ...(intents ? ["intent accuracy"] : [])],
      ...rows.map(([name, { accuracy, spans, tags, intentAccuracy }]) => [
        name,
        percent(accuracy),
        ...(spans ? [spans.precision, spans.recall, spans.f1] : [tags!.macroF1]).map(percent),
        ...(intents ? [intentAccuracy === undefined ? "–" : percent(intentAccuracy)] : []),
      ]),
    ],
    out,
  );
}

/** How well each label is found: spans with their counts, or tags. */
export function labelTable({ spans, tags }: TaggingScores, out: Output): string {
  if (spans)
    return table(
      [
        ["label", "expected", "predicted", "correct", "precision", "recall", "F1"],
        ...spans.byLabel.map(({ label, expected, predicted, correct, precision, recall, f1 }) => [
          ...[label, integer(expected), integer(predicted), integer(correct)],
          ...[precision, recall, f1].map(percent),
        ]),
      ],
      out,
    );
  return table(
    [
      ["tag", "expected", "precision", "recall", "F1"],
      ...tags!.byClass.map(({ label, examples, precision, recall, f1 }) => [
        ...[label, integer(examples)],
        ...[precision, recall, f1].map((share) => (Number.isNaN(share) ? "–" : percent(share))),
      ]),
    ],
    out,
  );
}
