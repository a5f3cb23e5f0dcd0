import { heatMapLegend, renderHeatMap } from "../explain/heat-map.ts";
import type { TextTrace } from "../explain/trace-text.ts";
import { traceKey } from "../explain/traced-array.ts";
import { extremes } from "../shared/extremes.ts";
import type { StepMap } from "./inspected.ts";

/** What the named values of cells are called in the literature; a name that is not here stands for itself. */
const MEANING: Readonly<Record<string, string>> = {
  i: "input gate",
  f: "forget gate",
  g: "candidate",
  o: "output gate",
  c: "cell state",
  h: "hidden state (output)",
  r: "reset gate",
  z: "update gate",
  n: "candidate",
};

/** What a named value is called in the literature; "" for a name that is not known. */
export const meaningOf = (name: string): string => (Object.hasOwn(MEANING, name) ? MEANING[name]! : "");

export interface HeatMapsOptions {
  /** Values to show, one block each. */
  readonly names: readonly string[];
  readonly layer: number;
  /** The direction that reads from the end; default the other one. */
  readonly reverse?: boolean;
  /** How many units, those whose values vary most. */
  readonly units: number;
  readonly width: number;
  readonly color: boolean;
}

/** What is drawn of a trace. */
type Drawn = Pick<TextTrace, "tokens"> & {
  readonly values: Readonly<Record<string, Pick<TextTrace["values"][string], "shape" | "data">>>;
};

/** One heat map for each named value, with the same units in all. */
export function heatMaps(trace: Drawn, options: HeatMapsOptions): string {
  const { names, width, color } = options;
  const units = liveliest(trace, options);
  return names
    .map((name) => {
      const { shape, data } = trace.values[keyOf(name, options)]!;
      const size = shape[2];
      const rows = units.map((unit) => ({
        label: `unit ${unit}`,
        values: trace.tokens.map((_, t) => data[t * size + unit]!),
      }));
      const scale = scaleOf(rows.flatMap(({ values }) => values));
      const meaning = meaningOf(name) && `  ${meaningOf(name)}`;
      const title = `${name}${meaning}${options.reverse ? ", read from the end" : ""}   ${heatMapLegend({ ...scale, color })}`;
      return renderHeatMap({ title, columns: trace.tokens, rows, ...scale, width, color });
    })
    .join("\n");
}

/** What was read, or said, at each step. */
export const stepMap = (
  { title, rows, low, high }: StepMap,
  columns: readonly string[],
  drawn: { readonly width: number; readonly color: boolean },
): string =>
  renderHeatMap({
    title: `${title}   ${heatMapLegend({ low, high, color: drawn.color })}`,
    ...{ columns, rows, low, high, ...drawn },
  });

const keyOf = (name: string, { layer, reverse = false }: Pick<HeatMapsOptions, "layer" | "reverse">): string =>
  traceKey({ name, layer, reverse });

/** 0 … 1 for what stays within it, as gates do; else the same on both sides of 0. */
function scaleOf(values: readonly number[]): { low: number; high: number } {
  const most = largest(values);
  return most === 1 && values.every((value) => value >= 0) ? { low: 0, high: 1 } : { low: -most, high: most };
}

/** The largest magnitude, at least 1. */
function largest(values: Iterable<number>): number {
  const [low, high] = extremes(values);
  return Math.max(1, -low, high);
}

/** The units that vary most over the text, by the variances of all shown values together, in their own order. */
function liveliest(trace: Drawn, options: HeatMapsOptions): number[] {
  const { names, units } = options;
  const size = trace.values[keyOf(names[0]!, options)]!.shape[2];
  // A cell state may reach 20 and more; measured by its own scale it does not outweigh the gates.
  const most = Object.fromEntries(names.map((name) => [name, largest(trace.values[keyOf(name, options)]!.data)]));
  const scores = Array.from({ length: size }, (_, unit) => {
    let score = 0;
    for (const name of names) {
      const { data } = trace.values[keyOf(name, options)]!;
      const steps = trace.tokens.length;
      let sum = 0;
      let squares = 0;
      for (let t = 0; t < steps; t++) {
        const value = data[t * size + unit]!;
        sum += value;
        squares += value * value;
      }
      score += (squares / steps - (sum / steps) ** 2) / most[name]! ** 2;
    }
    return { unit, score };
  });
  // Equal scores (a text of one character) leave the order of the units.
  return scores
    .sort((a, b) => b.score - a.score)
    .slice(0, units)
    .map(({ unit }) => unit)
    .sort((a, b) => a - b);
}
