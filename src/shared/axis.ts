// Charts are drawn here, in the playground and, by a script whose text is put into a page, there: each function may use nothing
// from outside itself.

/** About `count` round numbers from low to high, not closer than `least`. */
export function ticks(low: number, high: number, count: number, least = 0): number[] {
  const raw = Math.max((high - low) / count, least) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step);
}

/** The ends of an axis for values from low to high: with some air, also where all values are the same one. */
export function withAir(low: number, high: number): [number, number] {
  const air = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - air, high + air];
}

/** A number as an axis shows it: with five figures, or all those before the point. */
export function shownNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return value.toLocaleString("en-US", {
    ...{ maximumSignificantDigits: 5, maximumFractionDigits: 0, roundingPriority: "morePrecision" },
    signDisplay: "negative",
  });
}
