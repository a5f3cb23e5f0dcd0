import type { Cell } from "../cells/define.ts";
import type { Series } from "../data/examples.ts";
import { normsOverTime } from "../explain/norms.ts";
import type { ReadTrace } from "../explain/read-trace.ts";
import { extremes } from "../shared/extremes.ts";
import { counted } from "./format.ts";
import type { Curve, StepMap } from "./inspected.ts";

/** Rows of a map of probabilities, at most. */
const MOST_ROWS = 12;
/** What is less likely than this at every step is not shown. */
const UNLIKELY = 0.05;

/** What a series holds, channel by channel. */
export function seriesMap({ channels, values }: Series): { readonly map: StepMap; readonly curves: readonly Curve[] } {
  const curves = Array.from({ length: channels }, (_, d) => ({
    label: channels === 1 ? "" : `channel ${d + 1}`,
    data: values.filter((_, at) => at % channels === d),
  }));
  const rows = curves.slice(0, MOST_ROWS).map(({ label, data }) => ({ label, values: data }));
  const some = channels > MOST_ROWS ? `, the first ${MOST_ROWS} of ${channels} channels` : "";
  return { map: { title: `the series${some}`, rows, ...rangeOf(values) }, curves };
}

/** A map of the names that are likely anywhere, in their order. */
export function likely(
  names: readonly string[],
  probabilities: readonly Readonly<Record<string, number>>[],
  { title, what: [one, several] }: { readonly title: string; readonly what: readonly [one: string, several: string] },
): StepMap {
  const most = (name: string): number => probabilities.reduce((high, one) => Math.max(high, one[name]!), 0);
  const chosen = new Set(
    names
      .map((name) => ({ name, most: most(name) }))
      .sort((a, b) => b.most - a.most)
      .filter((one, k) => k < MOST_ROWS && (k < 2 || one.most >= UNLIKELY))
      .map(({ name }) => name),
  );
  const left = names.length - chosen.size;
  const rows = names
    .filter((name) => chosen.has(name))
    .map((label) => ({ label, values: probabilities.map((one) => one[label]!) }));
  const out = left > 0 ? ` (${counted(left, `unlikely ${one}`, `unlikely ${several}`)} left out)` : "";
  return { title: title + out, rows, low: 0, high: 1 };
}

/** On which steps an answer, or each of several, hangs: ‖∂L/∂h_t‖ of every layer and direction. */
export function influence(
  on: string,
  { states }: Cell,
  traces: readonly Pick<ReadTrace, "gradients">[],
  names: readonly string[] = [],
): StepMap {
  const rows = traces.flatMap(({ gradients }, k) =>
    Object.entries(gradients)
      .filter(([, { name }]) => name === states[0]!.name)
      .map(([key, gradient]) => ({
        label: names.length > 1 ? `${names[k]} ${key}` : key,
        values: normsOverTime(gradient),
      })),
  );
  const [, most] = extremes(rows.flatMap(({ values }) => [...values]));
  // All are 0 where the answer is certain.
  const high = most > 0 ? most : 1;
  return { title: `influence of the state after each step on ${on}: norm of the gradient`, rows, low: 0, high };
}

/** From the least to the most of what are numbers. */
export function rangeOf(values: ArrayLike<number>): { readonly low: number; readonly high: number } {
  const [low, high] = extremes(Array.from(values).filter(Number.isFinite));
  if (low < high) return { low, high };
  const only = low === Infinity ? 0 : low;
  return { low: only - 1, high: only + 1 };
}
