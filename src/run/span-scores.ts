import { UsageError } from "../shared/errors.ts";
import { type Span, spansOf } from "../shared/tag-schemes.ts";

/** Numbers of expected, predicted and correct spans, with precision, recall and F1. */
export interface SpanScore {
  /** Number of true spans. */
  readonly expected: number;
  /** Number of predicted spans. */
  readonly predicted: number;
  /** Number of predicted spans with correct label, first and last token. */
  readonly correct: number;
  /** Correct ÷ predicted; 0 if none was predicted. */
  readonly precision: number;
  /** Correct ÷ expected; 0 if none was expected. */
  readonly recall: number;
  /** 2·precision·recall ÷ (precision + recall); 0 if both are. */
  readonly f1: number;
}

/** How well spans were found, all together and by label. */
export interface SpanScores extends SpanScore {
  /** Scores by label, sorted by name. */
  readonly byLabel: readonly (SpanScore & { readonly label: string })[];
}

/**
 * Scores predicted spans as conlleval does, for tags in any scheme (see `spansOf`). The overall score is the micro average.
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
