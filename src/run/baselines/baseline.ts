/** One column of one series. */
export interface BaselineSeries {
  /** [N], gaps filled with the value before. */
  readonly values: Float64Array;
  /** End of the training part: the baseline is fitted to the steps before it. */
  readonly trainEnd: number;
}

export interface BaselineOptions {
  /** T: past steps that a method may read. */
  readonly context: number;
  /** H */
  readonly horizon: number;
  /** Steps per season; 1: none. */
  readonly season: number;
}

/** Predicts the H steps from `origin` on, of one of the series that it was fitted to. */
export interface Baseline {
  readonly name: string;
  predict(series: number, origin: number): Float64Array;
}
