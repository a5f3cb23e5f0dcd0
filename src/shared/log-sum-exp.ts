/** log(Σ e^x ÷ `divisor`), without the powers that would become 0 or infinite; −∞ where all are 0. */
export function logSumExp(logs: ArrayLike<number>, divisor = 1): number {
  const all = Array.from(logs);
  const largest = Math.max(...all, -Number.MAX_VALUE);
  return largest + Math.log(all.reduce((sum, x) => sum + Math.exp(x - largest), 0) / divisor);
}
