import { describe, expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";

/**
 * A learning-rate schedule: a pure function from the number of previous updates (0, 1, …) to a rate, so resumed runs and skipped
 * updates get the right rate. Names and defaults of the functions below are PyTorch's, whose values they reproduce to 1e-12;
 * `learningRate` is the rate of the optimizer there.
 */
export type Schedule = (step: number) => number;

/** @throws UsageError "out-of-range" */
function expectNumber(argument: string, value: unknown, min: number, max = Number.MAX_VALUE): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  const range = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new UsageError("out-of-range", `${argument}: expected a number ${range}, got ${describe(value)}`);
}

const checkedRate = (learningRate: unknown): number => expectNumber("learningRate", learningRate, 0);
const checkedSteps = (argument: string, value: unknown): number => expectInteger(argument, value, { min: 1 });

/** The same schedule, refusing steps that are no whole numbers from 0. */
const checked =
  (rate: Schedule): Schedule =>
  (step) =>
    rate(expectInteger("step", step, { min: 0 }));

/** Keeps the learning rate constant. */
export function constantRate(options: {
  /** Rate of every update, at least 0. */
  readonly learningRate: number;
}): Schedule {
  expectOptions("constantRate", options, { learningRate: "required" });
  const rate = checkedRate(options.learningRate);
  return checked(() => rate);
}

/** Multiplies the rate by `gamma` every `stepSize` steps. PyTorch's StepLR. */
export function stepRate(options: {
  /** Rate of the first update, at least 0. */
  readonly learningRate: number;
  /** Number of updates with one rate, at least 1. */
  readonly stepSize: number;
  /** Factor, at least 0. Default 0.1. */
  readonly gamma?: number | undefined;
}): Schedule {
  expectOptions("stepRate", options, { learningRate: "required", stepSize: "required", gamma: 1 });
  const rate = checkedRate(options.learningRate);
  const stepSize = checkedSteps("stepSize", options.stepSize);
  const gamma = expectNumber("gamma", options.gamma ?? 0.1, 0);
  return checked((step) => rate * gamma ** Math.floor(step / stepSize));
}

/** Multiplies the rate by `gamma` at each step in `milestones`. PyTorch's MultiStepLR. */
export function multiStepRate(options: {
  /** Rate of the first update, at least 0. */
  readonly learningRate: number;
  /** Numbers of updates, from 0; one that is listed twice counts twice. */
  readonly milestones: readonly number[];
  /** Factor, at least 0. Default 0.1. */
  readonly gamma?: number | undefined;
}): Schedule {
  expectOptions("multiStepRate", options, { learningRate: "required", milestones: "required", gamma: 1 });
  const rate = checkedRate(options.learningRate);
  const gamma = expectNumber("gamma", options.gamma ?? 0.1, 0);
  const milestones = options.milestones.map((at, i) => expectInteger(`milestones[${i}]`, at, { min: 0 }));
  return checked((step) => rate * gamma ** milestones.filter((at) => at <= step).length);
}

/** Multiplies the rate by `gamma` at every step. PyTorch's ExponentialLR. */
export function exponentialRate(options: {
  /** Rate of the first update, at least 0. */
  readonly learningRate: number;
  /** Factor, at least 0. */
  readonly gamma: number;
}): Schedule {
  expectOptions("exponentialRate", options, { learningRate: "required", gamma: "required" });
  const rate = checkedRate(options.learningRate);
  const gamma = expectNumber("gamma", options.gamma, 0);
  return checked((step) => rate * gamma ** step);
}

/** `start` at t = 0, `end` at t = 1, along half a cosine. */
const cosine = (start: number, end: number, t: number): number =>
  end + ((start - end) * (1 + Math.cos(Math.PI * t))) / 2;
const line = (start: number, end: number, t: number): number => start + (end - start) * t;

/**
 * Decreases the rate from `learningRate` to `minRate` in `totalSteps` steps along half a cosine. Beyond, it rises again and
 * so on, as PyTorch's CosineAnnealingLR does (T_max, eta_min). Use it in `sequentialRate` to stop at the minimum.
 * @see Loshchilov & Hutter (2017), arXiv:1608.03983
 */
export function cosineRate(options: {
  /** Rate of the first update, at least 0. */
  readonly learningRate: number;
  /** Number of updates until `minRate`, at least 1. */
  readonly totalSteps: number;
  /** Lowest rate, at least 0. Default 0. */
  readonly minRate?: number | undefined;
}): Schedule {
  expectOptions("cosineRate", options, { learningRate: "required", totalSteps: "required", minRate: 1 });
  const rate = checkedRate(options.learningRate);
  const totalSteps = checkedSteps("totalSteps", options.totalSteps);
  const minRate = expectNumber("minRate", options.minRate ?? 0, 0);
  return checked((step) => cosine(rate, minRate, step / totalSteps));
}

/**
 * Decreases the rate along half a cosine from `learningRate` to `minRate`, and restarts: the first cycle has `firstCycle` steps, each next
 * one `multiplier` times as many. PyTorch's CosineAnnealingWarmRestarts (T_0, T_mult).
 * @see Loshchilov & Hutter (2017), arXiv:1608.03983
 */
export function cosineRestartsRate(options: {
  /** Rate at the beginning of each cycle, at least 0. */
  readonly learningRate: number;
  /** Number of updates of the first cycle, at least 1. */
  readonly firstCycle: number;
  /** How many times as long each cycle is as the one before, a whole number of at least 1. Default 1. */
  readonly multiplier?: number | undefined;
  /** Rate at the end of each cycle, at least 0. Default 0. */
  readonly minRate?: number | undefined;
}): Schedule {
  expectOptions("cosineRestartsRate", options, {
    learningRate: "required",
    firstCycle: "required",
    multiplier: 1,
    minRate: 1,
  });
  const rate = checkedRate(options.learningRate);
  const firstCycle = checkedSteps("firstCycle", options.firstCycle);
  const multiplier = checkedSteps("multiplier", options.multiplier ?? 1);
  const minRate = expectNumber("minRate", options.minRate ?? 0, 0);
  return checked((step) => {
    if (multiplier === 1) return cosine(rate, minRate, (step % firstCycle) / firstCycle);
    let start = 0;
    let length = firstCycle;
    while (step >= start + length) {
      start += length;
      length *= multiplier;
    }
    return cosine(rate, minRate, (step - start) / length);
  });
}

/**
 * Changes the rate linearly from `startFactor` to `endFactor` times `learningRate` in `totalSteps` steps, then keeps it: the usual warmup.
 * PyTorch's LinearLR.
 */
export function linearRate(options: {
  /** The rate that is multiplied, at least 0. */
  readonly learningRate: number;
  /** Factor of the first update, at least 0. Default 1/3. */
  readonly startFactor?: number | undefined;
  /** Factor from update `totalSteps` on, at least 0. Default 1. */
  readonly endFactor?: number | undefined;
  /** Number of updates of the change, at least 1. Default 5. */
  readonly totalSteps?: number | undefined;
}): Schedule {
  expectOptions("linearRate", options, { learningRate: "required", startFactor: 1, endFactor: 1, totalSteps: 1 });
  const rate = checkedRate(options.learningRate);
  const startFactor = expectNumber("startFactor", options.startFactor ?? 1 / 3, 0);
  const endFactor = expectNumber("endFactor", options.endFactor ?? 1, 0);
  const totalSteps = checkedSteps("totalSteps", options.totalSteps ?? 5);
  return checked((step) => rate * line(startFactor, endFactor, Math.min(step / totalSteps, 1)));
}

/** Multiplies the rate by (1 − step/totalSteps)^power, then by 0. PyTorch's PolynomialLR. */
export function polynomialRate(options: {
  /** Rate of the first update, at least 0. */
  readonly learningRate: number;
  /** Number of updates until the rate is 0, at least 1. Default 5. */
  readonly totalSteps?: number | undefined;
  /** Exponent, at least 0. Default 1: a straight line. */
  readonly power?: number | undefined;
}): Schedule {
  expectOptions("polynomialRate", options, { learningRate: "required", totalSteps: 1, power: 1 });
  const rate = checkedRate(options.learningRate);
  const totalSteps = checkedSteps("totalSteps", options.totalSteps ?? 5);
  const power = expectNumber("power", options.power ?? 1, 0);
  return checked((step) => rate * Math.max(0, 1 - step / totalSteps) ** power);
}

/**
 * Increases the rate from maxRate/divisor to maxRate in the first `warmupRatio` of the steps, then decreases it to 1/`finalDivisor` of its
 * initial value, where it stays. PyTorch's OneCycleLR.
 * @see Smith & Topin (2018), arXiv:1708.07120
 */
export function oneCycleRate(options: {
  /** Highest rate, at least 0. */
  readonly maxRate: number;
  /** Number of updates of the whole cycle, at least 1. */
  readonly totalSteps: number;
  /** Share of the updates in which the rate rises, from 0 to 1. Default 0.3. */
  readonly warmupRatio?: number | undefined;
  /** How many times smaller than `maxRate` the first rate is, at least 1. Default 25. */
  readonly divisor?: number | undefined;
  /** How many times smaller than the first rate the last one is, at least 1. Default 1e4. */
  readonly finalDivisor?: number | undefined;
  /** Curve of both ways. Default "cosine". */
  readonly annealing?: "cosine" | "linear" | undefined;
}): Schedule {
  expectOptions("oneCycleRate", options, {
    maxRate: "required",
    totalSteps: "required",
    warmupRatio: 1,
    divisor: 1,
    finalDivisor: 1,
    annealing: 1,
  });
  const maxRate = expectNumber("maxRate", options.maxRate, 0);
  const totalSteps = checkedSteps("totalSteps", options.totalSteps);
  const startRate = maxRate / expectNumber("divisor", options.divisor ?? 25, 1);
  const endRate = startRate / expectNumber("finalDivisor", options.finalDivisor ?? 1e4, 1);
  const peak = expectNumber("warmupRatio", options.warmupRatio ?? 0.3, 0, 1) * totalSteps - 1;
  const end = totalSteps - 1;
  const anneal = { cosine, linear: line }[
    expectOneOf("annealing", options.annealing ?? "cosine", ["cosine", "linear"])
  ];
  return checked((step) => {
    if (step <= peak && peak > 0) return anneal(startRate, maxRate, step / peak);
    return anneal(maxRate, endRate, end > peak ? Math.min(1, (step - peak) / (end - peak)) : 1);
  });
}

/**
 * Chains schedules: `schedules[k + 1]` starts at step `milestones[k]` and counts its own steps from 0. PyTorch's SequentialLR. For a
 * warmup use `sequentialRate({ schedules: [linearRate(…), cosineRate(…)], milestones: [500] })`.
 */
export function sequentialRate(options: {
  /** At least one. */
  readonly schedules: readonly Schedule[];
  /** One fewer: the update with which each but the first schedule begins, in increasing order. */
  readonly milestones: readonly number[];
}): Schedule {
  expectOptions("sequentialRate", options, { schedules: "required", milestones: "required" });
  const { schedules, milestones } = options;
  if (schedules.length !== milestones.length + 1) {
    const counts = `${schedules.length} schedules and ${milestones.length} milestones`;
    throw new UsageError("bad-schedule", `milestones: expected one fewer than schedules, got ${counts}`);
  }
  milestones.forEach((at, k) => {
    expectInteger(`milestones[${k}]`, at, { min: k === 0 ? 0 : milestones[k - 1]! });
  });
  return checked((step) => {
    const turn = milestones.filter((at) => at <= step).length;
    return schedules[turn]!(turn === 0 ? step : step - milestones[turn - 1]!);
  });
}
