/** Scores of forecasts of one column, over all steps, origins and series. */
export interface ForecastScores {
  /** Number of values compared; missing values are not. */
  readonly values: number;
  /** Mean absolute error, in the units of the column. */
  readonly mae: number;
  /** Root mean squared error, in the units of the column. */
  readonly rmse: number;
  /** Symmetric mean absolute percentage error: the mean of 200 |y − f| ÷ (|y| + |f|), in percent; 0 where both are 0. */
  readonly smape: number;
  /**
   * Mean absolute scaled error: relative to one-step seasonal naive forecasts on the training part (Hyndman & Koehler 2006). Below 1 is
   * better than those.
   */
  readonly mase: number;
  /** Mean squared error of series divided by the standard deviation of their training part. */
  readonly scaledMse: number;
  /** Mean absolute error of series divided by the standard deviation of their training part. */
  readonly scaledMae: number;
  /** Mean pinball loss over the levels, in the units of the column; undefined for point forecasts. */
  readonly pinball: number | undefined;
  /** Share of values between the lowest and the highest quantile. */
  readonly coverage: number | undefined;
  /** The share that should be between them. */
  readonly nominal: number | undefined;
}

/** One forecast beside what came. */
export interface Compared {
  /** NaN where nothing was measured. */
  readonly truth: ArrayLike<number>;
  readonly point: ArrayLike<number>;
  readonly quantiles: readonly { readonly level: number; readonly values: ArrayLike<number> }[];
  /** What absolute errors are divided by for MASE; NaN leaves them out. */
  readonly naiveError: number;
  /** What errors are divided by for the scaled ones. */
  readonly scale: number;
}

/** Adds up errors of forecasts. */
export class ForecastScorer {
  private readonly sums = { n: 0, absolute: 0, squares: 0, smape: 0, mase: 0, masen: 0, ss: 0, sa: 0 };
  private readonly intervals = { n: 0, pinball: 0, levels: 0, inside: 0, nominal: 0 };

  add({ truth, point, quantiles, naiveError, scale }: Compared): void {
    const { sums, intervals } = this;
    for (let h = 0; h < truth.length; h++) {
      const [y, f] = [truth[h]!, point[h]!];
      if (Number.isNaN(y)) continue;
      const error = Math.abs(y - f);
      sums.n += 1;
      sums.absolute += error;
      sums.squares += error * error;
      sums.smape += error === 0 ? 0 : (200 * error) / (Math.abs(y) + Math.abs(f));
      sums.sa += error / scale;
      sums.ss += (error / scale) ** 2;
      if (naiveError > 0) {
        sums.mase += error / naiveError;
        sums.masen += 1;
      }
      if (quantiles.length === 0) continue;
      const [low, high] = [quantiles[0]!, quantiles.at(-1)!];
      intervals.n += 1;
      intervals.inside += y >= low.values[h]! && y <= high.values[h]! ? 1 : 0;
      intervals.nominal = high.level - low.level;
      for (const { level, values } of quantiles) {
        const d = y - values[h]!;
        intervals.pinball += Math.max(level * d, (level - 1) * d);
        intervals.levels += 1;
      }
    }
  }

  scores(): ForecastScores {
    const { n, absolute, squares, smape, mase, masen, ss, sa } = this.sums;
    const { intervals: i } = this;
    return {
      ...{ values: n, mae: absolute / n, rmse: Math.sqrt(squares / n), smape: smape / n },
      ...{ mase: masen > 0 ? mase / masen : Number.NaN, scaledMse: ss / n, scaledMae: sa / n },
      pinball: i.n > 0 ? i.pinball / i.levels : undefined,
      coverage: i.n > 0 && i.nominal > 0 ? i.inside / i.n : undefined,
      nominal: i.n > 0 && i.nominal > 0 ? i.nominal : undefined,
    };
  }
}
