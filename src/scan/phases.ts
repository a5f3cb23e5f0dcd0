import type { Width } from "../cells/define.ts";
import type { Expression } from "../math/expression.ts";
import type { Phase, Store } from "./program.ts";

export interface PlacedStore extends Store {
  readonly level: number;
  readonly width: Width;
}
export interface MeanJob {
  readonly mean: number;
  readonly values: readonly Expression[];
  readonly level: number;
  readonly width: Width;
}

/** What is done at each level and width, in order; empty phases are left out. */
export function phasesOf(
  stores: readonly PlacedStore[],
  means: readonly MeanJob[],
  products: readonly { readonly product: number; readonly level: number; readonly width: Width }[],
): Phase[] {
  const last = Math.max(0, ...[...stores, ...means, ...products].map((job) => job.level));
  const phases: Phase[] = [];
  for (let level = 0; level <= last; level++)
    for (const width of ["hidden", "projection"] as const) {
      const here = <T extends { level: number; width: Width }>(jobs: readonly T[]): T[] =>
        jobs.filter((j) => j.level === level && j.width === width);
      const phase: Phase = {
        ...{ level, width },
        products: here(products).map((p) => p.product),
        stores: here(stores).map(({ value, to }) => ({ value, to })),
        means: here(means).map(({ mean, values }) => ({ mean, values })),
      };
      if (phase.products.length + phase.stores.length + phase.means.length > 0) phases.push(phase);
    }
  return phases;
}
