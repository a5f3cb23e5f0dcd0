/** Numbers of one column of one series: what a simple method predicts from. */
export interface BaselineSeries {
  /** [N], gaps filled with the value before. */
  readonly values: Float64Array;
  /** Steps that may be learned from: those before this one. */
  readonly trainEnd: number;
}

export interface BaselineOptions {
  /** T: steps that are looked back at, where a method needs to know. */
  readonly context: number;
  /** H */
  readonly horizon: number;
  /** Steps of one round; 1: none. */
  readonly season: number;
}

/** Predicts the H steps from `origin` on, of one of the series that it was fitted to. */
export interface Baseline {
  readonly name: string;
  predict(series: number, origin: number): Float64Array;
}
