import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { logSumExp } from "../shared/log-sum-exp.ts";
import { expectOptions } from "../shared/options.ts";

/** How the answers of a classifier follow from its logits: found on examples that it was not trained on (`Classifier.calibrate`). */
export interface Calibration {
  /** T, above 0: logits are divided by it before the softmax, so that probabilities are as often right as they say. 1: as trained. */
  readonly temperature: number;
  /** Of two classes: when the answer is which. Default: the more likely one. */
  readonly threshold?: Threshold | undefined;
}

/** The answer is `label` from this probability on, else the other class. */
export interface Threshold {
  readonly label: string;
  /** From 0 to 1. */
  readonly probability: number;
}

/** @throws UsageError "bad-option", "out-of-range", "unknown-choice" */
export function expectCalibration(calibration: Calibration, classes: readonly string[] | undefined): Calibration {
  expectOptions<Calibration>("calibration", calibration, {
    temperature: "required",
    threshold: { label: "required", probability: "required" },
  });
  const { temperature, threshold } = calibration;
  if (!classes) throw new UsageError("bad-option", "calibration: a regression has no probabilities; leave it out");
  expectTemperature("calibration.temperature", temperature);
  if (threshold === undefined) return { temperature };
  const { label, probability } = threshold;
  expectTwoClasses("calibration.threshold", classes);
  expectOneOf("calibration.threshold.label", label, classes);
  if (!(typeof probability === "number" && probability >= 0 && probability <= 1))
    throw new UsageError(
      "out-of-range",
      `calibration.threshold.probability: expected a number from 0 to 1, got ${describe(probability)}`,
    );
  return { temperature, threshold: { label, probability } };
}

/** @throws UsageError "out-of-range" */
export function expectTemperature(argument: string, temperature: unknown): number {
  if (typeof temperature === "number" && temperature > 0 && temperature < Number.POSITIVE_INFINITY) return temperature;
  throw new UsageError("out-of-range", `${argument}: expected a finite number above 0, got ${describe(temperature)}`);
}

/** @throws UsageError "bad-option" */
export function expectTwoClasses(argument: string, classes: readonly string[]): void {
  if (classes.length === 2) return;
  throw new UsageError(
    "bad-option",
    `${argument}: of two classes one has a threshold, this classifier has ${classes.length}; leave it out: the most likely class is the answer`,
  );
}

/** log softmax(x ÷ T), where x are logits, or logarithms of probabilities, which differ from them by a constant. */
export function tempered(logs: Float64Array, temperature: number): Float64Array {
  const divided = logs.map((x) => x / temperature);
  const sum = logSumExp(divided);
  return divided.map((x) => x - sum);
}
