import { describe, UsageError } from "../shared/errors.ts";

/** A multichannel series: `channels` numbers per step, step by step. */
export interface Series {
  /** D: numbers per step. */
  readonly channels: number;
  /** [T · channels], all finite. */
  readonly values: Float64Array;
}

/** Texts or series with their labels. */
export interface Examples<Input extends string | Series = string | Series> {
  /** The texts or series. */
  readonly inputs: readonly Input[];
  /** For each input the name of its class, or a number in decimal notation. */
  readonly labels: readonly string[];
  /** Where each example comes from, for messages: "reviews.csv, line 3". Default: numbers from 1. */
  readonly places?: readonly string[] | undefined;
}

/** From a file, where everything has a place. */
export type Placed<Read extends { readonly places?: unknown }> = Read & { readonly places: readonly string[] };

/** How messages call one of the examples. */
export const placeOf = (places: readonly string[] | undefined, index: number): string =>
  places?.[index] ?? `example ${index + 1}`;

/** Refuses what does not hold these two lists. @throws UsageError "bad-option" */
export function expectLists(name: string, value: object, lists: readonly [string, string]): void {
  const held = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!lists.every((list) => Array.isArray(held[list])))
    throw new UsageError("bad-option", `${name}: expected { ${lists.join(", ")} }, got ${describe(value)}`);
}

/** Checks examples, and says what they are of. @throws UsageError "no-examples", "bad-option" */
export function expectExamples(name: string, examples: Examples): "texts" | "series" {
  expectLists(name, examples, ["inputs", "labels"]);
  const { inputs, labels } = examples;
  if (inputs.length === 0)
    throw new UsageError("no-examples", `${name}: expected texts or series with labels, got none`);
  if (inputs.length !== labels.length)
    throw new UsageError("bad-option", `${name}: ${inputs.length} inputs, but ${labels.length} labels`);
  const other = labels.findIndex((label) => typeof label !== "string");
  if (other >= 0)
    throw new UsageError(
      "bad-option",
      `${name}: ${placeOf(examples.places, other)}: expected its label as text (a number, too: "1"), got ${describe(labels[other])}`,
    );
  return typeof inputs[0] === "string" ? "texts" : "series";
}

/** Inputs without labels. */
export type Unlabelled<Input extends string | Series = string | Series> = Omit<Examples<Input>, "labels"> & {
  readonly labels?: undefined;
};

/** Those with these indices, in their order. */
export function pick<Input extends string | Series>(
  { inputs, labels, places }: Examples<Input>,
  indices: readonly number[],
): Examples<Input> {
  return {
    inputs: indices.map((k) => inputs[k]!),
    labels: indices.map((k) => labels[k]!),
    ...(places && { places: indices.map((k) => places[k]!) }),
  };
}

/** Returns the different labels: integers in numeric order, others sorted as text. */
export function classesOf({ labels }: Pick<Examples, "labels">): string[] {
  const classes = [...new Set(labels)];
  if (classes.length < 2)
    throw new UsageError(
      "one-class",
      `labels: expected examples of at least two classes, got ${labels.length} of ${
        classes.length === 0 ? "none" : `the one class ${JSON.stringify(classes[0])}`
      }; there is nothing to tell apart (is it the right column?)`,
    );
  const whole = classes.every((name) => /^-?\d{1,15}$/.test(name));
  return classes.sort(whole ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Labels as numbers, for regression. @throws UsageError "not-a-number" */
export function targetsOf({ labels, places }: Pick<Examples, "labels" | "places">): Float64Array {
  return Float64Array.from(labels, (label, k) =>
    finiteNumber(label, placeOf(places, k), "a number to predict (regression)"),
  );
}

/** A decimal number as files write it. NaN and infinity, in any spelling, are none. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** @throws UsageError "not-a-number" */
export function finiteNumber(text: string, place: string | (() => string), what: string): number {
  const word = text.trim();
  const value = DECIMAL.test(word) ? Number(word) : Number.NaN;
  if (Number.isFinite(value)) return value;
  // As spreadsheets write it in half of Europe; or a mark between thousands: nothing says which.
  const hint = /^[+-]?[\d.,' ]*\d,\d+$/.test(word)
    ? "; write decimals with a point (a table of series to forecast may have commas: decimal, --decimal), and thousands without a mark"
    : "";
  throw new UsageError(
    "not-a-number",
    `${typeof place === "string" ? place : place()}: expected ${what}, got ${word === "" ? "nothing" : JSON.stringify(word.slice(0, 40))}${hint}`,
  );
}
