import { UsageError } from "../shared/errors.ts";
import { type Span, spansOf } from "../shared/tag-schemes.ts";

/** Correct, predicted and true spans, and what follows from their numbers. */
export interface SpanScore {
  /** Spans that are there. */
  readonly expected: number;
  /** Spans that were predicted. */
  readonly predicted: number;
  /** Predicted spans with the right label from the right first to the right last token. */
  readonly correct: number;
  /** Correct among those predicted; 0 if none was. */
  readonly precision: number;
  /** Correct among those that are; 0 if there is none. */
  readonly recall: number;
  /** 2·precision·recall ÷ (precision + recall); 0 if both are. */
  readonly f1: number;
}

export interface SpanScores extends SpanScore {
  /** In the order of the labels' names. */
  readonly byLabel: readonly (SpanScore & { readonly label: string })[];
}

/**
 * Counts spans as conlleval does, over tags in any scheme: see `spansOf`. The score of all labels together is that of their sums
 * (micro average).
 * @throws UsageError "wrong-length" where the sentences, or the tags of one, are not as many
 */
export function spanScores(
  truth: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
): SpanScores {
  expectAsMany("predicted: expected sentences", truth, predicted);
  for (const [k, tags] of truth.entries()) expectAsMany(`predicted[${k}]: expected tags`, tags, predicted[k]!);
  const counts = new Map<string, { expected: number; predicted: number; correct: number }>();
  const countsOf = (label: string) => {
    const own = counts.get(label) ?? { expected: 0, predicted: 0, correct: 0 };
    counts.set(label, own);
    return own;
  };
  const key = ({ label, start, end }: Span): string => `${start} ${end} ${label}`;
  for (const [k, tags] of truth.entries()) {
    const spans = spansOf(tags);
    const found = new Set(spans.map(key));
    for (const { label } of spans) countsOf(label).expected += 1;
    for (const span of spansOf(predicted[k]!)) {
      countsOf(span.label).predicted += 1;
      if (found.has(key(span))) countsOf(span.label).correct += 1;
    }
  }
  const labels = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = (name: "expected" | "predicted" | "correct"): number => labels.reduce((n, [, own]) => n + own[name], 0);
  return {
    ...scoreOf({ expected: sum("expected"), predicted: sum("predicted"), correct: sum("correct") }),
    byLabel: labels.map(([label, own]) => ({ label, ...scoreOf(own) })),
  };
}

function expectAsMany(what: string, truth: readonly unknown[], predicted: readonly unknown[]): void {
  if (predicted.length !== truth.length)
    throw new UsageError("wrong-length", `${what}, ${truth.length} of them, got ${predicted.length}`);
}

function scoreOf(counts: { expected: number; predicted: number; correct: number }): SpanScore {
  const { expected, predicted, correct } = counts;
  const share = (of: number): number => (of === 0 ? 0 : correct / of);
  return {
    ...counts,
    precision: share(predicted),
    recall: share(expected),
    f1: expected + predicted === 0 ? 0 : (2 * correct) / (expected + predicted),
  };
}
