import { type PlateauOptions, reduceOnPlateau } from "../../../src/train/plateau.ts";
import * as rates from "../../../src/train/schedules.ts";
import { type EffectTable, shows } from "./effects.ts";

/** The rates of the first steps. */
const curve =
  <O>(make: (options: O) => rates.Schedule) =>
  (options: O): number[] =>
    Array.from({ length: 12 }, (_, step) => make(options)(step));
type Of<F> = F extends (options: infer O) => unknown ? O & object : never;

const metrics = [1, 0.99999, 2, 0.9, 1.5, 1.5, 1.5, 0.5, 0.35, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
const based = { learningRate: [2] } as const;

export const schedules: EffectTable = {
  constantRate: shows(curve<Of<typeof rates.constantRate>>(rates.constantRate), { learningRate: 1 }, based),
  stepRate: shows(
    curve<Of<typeof rates.stepRate>>(rates.stepRate),
    { learningRate: 1, stepSize: 3 },
    { ...based, stepSize: [2], gamma: [0.5] },
  ),
  multiStepRate: shows(
    curve<Of<typeof rates.multiStepRate>>(rates.multiStepRate),
    { learningRate: 1, milestones: [3] },
    {
      ...based,
      ...{ milestones: [[4]], gamma: [0.5] },
    },
  ),
  exponentialRate: shows(
    curve<Of<typeof rates.exponentialRate>>(rates.exponentialRate),
    { learningRate: 1, gamma: 0.9 },
    { ...based, gamma: [0.8] },
  ),
  cosineRate: shows(
    curve<Of<typeof rates.cosineRate>>(rates.cosineRate),
    { learningRate: 1, totalSteps: 10 },
    {
      ...based,
      ...{ totalSteps: [9], minRate: [0.1] },
    },
  ),
  cosineRestartsRate: shows(
    curve<Of<typeof rates.cosineRestartsRate>>(rates.cosineRestartsRate),
    { learningRate: 1, firstCycle: 4 },
    {
      ...based,
      ...{ firstCycle: [3], multiplier: [2], minRate: [0.1] },
    },
  ),
  linearRate: shows(
    curve<Of<typeof rates.linearRate>>(rates.linearRate),
    { learningRate: 1 },
    {
      ...based,
      ...{ startFactor: [0.1], endFactor: [0.9], totalSteps: [8] },
    },
  ),
  polynomialRate: shows(
    curve<Of<typeof rates.polynomialRate>>(rates.polynomialRate),
    { learningRate: 1 },
    {
      ...based,
      ...{ totalSteps: [8], power: [2] },
    },
  ),
  oneCycleRate: shows(
    curve<Of<typeof rates.oneCycleRate>>(rates.oneCycleRate),
    { maxRate: 1, totalSteps: 10 },
    {
      ...{ maxRate: [2], totalSteps: [9], warmupRatio: [0.5], divisor: [5], finalDivisor: [10], annealing: ["linear"] },
    },
  ),
  sequentialRate: shows(
    curve<Of<typeof rates.sequentialRate>>(rates.sequentialRate),
    { schedules: [rates.constantRate({ learningRate: 1 }), rates.constantRate({ learningRate: 2 })], milestones: [4] },
    {
      schedules: [[rates.constantRate({ learningRate: 1 }), rates.constantRate({ learningRate: 3 })]],
      milestones: [[5]],
    },
  ),
  reduceOnPlateau: shows(
    (options: PlateauOptions) => {
      const rule = reduceOnPlateau(options);
      let state = rule.initial;
      return metrics.map((metric) => {
        state = rule.next(state, metric);
        return state.rate;
      });
    },
    { learningRate: 1, patience: 1 },
    {
      ...{
        learningRate: [2],
        factor: [0.5],
        patience: [2],
        threshold: [0.5],
        mode: ["max"],
        cooldown: [2],
        minRate: [0.5],
      },
      thresholdMode: ["absolute", { threshold: 0.2 }],
    },
  ),
};
