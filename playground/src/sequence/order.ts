import type { Band } from "longshort/components";
import { changeRate } from "longshort/explain";

export const ORDERS = ["change", "cluster", "number"] as const;
export type Order = (typeof ORDERS)[number];

/** Steps by which units are judged: more would keep the page's thread for too long. */
export const JUDGED = 1000;

/** Units of a band by how slowly they move, by likeness, or by number. */
export function orderedUnits(band: Band | undefined, all: number, sort: Order): number[] {
  if (!band) return [];
  const steps = Math.min(all, JUDGED);
  return ordered({ ...band, data: band.data.subarray(0, steps * band.units) }, steps, sort);
}

function ordered(band: Band, steps: number, sort: Order): number[] {
  const all = Array.from({ length: band.units }, (_, unit) => unit);
  if (sort === "number") return all;
  // Slowest first, of those that move at all; a unit that only counts up is not what one looks for.
  const level = withoutDrift(band, steps);
  const rates = changeRate({ shape: [steps, 1, band.units], data: level });
  if (sort === "change") return all.sort((a, b) => (rates[a]! || 9) - (rates[b]! || 9));
  return clustered(band, steps, all);
}

/** The values less the straight line from the first to the last of each unit. */
function withoutDrift({ data, units }: Band, steps: number): Float64Array {
  const last = Math.max(1, steps - 1);
  return Float64Array.from(data, (v, k) => {
    const [t, unit] = [Math.floor(k / units), k % units];
    const [from, to] = [data[unit]!, data[last * units + unit] ?? 0];
    return v - (from + ((to - from) * t) / last);
  });
}

/** A chain in which each unit is followed by the one left that is most like it (by correlation). */
function clustered({ data, units }: Band, steps: number, all: number[]): number[] {
  const every = Math.max(1, Math.floor(steps / 200));
  const rows = all.map((unit) => {
    const row: number[] = [];
    for (let t = 0; t < steps; t += every) row.push(data[t * units + unit]!);
    const middle = row.reduce((a, b) => a + b, 0) / row.length;
    const centred = row.map((v) => v - middle);
    const norm = Math.hypot(...centred) || 1;
    return centred.map((v) => v / norm);
  });
  const left = new Set(all);
  const chain = [0];
  left.delete(0);
  while (left.size > 0) {
    const last = rows[chain.at(-1)!]!;
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const unit of left) {
      const likeness = rows[unit]!.reduce((sum, v, k) => sum + v * last[k]!, 0);
      if (likeness > most) [best, most] = [unit, likeness];
    }
    chain.push(best);
    left.delete(best);
  }
  return chain;
}
