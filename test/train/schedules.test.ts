import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/shared/errors.ts";
import { reduceOnPlateau } from "../../src/train/plateau.ts";
import {
  constantRate,
  cosineRate,
  cosineRestartsRate,
  exponentialRate,
  linearRate,
  multiStepRate,
  oneCycleRate,
  polynomialRate,
  type Schedule,
  sequentialRate,
  stepRate,
} from "../../src/train/schedules.ts";
import { goldenJson } from "../support/golden.ts";

interface Plateau {
  readonly metric: readonly number[];
  readonly lr_after: readonly number[];
}
const file: { base_lr: number; schedules: Record<string, readonly number[] | Plateau> } = goldenJson("schedules.json");
const learningRate = file.base_lr;

/** Ours for each entry of the file, under its full name: an entry that is not here fails. */
const ours: Readonly<Record<string, Schedule>> = {
  "StepLR(step_size=7,gamma=0.3)": stepRate({ learningRate, stepSize: 7, gamma: 0.3 }),
  "MultiStepLR([5,9,20],gamma=0.5)": multiStepRate({ learningRate, milestones: [5, 9, 20], gamma: 0.5 }),
  "ExponentialLR(gamma=0.93)": exponentialRate({ learningRate, gamma: 0.93 }),
  "CosineAnnealingLR(T_max=20,eta_min=0.001)": cosineRate({ learningRate, totalSteps: 20, minRate: 0.001 }),
  "CosineAnnealingWarmRestarts(T_0=6,T_mult=2)": cosineRestartsRate({ learningRate, firstCycle: 6, multiplier: 2 }),
  "LinearLR(start_factor=0.1,total_iters=10)": linearRate({ learningRate, startFactor: 0.1, totalSteps: 10 }),
  "OneCycleLR(max_lr=0.1,total_steps=40)": oneCycleRate({ maxRate: 0.1, totalSteps: 40 }),
  "PolynomialLR(total_iters=30,power=2)": polynomialRate({ learningRate, totalSteps: 30, power: 2 }),
};
const plateauName = "ReduceLROnPlateau(factor=0.5,patience=2,threshold=1e-3,cooldown=1,min_lr=0.004)";
const plateauOptions = { learningRate, factor: 0.5, patience: 2, threshold: 1e-3, cooldown: 1, minRate: 0.004 };

function expectNear(came: number, expected: number, step: number): void {
  // Relative to 1e-12; where PyTorch's own recurrence ends at exactly 0, absolute to its rounding.
  expect(Math.abs(came - expected), `step ${step}`).toBeLessThanOrEqual(1e-12 * Math.max(Math.abs(expected), 1e-6));
}

describe("PyTorch's values, every entry of schedules.json", () => {
  test("none is left out", () => {
    expect(Object.keys(file.schedules).sort()).toEqual([...Object.keys(ours), plateauName].sort());
  });

  test.each(Object.keys(ours))("%s", (name) => {
    const expected = file.schedules[name] as readonly number[];
    expect(expected).toHaveLength(40);
    expected.forEach((rate, step) => {
      expectNear(ours[name]!(step), rate, step);
    });
  });

  test(plateauName, () => {
    const { metric, lr_after } = file.schedules[plateauName] as Plateau;
    const rule = reduceOnPlateau(plateauOptions);
    let state = rule.initial;
    expect(metric).toHaveLength(40);
    metric.forEach((value, step) => {
      // Through JSON, as a checkpoint would keep it.
      state = JSON.parse(JSON.stringify(rule.next(state, value)));
      expectNear(state.rate, lr_after[step]!, step);
    });
    expect(state.rate).toBe(0.004);
  });
});

describe("beyond the file", () => {
  test("a schedule is a function of the step: order of asking does not matter", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(ours)), fc.array(fc.nat({ max: 100 })), (schedule, steps) => {
        const inOrder = Array.from({ length: 101 }, (_, step) => schedule(step));
        for (const step of steps) expect(schedule(step)).toBe(inOrder[step]);
      }),
    );
  });

  test("rates are finite and not negative far beyond the end", () => {
    for (const schedule of Object.values(ours)) {
      for (const step of [1000, 10 ** 6]) {
        expect(schedule(step)).toBeGreaterThanOrEqual(0);
        expect(schedule(step)).toBeLessThanOrEqual(0.1);
      }
    }
  });

  test("sequentialRate: warmup, then a cosine that counts from the milestone", () => {
    const warmup = linearRate({ learningRate: 1, startFactor: 0.5, totalSteps: 2 });
    const cosine = cosineRate({ learningRate: 1, totalSteps: 4 });
    const both = sequentialRate({
      schedules: [warmup, cosine, constantRate({ learningRate: 0.25 })],
      milestones: [2, 6],
    });
    const rates = Array.from({ length: 8 }, (_, step) => both(step));
    expect(rates.slice(0, 2)).toEqual([0.5, 0.75]);
    expect(rates.slice(2, 6)).toEqual([0, 1, 2, 3].map(cosine));
    expect(rates.slice(6)).toEqual([0.25, 0.25]);
    expect(() => sequentialRate({ schedules: [cosine], milestones: [3] })).toThrow(/1 schedules and 1 milestones/);
    expect(() => sequentialRate({ schedules: [cosine, cosine, cosine], milestones: [3, 2] })).toThrow(
      /milestones\[1\]/,
    );
  });

  test("cosine restarts of equal length repeat; one cycle along lines, with no warmup, and at its end", () => {
    const restarts = cosineRestartsRate({ learningRate, firstCycle: 5 });
    for (let step = 0; step < 5; step++) expect(restarts(step + 5 * 10 ** 9)).toBe(restarts(step));
    const lines = oneCycleRate({ maxRate: 1, totalSteps: 11, warmupRatio: 6 / 11, annealing: "linear", divisor: 2 });
    expect(lines(0)).toBe(0.5);
    expect(lines(1)).toBeCloseTo(0.6, 12);
    expect(lines(5)).toBeCloseTo(1, 12);
    expect(lines(10)).toBeCloseTo(0.5e-4, 12);
    expect(lines(11)).toBe(lines(10));
    expect(oneCycleRate({ maxRate: 1, totalSteps: 10, warmupRatio: 0 })(9)).toBeCloseTo(4e-6, 12);
    expect(oneCycleRate({ maxRate: 1, totalSteps: 10, warmupRatio: 1 })(9)).toBe(1);
  });

  test("takes what is worse for worse below 0 too, where losses of densities may lie", () => {
    for (const mode of ["min", "max"] as const) {
      const rule = reduceOnPlateau({ learningRate: 1, mode, patience: 0, threshold: 0.01 });
      const worse = mode === "min" ? 0.05 : -0.05;
      const first = rule.next(rule.initial, -10);
      expect(rule.next(first, -10 + worse)).toMatchObject({ rate: 0.1, best: -10 });
      expect(rule.next(first, -10 - 10 * worse)).toMatchObject({ rate: 1, best: -10 - 10 * worse });
    }
  });

  test("plateau: larger is better, absolute threshold, and not a number is no better", () => {
    const rule = reduceOnPlateau({
      learningRate: 1,
      patience: 1,
      mode: "max",
      threshold: 0.5,
      thresholdMode: "absolute",
    });
    const rates = (metrics: readonly number[]): number[] => {
      let state = rule.initial;
      return metrics.map((metric) => {
        state = rule.next(state, metric);
        return state.rate;
      });
    };
    expect(rates([1, 1.4, 1.6, 2, 2.05])).toEqual([1, 1, 1, 1, 0.1]);
    expect(rates([Number.NaN, Number.NaN, 5])).toEqual([1, 0.1, 0.1]);
  });

  test("wrong options name themselves", () => {
    expect(() => stepRate({ learningRate, stepSize: 0 })).toThrow(
      "stepSize: expected a whole number of at least 1, got 0",
    );
    expect(() => stepRate({ learningRate: -1, stepSize: 1 })).toThrow(/learningRate.*-1/);
    expect(() => exponentialRate({ learningRate, gamma: Number.NaN })).toThrow(/gamma.*NaN/);
    expect(() => oneCycleRate({ maxRate: 1, totalSteps: 5, warmupRatio: 2 })).toThrow(/warmupRatio.*from 0 to 1/);
    expect(() => multiStepRate({ learningRate, milestones: [0.5] })).toThrow(/milestones\[0\]/);
    for (const factor of [0, 1]) expect(() => reduceOnPlateau({ learningRate, factor })).toThrow(UsageError);
    expect(() => constantRate({ learningRate })(-1)).toThrow(/step/);
    expect(() => constantRate({ learningRate })(0.5)).toThrow(/step/);
  });
});
