import type { Baseline, BaselineOptions, BaselineSeries } from "./baseline.ts";

/** Smoothing parameters of level (α), trend (β) and season (γ), and the damping of the trend (φ). */
interface Weights {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly phi: number;
}

/** Initial states. */
interface Start {
  readonly level: number;
  readonly trend: number;
  /** [m], of the first m steps; all 0 where there is no season. */
  readonly season: Float64Array;
}

/** States after each step. */
interface States {
  readonly level: Float64Array;
  readonly trend: Float64Array;
  /** [m + N]: seasonal components, m steps ahead of the level. */
  readonly season: Float64Array;
  /** Mean squared error of predictions of the next step, over the steps before `end`. */
  readonly error: number;
}

type Range = readonly [least: number, most: number];
const NONE: Range = [0, 0];

/** Kinds of trend: the range of φ, and the number of parameters. */
const TRENDS = {
  none: { phi: NONE, parameters: 0 },
  straight: { phi: [1, 1], parameters: 2 },
  damped: { phi: [0.8, 0.98], parameters: 3 },
} as const satisfies Record<string, { phi: Range; parameters: number }>;
type Trend = keyof typeof TRENDS;

/**
 * Exponential smoothing with additive errors: level; level and trend; level and damped trend; each with an additive season where there is one. Weights minimize
 * the squared errors of the next step over the training part, the form is that of the least AIC; both for each series.
 *
 * @see Hyndman et al., "Forecasting with Exponential Smoothing" (2008), ETS(A,N,N), (A,A,N), (A,Ad,N), (A,N,A), (A,A,A), (A,Ad,A)
 */
export function exponentialSmoothing(all: readonly BaselineSeries[], { horizon, season }: BaselineOptions): Baseline {
  const fitted = all.map(({ values, trainEnd }) => {
    const seasonal = season > 1 && trainEnd >= 2 * season + 2;
    const forms = (Object.keys(TRENDS) as Trend[]).flatMap((trend) =>
      [1, ...(seasonal ? [season] : [])].map((m) => ({ trend, m })),
    );
    const found = forms.map(({ trend, m }) => {
      const start = begin(values.subarray(0, trainEnd), m, trend);
      const { weights, error } = best(values, trainEnd, start, trend);
      const parameters = 2 + TRENDS[trend].parameters + (m > 1 ? 1 + m : 0);
      return { start, weights, aic: trainEnd * Math.log(error + 1e-300) + 2 * parameters };
    });
    const { start, weights } = found.reduce((best, one) => (one.aic < best.aic ? one : best));
    return { ...smooth(values, values.length, start, weights), m: start.season.length, phi: weights.phi };
  });
  return {
    name: "exponential smoothing",
    predict(k, origin) {
      const { level, trend, season: seasons, m, phi } = fitted[k]!;
      const t = origin - 1;
      let damped = 0;
      return Float64Array.from({ length: horizon }, (_, h) => {
        damped = phi * (damped + 1);
        return level[t]! + damped * trend[t]! + seasons[origin + (h % m)]!;
      });
    },
  };
}

/** Most seasons from which the initial season is estimated. */
const ROUNDS = 5;
/** Values to which the initial line is fitted, or two seasons if that is more. */
const LINE = 10;

/**
 * Initial states: the season is the mean deviation from a moving average over one season; level and trend are the straight line through
 * the first deseasonalized values.
 * @see Hyndman et al. (2008), section 2.6.1
 */
function begin(values: Float64Array, m: number, trend: Trend): Start {
  const season = new Float64Array(m);
  if (m > 1) {
    const half = m >> 1;
    const end = m * Math.min(ROUNDS, Math.floor(values.length / m));
    const counts = new Float64Array(m);
    for (let t = half; t + half < end; t++) {
      let off = values[t]!;
      // For an even m the two ends of the average have half the weight.
      for (let d = -half; d <= half; d++) off -= (values[t + d]! * (2 * Math.abs(d) === m ? 0.5 : 1)) / m;
      season[t % m]! += off;
      counts[t % m]! += 1;
    }
    for (let j = 0; j < m; j++) season[j]! /= counts[j]!;
    const mean = season.reduce((sum, value) => sum + value, 0) / m;
    for (let j = 0; j < m; j++) season[j]! -= mean;
  }
  const n = Math.min(values.length, Math.max(LINE, 2 * m));
  const middle = (n + 1) / 2;
  let [mean, slope] = [0, 0];
  for (let t = 0; t < n; t++) {
    const value = values[t]! - season[t % m]!;
    mean += value / n;
    slope += (value * (t + 1 - middle)) / ((n * (n * n - 1)) / 12);
  }
  return trend === "none" || n < 2
    ? { level: mean, trend: 0, season }
    : { level: mean - slope * middle, trend: slope, season };
}

/** Fits the weights by pattern search: each is moved up and down, in smaller and smaller steps. */
function best(values: Float64Array, end: number, start: Start, trend: Trend): { weights: Weights; error: number } {
  const m = start.season.length;
  const range: Record<keyof Weights, Range> = {
    alpha: [1e-4, 0.9999],
    beta: trend === "none" ? NONE : [1e-4, 0.5],
    gamma: m > 1 ? [1e-4, 0.9] : NONE,
    phi: TRENDS[trend].phi,
  };
  const names = Object.keys(range) as (keyof Weights)[];
  const free = names.filter((name) => range[name][0] < range[name][1]);
  const within = (name: keyof Weights, value: number): number =>
    Math.min(range[name][1], Math.max(range[name][0], value));
  let weights: Weights = {
    alpha: within("alpha", 0.3),
    beta: within("beta", 0.05),
    gamma: within("gamma", 0.1),
    phi: within("phi", 0.95),
  };
  let { error } = smooth(values, end, start, weights);
  for (let step = 0.4; step > 0.01; step /= 2) {
    for (let round = 0, moved = true; moved && round < 10; round++) {
      moved = false;
      for (const name of free)
        for (const sign of [-1, 1]) {
          const [low, high] = range[name];
          const tried = { ...weights, [name]: within(name, weights[name] + sign * step * (high - low)) };
          const found = smooth(values, end, start, tried).error;
          if (found < error) [weights, error, moved] = [tried, found, true];
        }
    }
  }
  return { weights, error };
}

/** Runs over all values; the error is over the steps before `end`. */
function smooth(values: Float64Array, end: number, start: Start, { alpha, beta, gamma, phi }: Weights): States {
  const N = values.length;
  const m = start.season.length;
  const [level, trend, season] = [new Float64Array(N), new Float64Array(N), new Float64Array(m + N)];
  season.set(start.season);
  let squares = 0;
  for (let t = 0; t < N; t++) {
    const [before, slope] = t > 0 ? [level[t - 1]!, phi * trend[t - 1]!] : [start.level, phi * start.trend];
    const error = values[t]! - before - slope - season[t]!;
    level[t] = before + slope + alpha * error;
    trend[t] = slope + beta * error;
    season[t + m] = season[t]! + gamma * error;
    if (t < end) squares += error * error;
  }
  return { level, trend, season, error: squares / Math.max(1, end) };
}
