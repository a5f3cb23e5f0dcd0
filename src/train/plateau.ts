import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";

/** The state of a plateau schedule, for checkpoints. */
export interface PlateauState {
  /** The rate in force. */
  readonly rate: number;
  /** The best metric so far; null before the first. */
  readonly best: number | null;
  /** Measurements since the best that were no better. */
  readonly bad: number;
  /** Measurements that still do not count, after a reduction. */
  readonly cooldown: number;
}

/** Options of `reduceOnPlateau`. */
export interface PlateauOptions {
  /** Initial learning rate. */
  readonly learningRate: number;
  /** Factor of a reduction. Default 0.1. */
  readonly factor?: number | undefined;
  /** Number of evaluations in a row without improvement before the rate is reduced. Default 10. */
  readonly patience?: number | undefined;
  /** The smallest change that counts as an improvement. Default 1e-4. */
  readonly threshold?: number | undefined;
  /** Whether `threshold` is relative to the best ("relative", default) or a difference ("absolute"). */
  readonly thresholdMode?: "relative" | "absolute" | undefined;
  /** Whether lower ("min", default) or higher ("max") values are better. In a training it must be what `monitor` says of its metric. */
  readonly mode?: "min" | "max" | undefined;
  /** Number of evaluations to ignore after a reduction. Default 0. */
  readonly cooldown?: number | undefined;
  /** Lowest learning rate. Default 0. */
  readonly minRate?: number | undefined;
}

/** What `reduceOnPlateau` gives: a schedule that lowers the rate where a metric no longer gets better. */
export interface Plateau {
  /** Whether it takes lower ("min") or higher values for better. A plateau of one's own may leave it out. */
  readonly mode?: "min" | "max" | undefined;
  readonly initial: PlateauState;
  /** The state after one more measurement. One that is not a number counts as no better. */
  next(state: PlateauState, metric: number): PlateauState;
}

/** Reductions smaller than this are not made, as in PyTorch. */
const NEGLIGIBLE = 1e-8;

/**
 * Reduces the learning rate when a metric stops improving, like PyTorch's ReduceLROnPlateau.
 * @throws UsageError "out-of-range" for a factor that is not within (0, 1)
 */
export function reduceOnPlateau(options: PlateauOptions): Plateau {
  expectOptions("reduceOnPlateau", options, {
    learningRate: "required",
    factor: 1,
    patience: 1,
    threshold: 1,
    thresholdMode: 1,
    mode: 1,
    cooldown: 1,
    minRate: 1,
  });
  const { learningRate, factor = 0.1, threshold = 1e-4, minRate = 0 } = options;
  if (!(factor > 0 && factor < 1)) {
    throw new UsageError("out-of-range", `factor: expected a number between 0 and 1, got ${factor}`);
  }
  if (!(learningRate >= 0)) {
    throw new UsageError("out-of-range", `learningRate: expected a number of at least 0, got ${learningRate}`);
  }
  const patience = expectInteger("patience", options.patience ?? 10, { min: 0 });
  const cooldown = expectInteger("cooldown", options.cooldown ?? 0, { min: 0 });
  const mode = expectOneOf("mode", options.mode ?? "min", ["min", "max"]);
  const sign = mode === "min" ? 1 : -1;
  const relative =
    expectOneOf("thresholdMode", options.thresholdMode ?? "relative", ["relative", "absolute"]) === "relative";

  const isBetter = (metric: number, best: number | null): boolean => {
    if (best === null) return !Number.isNaN(metric);
    // A share of the best's size: PyTorch takes one of the best itself, and below 0, as likelihoods may be, something worse counts as better there.
    const bar = relative ? best * (1 - sign * Math.sign(best) * threshold) : best - sign * threshold;
    return sign * metric < sign * bar;
  };

  return {
    mode,
    initial: { rate: learningRate, best: null, bad: 0, cooldown: 0 },
    next(state, metric) {
      const better = isBetter(metric, state.best);
      const best = better ? metric : state.best;
      const cooling = state.cooldown > 0;
      const bad = better || cooling ? 0 : state.bad + 1;
      if (bad <= patience) return { rate: state.rate, best, bad, cooldown: cooling ? state.cooldown - 1 : 0 };
      const lowered = Math.max(state.rate * factor, minRate);
      return { rate: state.rate - lowered > NEGLIGIBLE ? lowered : state.rate, best, bad: 0, cooldown };
    },
  };
}
