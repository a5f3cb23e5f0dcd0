import { describe, expectInteger, expectOneOf, FailureError, UsageError } from "../shared/errors.ts";
import type { Metrics } from "./evaluator.ts";

/** Which metric decides which weights are best. */
export interface BestMetric {
  /** Name of the metric. Default "loss". */
  readonly metric?: string;
  /** Whether lower ("min") or higher ("max") is better. Default "min". */
  readonly mode?: "min" | "max";
}

/** Ends a training when the deciding metric stops improving. */
export interface EarlyStopping {
  /** Number of evaluations in a row without improvement after which training ends; at least 1. */
  readonly patience: number;
  /** The smallest change that counts as an improvement. Default 0. */
  readonly minDelta?: number;
}

/** What is remembered of measurements; plain numbers, for a checkpoint. */
export interface BestState {
  /** Null before the first. */
  readonly best: number | null;
  /** Step of the best. */
  readonly step: number;
  /** What early stopping compares with: the last value that was better by `minDelta`. */
  readonly mark: number | null;
  /** Measurements since then. */
  readonly bad: number;
}

export interface BestRule {
  readonly metric: string;
  /** "min loss": what tells it from another rule, by which the best so far would be another. */
  readonly name: string;
  readonly initial: BestState;
  /** The number that decides. @throws FailureError "unknown-metric" */
  of(metrics: Metrics): number;
  /** The state after one more measurement. One that is not a number counts as no better. */
  next(state: BestState, value: number, step: number): BestState;
  /** Whether it is time to stop. */
  stops(state: BestState): boolean;
}

/** @throws UsageError "bad-option", "unknown-choice", "out-of-range" */
export function bestRule(best: BestMetric = {}, stopping?: EarlyStopping): BestRule {
  const { metric = "loss" } = best;
  if (typeof metric !== "string")
    throw new UsageError("bad-option", `best.metric: expected a name, got ${describe(metric)}`);
  const mode = expectOneOf("best.mode", best.mode ?? "min", ["min", "max"]);
  const sign = mode === "min" ? 1 : -1;
  const patience = stopping && expectInteger("earlyStopping.patience", stopping.patience, { min: 1 });
  const delta = stopping?.minDelta ?? 0;
  if (!(delta >= 0 && delta < Number.POSITIVE_INFINITY))
    throw new UsageError(
      "out-of-range",
      `earlyStopping.minDelta: expected a number of at least 0, got ${describe(delta)}`,
    );
  const better = (value: number, than: number | null, by: number): boolean =>
    than === null ? !Number.isNaN(value) : sign * (than - value) > by;
  return {
    metric,
    name: `${mode} ${metric}`,
    initial: { best: null, step: 0, mark: null, bad: 0 },
    of(metrics) {
      if (Object.hasOwn(metrics, metric)) return metrics[metric]!;
      throw new FailureError(
        "unknown-metric",
        `best.metric: the evaluator measured ${Object.keys(metrics).join(", ") || "nothing"}, but no "${metric}"`,
      );
    },
    next(state, value, step) {
      const record = better(value, state.best, 0);
      const counts = better(value, state.mark, delta);
      return {
        best: record ? value : state.best,
        step: record ? step : state.step,
        mark: counts ? value : state.mark,
        bad: counts ? 0 : state.bad + 1,
      };
    },
    stops: ({ bad }) => patience !== undefined && bad >= patience,
  };
}
