import { type ForecastWindow, windowInputs } from "../data/forecast-inputs.ts";
import { type ForecastLayout, widthsOf } from "../data/forecast-layout.ts";
import { LeastSquares } from "../run/baselines/least-squares.ts";

/** Least windows per weight: fitting n weights to m windows raises the unexplained error by about n ÷ m, here a tenth. */
const WINDOWS_PER_WEIGHT = 10;
/** Windows that are read together. */
const ROWS = 256;

/** Whether a linear map can be fitted: there are enough windows, all steps are predicted at once, and targets are not counts. */
export const fitsLinear = (windows: number, { context, decoding, counts }: ForecastLayout): boolean =>
  decoding === "direct" && !counts && windows >= WINDOWS_PER_WEIGHT * (context + 1);

/**
 * Fits the linear map from the last T values of each target to its H steps less their base (`windowInputs`), by least squares over the
 * training windows. Windows with a missing value are left out.
 *
 * @returns `weight` [D, T, H], `bias` [D, 1, H]
 */
export function fitLinear(
  windows: readonly ForecastWindow[],
  layout: ForecastLayout,
): { readonly weight: Float64Array; readonly bias: Float64Array } {
  const { context: T, horizon: H } = layout;
  const { targets: D, channels: C } = widthsOf(layout);
  const squares = Array.from({ length: D }, () => new LeastSquares(T + 1, H));
  const stride = squares[0]!.strideOf(windows.length * D);
  const chosen = windows.filter((_, k) => k % stride === 0);
  const [row, ahead] = [new Float64Array(T + 1).fill(1), new Float64Array(H)];
  for (let start = 0; start < chosen.length; start += ROWS) {
    const some = chosen.slice(start, start + ROWS);
    const B = some.length;
    const { x, y, base, mask } = windowInputs(some, layout, { learn: true });
    for (let b = 0; b < B; b++)
      for (let d = 0; d < D; d++) {
        for (let s = 0; s < T; s++) row[s] = x![(s * B + b) * C + d]!;
        let there = true;
        for (let h = 0; h < H; h++) {
          const at = (h * B + b) * D + d;
          ahead[h] = y![at]! - (base?.[at] ?? 0);
          there &&= mask?.[at] !== 0;
        }
        if (there) squares[d]!.add(row, ahead);
      }
  }
  const [weight, bias] = [new Float64Array(D * T * H), new Float64Array(D * H)];
  for (const [d, one] of squares.entries()) {
    const map = one.solve();
    weight.set(map.subarray(0, T * H), d * T * H);
    bias.set(map.subarray(T * H), d * H);
  }
  return { weight, bias };
}
