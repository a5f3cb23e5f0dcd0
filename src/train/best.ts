import { describe, expectInteger, expectOneOf, FailureError, UsageError } from "../shared/errors.ts";
import type { Metrics } from "./evaluator.ts";

/** The metric that is watched: its best value decides which weights are kept, and when training stops early. */
export interface MonitoredMetric {
  /** Its name among those that the evaluator measures. */
  readonly metric: string;
  /** Whether lower ("min") or higher ("max") is better. */
  readonly mode: "min" | "max";
}

/** Ends a training when the monitored metric stops improving. */
export interface EarlyStopping {
  /** Number of evaluations in a row without improvement after which training ends; at least 1. */
  readonly patience: number;
  /** The smallest change that counts as an improvement. Default 0. */
  readonly minDelta?: number | undefined;
}

/** The state between evaluations; plain numbers, for checkpoints. */
export interface BestState {
  /** Null before the first. */
  readonly best: number | null;
  /** The loss at the best evaluation. */
  readonly loss: number | null;
  /** Step of the best. */
  readonly step: number;
  /** The value that early stopping compares with: the last one that was better by `minDelta`. */
  readonly mark: number | null;
  /** Evaluations since then. */
  readonly bad: number;
}

export interface BestRule {
  readonly monitor: MonitoredMetric;
  /** "min loss": identifies the rule in checkpoints. */
  readonly name: string;
  readonly initial: BestState;
  /** The monitored metric. @throws FailureError "unknown-metric" */
  of(metrics: Metrics): number;
  /** The state after one more evaluation. NaN counts as no better. */
  next(state: BestState, metrics: Metrics, step: number): BestState;
  /** Whether training is to stop early. */
  stops(state: BestState): boolean;
}

/** Of the metrics that a task measures: whether lower or higher is better. */
export type MetricModes = Readonly<Record<string, MonitoredMetric["mode"]>>;

/** A metric of a task by its name. @throws UsageError "unknown-choice" */
export function monitored(name: string, modes: MetricModes): MonitoredMetric {
  const metric = expectOneOf("monitor", name, Object.keys(modes));
  return { metric, mode: modes[metric]! };
}

/** @throws UsageError "bad-option", "unknown-choice", "out-of-range" */
export function bestRule(
  { metric, mode }: MonitoredMetric = { metric: "loss", mode: "min" },
  stopping?: EarlyStopping,
): BestRule {
  if (typeof metric !== "string")
    throw new UsageError("bad-option", `monitor.metric: expected a name, got ${describe(metric)}`);
  const sign = expectOneOf("monitor.mode", mode, ["min", "max"]) === "min" ? 1 : -1;
  const patience = stopping && expectInteger("earlyStopping.patience", stopping.patience, { min: 1 });
  const delta = stopping?.minDelta ?? 0;
  if (!(delta >= 0 && delta < Number.POSITIVE_INFINITY))
    throw new UsageError(
      "out-of-range",
      `earlyStopping.minDelta: expected a number of at least 0, got ${describe(delta)}`,
    );
  const better = (value: number, than: number | null, by: number): boolean =>
    than === null ? !Number.isNaN(value) : sign * (than - value) > by;
  const of = (metrics: Metrics): number => {
    if (Object.hasOwn(metrics, metric)) return metrics[metric]!;
    throw new FailureError(
      "unknown-metric",
      `monitor.metric: the evaluator measured ${Object.keys(metrics).join(", ") || "nothing"}, but no "${metric}"`,
    );
  };
  return {
    monitor: { metric, mode },
    name: `${mode} ${metric}`,
    initial: { best: null, loss: null, step: 0, mark: null, bad: 0 },
    of,
    next(state, metrics, step) {
      const value = of(metrics);
      const { loss = null } = metrics;
      // Accuracies on few examples are often equal; the loss breaks the tie.
      const tieBroken = value === state.best && loss !== null && state.loss !== null && loss < state.loss;
      const record = better(value, state.best, 0) || tieBroken;
      const counts = better(value, state.mark, delta) || (tieBroken && delta === 0);
      return {
        ...(record ? { best: value, loss, step } : { best: state.best, loss: state.loss, step: state.step }),
        mark: counts ? value : state.mark,
        bad: counts ? 0 : state.bad + 1,
      };
    },
    stops: ({ bad }) => patience !== undefined && bad >= patience,
  };
}
