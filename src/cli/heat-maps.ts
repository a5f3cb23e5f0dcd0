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

/** Units of one layer and direction. */
export interface UnitsOptions {
  /** Values to show, one block each. */
  readonly names: readonly string[];
  readonly layer: number;
  /** The direction that reads from the end; default the other one. */
  readonly reverse?: boolean;
  /** How many units, those whose values vary most. */
  readonly units: number;
}

export interface HeatMapsOptions extends UnitsOptions {
  readonly width: number;
  readonly color: boolean;
}

/** What is drawn of a trace. */
type Drawn = Pick<TextTrace, "tokens"> & {
  readonly values: Readonly<Record<string, Pick<TextTrace["values"][string], "shape" | "data">>>;
};

/** One heat map for each named value, with the same units in all of one width. */
export function heatMaps(trace: Drawn, options: HeatMapsOptions): string {
  const { names, width, color } = options;
  const sizeOf = (name: string): number => trace.values[keyOf(name, options)]!.shape[2];
  const sizes = [...new Set(names.map(sizeOf))];
  const units = new Map(
    sizes.map((size) => [size, liveliest(trace, { ...options, names: names.filter((one) => sizeOf(one) === size) })]),
  );
  return names
    .map((name) => {
      const { data } = trace.values[keyOf(name, options)]!;
      const size = sizeOf(name);
      const rows = units.get(size)!.map((unit) => ({
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

const keyOf = (name: string, { layer, reverse = false }: Pick<UnitsOptions, "layer" | "reverse">): string =>
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

/**
 * The units that vary most over the text, by the variances of all shown values together, in their own order. Where values have different
 * widths, as a projected state has, those that all have.
 */
export function liveliest(trace: Drawn, options: UnitsOptions): number[] {
  const steps = trace.tokens.length;
  const shown = options.names.map((name) => trace.values[keyOf(name, options)]!);
  const size = Math.min(...shown.map(({ shape }) => shape[2]));
  const scores = new Float64Array(size);
  for (const { data, shape } of shown) {
    // A cell state may reach 20 and more; measured by its own scale it does not outweigh the gates.
    const most = largest(data);
    for (let unit = 0; unit < size; unit++) {
      let sum = 0;
      let squares = 0;
      for (let t = 0; t < steps; t++) {
        const value = data[t * shape[2] + unit]!;
        sum += value;
        squares += value * value;
      }
      scores[unit]! += (squares / steps - (sum / steps) ** 2) / most ** 2;
    }
  }
  // Equal scores (a text of one character) leave the order of the units.
  return [...scores.keys()]
    .sort((a, b) => scores[b]! - scores[a]!)
    .slice(0, options.units)
    .sort((a, b) => a - b);
}
