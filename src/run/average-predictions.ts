import { describe, UsageError } from "../shared/errors.ts";
import { logSumExp } from "../shared/log-sum-exp.ts";
import { type ClassPrediction, classPrediction } from "./classifier.ts";

/**
 * Averages the predictions of several classifiers for the same inputs. Networks trained from different seeds, or on different tokens,
 * make different mistakes, so the average is better than each alone.
 * @param predictions of each classifier what `predict` gave, all for the same inputs and of the same classes
 * @example
 * ```ts no-run
 * const said = averagePredictions(await Promise.all(classifiers.map((one) => one.predict(texts))));
 * ```
 * @see Hansen & Salamon, "Neural network ensembles" (1990)
 * @throws UsageError "no-predictions", "wrong-input" (other inputs), "other-classes"
 */
export function averagePredictions(predictions: readonly (readonly ClassPrediction[])[]): ClassPrediction[] {
  const [first, ...others] = expectLists(predictions);
  for (const other of others)
    if (other.length !== first.length)
      throw new UsageError(
        "wrong-input",
        `averagePredictions: expected predictions for the same inputs, got ${first.length} of one classifier and ${other.length} of another`,
      );
  return first.map((_, k) =>
    average(
      predictions.map((of) => of[k]!.logProbabilities),
      Object.keys(first[k]!.logProbabilities),
    ),
  );
}

function average(logs: readonly ClassPrediction["logProbabilities"][], classes: readonly string[]): ClassPrediction {
  for (const one of logs)
    if (Object.keys(one).length !== classes.length || !classes.every((name) => Object.hasOwn(one, name)))
      throw new UsageError(
        "other-classes",
        `averagePredictions: expected classifiers of the same classes, got ${classes.join(", ")} and ${Object.keys(one).join(", ")}`,
      );
  const means = classes.map((name) => logMean(logs.map((one) => one[name]!)));
  return classPrediction(classes, means);
}

/** log of the mean of e^x. */
const logMean = (logs: readonly number[]): number => logSumExp(logs, logs.length);

function expectLists(predictions: readonly (readonly ClassPrediction[])[]) {
  const [first, ...others] = Array.isArray(predictions) && predictions.every(Array.isArray) ? predictions : [];
  if (first) return [first, ...others] as const;
  throw new UsageError(
    "no-predictions",
    `averagePredictions: expected a list with the predictions of at least one classifier, got ${describe(predictions)}`,
  );
}
