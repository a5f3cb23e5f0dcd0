import type { Baseline, BaselineOptions, BaselineSeries } from "./baseline.ts";

/** Weights of a new observation in level α, trend β and season γ, and how much of the trend lasts to the next step, φ. */
interface Weights {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly phi: number;
}

/** What is remembered after each step. */
interface States {
  readonly level: Float64Array;
  readonly trend: Float64Array;
  readonly season: Float64Array;
  /** Mean squared error of predictions of the next step, over the steps before `end`. */
  readonly error: number;
}

/**
 * Exponential smoothing with additive errors: level; level and damped trend; each with an additive season where there is one. Weights minimize the squared
 * errors of the next step over the training part, the form is that of the least AIC; both for each series.
 *
 * @see Hyndman et al., "Forecasting with Exponential Smoothing" (2008), ETS(A,N,N), (A,Ad,N), (A,N,A), (A,Ad,A)
 */
export function exponentialSmoothing(all: readonly BaselineSeries[], { horizon, season }: BaselineOptions): Baseline {
  const fitted = all.map(({ values, trainEnd }) => {
    const seasonal = season > 1 && trainEnd >= 2 * season + 2;
    const forms = [false, true].flatMap((trend) => (seasonal ? [false, true] : [false]).map((s) => ({ trend, s })));
    const found = forms.map(({ trend, s }) => {
      const m = s ? season : 1;
      const { weights, error } = best(values, trainEnd, m, trend);
      const parameters = 2 + (trend ? 3 : 0) + (s ? 1 + m : 0);
      return { weights, m, aic: trainEnd * Math.log(error + 1e-300) + 2 * parameters };
    });
    const { weights, m } = found.reduce((best, one) => (one.aic < best.aic ? one : best));
    return { ...smooth(values, values.length, m, weights), m, phi: weights.phi };
  });
  return {
    name: "exponential smoothing",
    predict(k, origin) {
      const { level, trend, season: seasons, m, phi } = fitted[k]!;
      const t = origin - 1;
      let damped = 0;
      return Float64Array.from({ length: horizon }, (_, h) => {
        damped = phi * (damped + 1);
        const round = m > 1 ? seasons[Math.max(0, origin - m + (h % m))]! : 0;
        return level[t]! + damped * trend[t]! + round;
      });
    },
  };
}

/** Weights by pattern search: each is moved up and down, in smaller and smaller steps. */
function best(values: Float64Array, end: number, m: number, trend: boolean): { weights: Weights; error: number } {
  const free = ["alpha", ...(trend ? ["beta", "phi"] : []), ...(m > 1 ? ["gamma"] : [])] as (keyof Weights)[];
  const range = { alpha: [1e-4, 0.9999], beta: [1e-4, 0.5], gamma: [1e-4, 0.9], phi: [0.8, 0.98] } as const;
  let weights: Weights = { alpha: 0.3, beta: trend ? 0.05 : 0, gamma: m > 1 ? 0.1 : 0, phi: trend ? 0.95 : 0 };
  let { error } = smooth(values, end, m, weights);
  for (let step = 0.4; step > 0.01; step /= 2) {
    for (let round = 0, moved = true; moved && round < 10; round++) {
      moved = false;
      for (const name of free)
        for (const sign of [-1, 1]) {
          const [low, high] = range[name];
          const value = Math.min(high, Math.max(low, weights[name] + sign * step * (high - low)));
          const tried = { ...weights, [name]: value };
          const found = smooth(values, end, m, tried).error;
          if (found < error) [weights, error, moved] = [tried, found, true];
        }
    }
  }
  return { weights, error };
}

/** Runs over all values; errors are counted before `end`, behind the first season. */
function smooth(values: Float64Array, end: number, m: number, { alpha, beta, gamma, phi }: Weights): States {
  const N = values.length;
  const [level, trend, season] = [new Float64Array(N), new Float64Array(N), new Float64Array(N)];
  const first = Math.min(m, N);
  let start = 0;
  for (let t = 0; t < first; t++) start += values[t]! / first;
  let squares = 0;
  for (let t = 0; t < N; t++) {
    if (t < first) {
      // The first season tells how each of its steps is off its mean.
      level[t] = m > 1 ? start : values[t]!;
      season[t] = m > 1 ? values[t]! - start : 0;
      continue;
    }
    const [before, slope, round] = [level[t - 1]!, phi * trend[t - 1]!, m > 1 ? season[t - m]! : 0];
    const error = values[t]! - before - slope - round;
    level[t] = before + slope + alpha * error;
    trend[t] = slope + beta * error;
    season[t] = m > 1 ? round + gamma * error : 0;
    if (t < end) squares += error * error;
  }
  return { level, trend, season, error: squares / Math.max(1, end - first) };
}
