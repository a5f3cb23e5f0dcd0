import { type ForecastWindow, levelOf, windowInputs } from "../data/forecast-inputs.ts";
import { type ForecastLayout, widthsOf } from "../data/forecast-layout.ts";
import { RandomStream } from "../shared/random.ts";
import { mapValues } from "../shared/records.ts";
import type { Distribution } from "./forecast-distribution.ts";
import type { ForecastPlans, InputArrays } from "./forecast-plans.ts";

export interface SamplePathsOptions {
  readonly plans: ForecastPlans;
  readonly layout: ForecastLayout;
  readonly distribution: Distribution;
  readonly horizon: number;
  /** Paths per window; 1 for a network that predicts points. */
  readonly samples: number;
  readonly seed: number;
  /** Awaited before each run (`takeTurns`). */
  readonly turns: () => Promise<void>;
}

/**
 * Samples futures of one window: each step is drawn from the distribution that the network predicts after the step before (ancestral
 * sampling). A draw depends on seed, window, step and target alone.
 *
 * @returns [samples][H · D] in the units of the series, or their logarithms if those are learned
 */
export async function samplePaths(
  window: ForecastWindow,
  index: number,
  options: SamplePathsOptions,
): Promise<Float64Array[]> {
  const { plans, layout, distribution, horizon, samples: R, seed, turns } = options;
  const { targets: D, channels: C, known: K } = widthsOf(layout);
  const { series, origin } = window;
  const E = C - D - K;
  const level = levelOf(series, origin, layout);
  const context = windowInputs([window], layout, { learn: false });
  await turns();
  let states = repeated((await plans.run(context, 1)).states, R, plans.layers);
  const paths = Array.from({ length: R }, () => new Float64Array(horizon * D));
  const x = new Float64Array(R * C);
  const { x: _, ...others } = context;
  const fixed = mapValues(others, (values) => tiled(values, R));
  const random = new RandomStream(seed, "paths", index);
  for (let h = 0; h < horizon; h++) {
    await turns();
    const now = origin + h;
    for (let r = 0; r < R; r++) {
      for (let d = 0; d < D; d++) {
        const value =
          h === 0
            ? series.targets[(now - 1) * D + d]!
            : (paths[r]![(h - 1) * D + d]! - series.center[d]!) / series.scale[d]!;
        x[r * C + d] = value - level[d]!;
      }
      // A sampled value is not missing.
      for (let e = 0; e < E; e++) x[r * C + D + e] = h === 0 ? series.past[(now - 1) * E + e]! : 1;
      for (let k = 0; k < K; k++) x[r * C + D + E + k] = series.known[now * K + k]!;
    }
    const step = await plans.run({ x, ...fixed }, R, states);
    states = step.states;
    for (let d = 0; d < D; d++) {
      const draws = random.at(h, d).uniform(R);
      for (let r = 0; r < R; r++) {
        const parameters = mapValues(step.prediction, (all) => all[r * D + d]!);
        const own = distribution.moved(parameters, series.center[d]!, series.scale[d]!);
        // Half a step of the generator away from 0 and 1.
        const drawn = distribution.quantile?.(own, draws[r]! + 2 ** -25) ?? distribution.point(own);
        paths[r]![h * D + d] = drawn;
      }
    }
  }
  return paths;
}

/** Repeats each row R times: [L, 1, W] to [L, R, W]. */
function repeated(states: InputArrays, R: number, layers: number): InputArrays {
  return mapValues(states, (from) => {
    const W = from.length / layers;
    const to = new Float64Array(layers * R * W);
    for (let l = 0; l < layers; l++)
      for (let r = 0; r < R; r++) for (let w = 0; w < W; w++) to[(l * R + r) * W + w] = from[l * W + w]!;
    return to;
  });
}

function tiled(from: ArrayLike<number>, times: number): Float64Array {
  const to = new Float64Array(from.length * times);
  for (let k = 0; k < times; k++) for (let i = 0; i < from.length; i++) to[k * from.length + i] = from[i]!;
  return to;
}
