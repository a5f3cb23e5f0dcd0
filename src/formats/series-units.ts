import type { ForecastLayout } from "../data/forecast-layout.ts";
import type { ParameterForm } from "../models/forecast-heads.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { CanonicalInput } from "./canonical.ts";
import type { NetworkBuilder } from "./network-builder.ts";

/** How the numbers of series become those that a network reads, and what it says becomes numbers of the series. */
export interface SeriesUnits {
  /** An input that says of which series the numbers are, where several were learned from. */
  readonly inputs: readonly CanonicalInput[];
  /** (x − center) ÷ scale of the columns of the last axis. */
  scaled(columns: Columns, input: string): string;
  /** center + scale · x, of the targets. */
  placed(name: string, input: string): string;
  /** (x + least) · factor, in the unit that the form says, of the targets. */
  sized(name: string, form: ParameterForm, factors: readonly number[], input: string): string;
}

/** Columns that are read together. */
export interface Columns {
  /** What they are called together. */
  readonly name: string;
  /** Undefined: one that is not scaled. */
  readonly names: readonly (string | undefined)[];
}

/** [B, 1]: TensorFlow.js makes that of a vector. */
const SERIES = { name: "series", shape: [1], type: "int" } as const satisfies CanonicalInput;

/** The units of the series of a layout: their scales are numbers of the network. */
export function seriesUnits(network: NetworkBuilder, { scales, targets }: ForecastLayout): SeriesUnits {
  const all = Object.values(scales);
  const columns = all.flatMap((columns) => Object.values(columns));
  if (columns.every(({ center, scale }) => center === 0 && scale === 1)) return asTheyAre(network);
  const of = (k: number, column: string | undefined) =>
    (column === undefined ? undefined : all[k]?.[column]) ?? { center: 0, scale: 1 };
  return all.length === 1
    ? ofOne(network, targets, (column) => of(0, column))
    : ofMany(network, targets, all.length, of);
}

type Names = readonly (string | undefined)[];
interface Measure {
  readonly center: number;
  readonly scale: number;
}

const asTheyAre = (network: NetworkBuilder): SeriesUnits => ({
  inputs: [],
  scaled: (_, input) => input,
  placed: (_, input) => input,
  sized: (name, form, factors, input) => network.addAffine(name, sizes(form, factors), input),
});

/** Numbers of the one series, which are constants. */
const ofOne = (network: NetworkBuilder, targets: Names, of: (column: string | undefined) => Measure): SeriesUnits => ({
  inputs: [],
  scaled: ({ names }, input) =>
    network.addStandardization(
      `${input}.scaled`,
      { mean: names.map((column) => of(column).center), deviation: names.map((column) => of(column).scale) },
      input,
    ),
  placed: (name, input) =>
    network.addAffine(
      name,
      { scale: targets.map((d) => of(d).scale), offset: targets.map((d) => of(d).center) },
      input,
    ),
  sized: (name, form, factors, input) =>
    network.addAffine(
      name,
      sizes(
        form,
        factors.map((factor, d) => factor * of(targets[d]).scale ** (form.power ?? 1)),
      ),
      input,
    ),
});

const sizes = ({ least = 0 }: ParameterForm, factors: readonly number[]) => ({
  scale: factors,
  offset: factors.map((factor) => factor * least),
});

/** Numbers of each series, in tables whose first row stands for one that is scaled by itself. */
function ofMany(
  network: NetworkBuilder,
  targets: Names,
  count: number,
  of: (k: number, column: string | undefined) => Measure,
): SeriesUnits {
  const made = new Map<string, string>();
  /** [B, 1, columns] of the series that are asked for. */
  const table = (name: string, columns: Names, numberOf: (measure: Measure) => number): string => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const rows = Array.from({ length: count + 1 }, (_, k) => columns.map((column) => numberOf(of(k - 1, column))));
    const weight: NamedTensor = { shape: [count + 1, columns.length], data: Float64Array.from(rows.flat()) };
    const form = { kind: "embedding", vocabularySize: count + 1, embeddingSize: columns.length } as const;
    const value = network.add(name, { ...form, maskZero: false }, SERIES.name, { weight });
    made.set(name, value);
    return value;
  };
  return {
    inputs: [SERIES],
    scaled({ name, names }, input) {
      const below = table(`${name}.below`, names, ({ center }) => -center);
      const off = network.combine(`${input}.off`, "add", [input, below]);
      const inverse = table(`${name}.inverse`, names, ({ scale }) => 1 / scale);
      return network.combine(`${input}.scaled`, "multiply", [off, inverse]);
    },
    placed(name, input) {
      const scaled = network.combine(`${name}.scaled`, "multiply", [
        input,
        table("targets.scale", targets, ({ scale }) => scale),
      ]);
      return network.combine(name, "add", [scaled, table("targets.center", targets, ({ center }) => center)]);
    },
    sized(name, form, factors, input) {
      const { power = 1 } = form;
      const size = network.addAffine(power === 0 ? name : `${name}.scaled`, sizes(form, factors), input);
      if (power === 0) return size;
      const units = table(power === 1 ? "targets.scale" : `${name}.unit`, targets, ({ scale }) => scale ** power);
      return network.combine(name, "multiply", [size, units]);
    },
  };
}
