/** Mean nats of predicting each target, from logits [T, V], in plain float64. */
export function crossEntropyOf(logits: ArrayLike<number>, targets: ArrayLike<number>): number {
  const V = logits.length / targets.length;
  let sum = 0;
  for (let t = 0; t < targets.length; t++) {
    const row = Array.prototype.slice.call(logits, t * V, (t + 1) * V) as number[];
    const most = Math.max(...row);
    sum += Math.log(row.reduce((s, v) => s + Math.exp(v - most), 0)) + most - row[targets[t]!]!;
  }
  return sum / targets.length;
}
