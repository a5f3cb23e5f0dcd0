import { expectOneOf, UsageError } from "../shared/errors.ts";

/** How often each class was predicted for each true class. */
export interface Confusion {
  /** Names of rows and columns. */
  readonly labels: readonly string[];
  /** counts[true][predicted] */
  readonly counts: readonly (readonly number[])[];
}

/** How well classes were predicted. */
export interface ClassificationScores {
  readonly examples: number;
  /** Share of correct predictions. */
  readonly accuracy: number;
  /** Mean of the F1 of all classes; classes that neither occur nor are predicted are left out. */
  readonly macroF1: number;
  readonly byClass: readonly {
    readonly label: string;
    /** Right among those predicted; NaN if none was. */
    readonly precision: number;
    /** Right among those that are; NaN if there is none. */
    readonly recall: number;
    readonly f1: number;
    readonly examples: number;
  }[];
  readonly confusion: Confusion;
}

/**
 * Computes accuracy, F1 and confusion matrix of predicted labels.
 * @param predicted one for each true label
 * @param classes what can be predicted; a true label that is none of them counts as wrong and gets a row of its own
 * @throws UsageError "wrong-length"; "unknown-choice" for a predicted label that is none of the classes
 */
export function classificationScores(
  truth: readonly string[],
  predicted: readonly string[],
  classes: readonly string[],
): ClassificationScores {
  if (predicted.length !== truth.length)
    throw new UsageError("wrong-length", `predicted: expected ${truth.length} labels, got ${predicted.length}`);
  for (const label of new Set(predicted)) expectOneOf("predicted", label, classes);
  const labels = [...classes, ...[...new Set(truth)].filter((label) => !classes.includes(label)).sort()];
  const index = new Map(labels.map((label, k) => [label, k]));
  const counts = labels.map(() => labels.map(() => 0));
  for (const [k, label] of truth.entries()) counts[index.get(label)!]![index.get(predicted[k]!)!]! += 1;
  const byClass = labels.map((label, k) => {
    const right = counts[k]![k]!;
    const examples = counts[k]!.reduce((a, b) => a + b, 0);
    const named = counts.reduce((sum, row) => sum + row[k]!, 0);
    return {
      label,
      precision: right / named,
      recall: right / examples,
      f1: (2 * right) / (examples + named),
      examples,
    };
  });
  const there = byClass.filter(({ f1 }) => !Number.isNaN(f1));
  return {
    examples: truth.length,
    accuracy: byClass.reduce((sum, _, k) => sum + counts[k]![k]!, 0) / truth.length,
    macroF1: there.reduce((sum, { f1 }) => sum + f1, 0) / there.length,
    byClass,
    confusion: { labels, counts },
  };
}
