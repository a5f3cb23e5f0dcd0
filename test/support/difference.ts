/**
 * How far `a` is from the expected values `b`: max|a − b| / max(1e-3, max|b|) over the whole tensor. A NaN anywhere or
 * another length is Infinity, so no broken result can look near; equal infinities at the same place count as equal.
 */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let scale = 1e-3;
  for (let i = 0; i < a.length; i++) {
    const came = a[i]!;
    const expected = b[i]!;
    if (Number.isNaN(came) || Number.isNaN(expected)) return Number.POSITIVE_INFINITY;
    if (came === expected && !Number.isFinite(expected)) continue;
    largest = Math.max(largest, Math.abs(came - expected));
    scale = Math.max(scale, Math.abs(expected));
  }
  return largest === 0 ? 0 : Number.isFinite(largest) ? largest / scale : Number.POSITIVE_INFINITY;
}
