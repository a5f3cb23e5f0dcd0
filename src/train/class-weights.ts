import { describe, UsageError } from "../shared/errors.ts";
import { tally } from "../shared/tally.ts";

/**
 * Weights of the classes in the loss: "balanced" weighs class c by N ÷ (C · N_c), so that all classes have the same total weight; or a
 * number above 0 for each class by name, 1 for those not listed.
 */
export type ClassWeights = "none" | "balanced" | Readonly<Record<string, number>>;

/** Weights in the order of the classes; undefined: all the same. @throws UsageError "unknown-choice", "out-of-range" */
export function classWeightsOf(
  given: ClassWeights = "none",
  classes: readonly string[],
  labels: readonly string[],
): Float64Array | undefined {
  if (given === "none") return undefined;
  if (given === "balanced") {
    const counts = tally(labels);
    return Float64Array.from(classes, (name) => labels.length / (classes.length * counts.get(name)!));
  }
  if (typeof given !== "object" || given === null)
    throw new UsageError(
      "unknown-choice",
      `classWeights: expected "none", "balanced" or an object of numbers by class, got ${describe(given)}`,
    );
  for (const [name, weight] of Object.entries(given)) {
    if (!classes.includes(name))
      throw new UsageError(
        "unknown-choice",
        `classWeights: there is no class ${JSON.stringify(name)}; classes are ${classes.join(", ")}`,
      );
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY))
      throw new UsageError(
        "out-of-range",
        `classWeights: expected a number above 0 for ${JSON.stringify(name)}, got ${describe(weight)}`,
      );
  }
  return Float64Array.from(classes, (name) => (Object.hasOwn(given, name) ? given[name]! : 1));
}
