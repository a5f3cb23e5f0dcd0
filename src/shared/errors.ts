import { formatShape, sameShape } from "./shapes.ts";

/**
 * The base class of all errors of this package. `code` is stable and meant for programs ("shape-mismatch"); `message` says what was
 * expected, what came, where, and what to do.
 */
export class LongshortError extends Error {
  readonly code: string;
  // Written out: a bundle for a page has shorter names for its classes.
  override name = "LongshortError";

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** An argument, option or input is invalid. Exit code 2 on the command line. */
export class UsageError extends LongshortError {
  override name = "UsageError";
}

/** The request was valid but could not be completed: a file is damaged, memory is short. Exit code 1 on the command line. */
export class FailureError extends LongshortError {
  override name = "FailureError";
}

/** A tensor does not have the shape that the operation needs. */
export class ShapeError extends UsageError {
  override name = "ShapeError";
}

/** The same error, with the place that it comes from before its message; what is no error of this package, as it is. */
export function placed(place: string, cause: unknown): unknown {
  if (!(cause instanceof LongshortError)) return cause;
  const Kind = cause instanceof ShapeError ? ShapeError : cause instanceof UsageError ? UsageError : FailureError;
  return new Kind(cause.code, `${place}: ${cause.message}`, { cause });
}

/** What `read` gives; its errors are `placed`. */
export function within<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw placed(place, cause);
  }
}

/**
 * Names `value` with its type in a few words for a message: `the string "12"`, `an array of 3`, `NaN`, `nothing` for what is missing in a
 * file or a call.
 */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)}`;
  }
  if (typeof value === "bigint") return `the bigint ${value}n`;
  if (typeof value === "symbol") return `the symbol ${String(value)}`;
  if (typeof value === "function") return value.name ? `the function ${value.name}` : "a function";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const kind = value.constructor?.name ?? "Object";
  const article = /^[AEIO]/.test(kind) ? "an" : "a";
  if (ArrayBuffer.isView(value) && "length" in value) return `${article} ${kind} of ${String(value.length)}`;
  return kind === "Object" ? `an object with ${listOf(Object.keys(value))}` : `${article} ${kind}`;
}

/** In messages about lists of numbers: how many came, or what came in place of a list. */
export function countOf(given: unknown): string {
  const length = (given as { readonly length?: unknown } | null | undefined)?.length;
  if (typeof length === "number") return String(length);
  const json =
    typeof given === "object" && given !== null ? "; JSON makes such of a typed array: give it Array.from(…)" : "";
  return describe(given) + json;
}

function listOf(keys: readonly string[]): string {
  if (keys.length === 0) return "no properties";
  return `the properties ${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", ..." : ""}`;
}

/** @throws ShapeError "shape-mismatch" for what is no shape */
export function expectSizes(what: string, shape: readonly number[]): void {
  if (!Array.isArray(shape))
    throw new ShapeError("shape-mismatch", `${what}: expected a shape, such as [8, 3], got ${describe(shape)}`);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0))
    throw new ShapeError("shape-mismatch", `${what}: expected sizes that are whole numbers, got ${formatShape(shape)}`);
}

/**
 * Checks a shape. In `expected` a number must be equal; a letter ("B", "T") stands for any size, the same at every use.
 * @throws ShapeError "shape-mismatch"
 */
export function expectShape(argument: string, actual: readonly number[], expected: readonly (number | string)[]): void {
  const sizes = new Map<string, number>();
  const matches =
    actual.length === expected.length &&
    expected.every((want, axis) => {
      const came = actual[axis]!;
      if (typeof want === "number") return want === came;
      const known = sizes.get(want) ?? came;
      sizes.set(want, known);
      return known === came;
    });
  if (matches) return;
  const numbers = expected.filter((want) => typeof want === "number");
  const transposed =
    numbers.length === 2 && expected.length === 2 && sameShape(actual, [numbers[1]!, numbers[0]!])
      ? "; it seems to be transposed"
      : "";
  throw new ShapeError(
    "shape-mismatch",
    `${argument}: expected shape ${formatShape(expected)}, got ${formatShape(actual)}${transposed}`,
  );
}

/**
 * Checks that `value` is a whole number in [min, max] (default: the safe integers) and returns it.
 * @throws UsageError "not-an-integer" or "out-of-range"
 */
export function expectInteger(
  argument: string,
  value: unknown,
  range: { readonly min?: number; readonly max?: number } = {},
): number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
  const bounds =
    range.min !== undefined && range.max !== undefined
      ? ` from ${min} to ${max}`
      : range.min !== undefined
        ? ` of at least ${min}`
        : range.max !== undefined
          ? ` of at most ${max}`
          : "";
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new UsageError("not-an-integer", `${argument}: expected a whole number${bounds}, got ${describe(value)}`);
  }
  if (value < min || value > max) {
    throw new UsageError("out-of-range", `${argument}: expected a whole number${bounds}, got ${value}`);
  }
  return value;
}

/** Checks that a value is true or false. @throws UsageError "bad-option" */
export function expectBoolean(argument: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new UsageError("bad-option", `${argument}: expected true or false, got ${describe(value)}`);
}

/** Checks a probability that leaves something: from 0 to below 1. @throws UsageError "out-of-range" */
export function expectRate(argument: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < 1) return value;
  throw new UsageError("out-of-range", `${argument}: expected a probability from 0 to below 1, got ${describe(value)}`);
}

/**
 * Checks that `value` is one of `choices` and returns it; a near miss gets a suggestion.
 * @throws UsageError "unknown-choice"
 */
export function expectOneOf<T extends string>(argument: string, value: unknown, choices: readonly T[]): T {
  for (const choice of choices) if (choice === value) return choice;
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  const list = choices.map((choice) => JSON.stringify(choice)).join(", ");
  throw new UsageError("unknown-choice", `${argument}: expected one of ${list}, got ${describe(value)}${hint}`);
}

/** The choice with the smallest edit distance to `name` (letter case ignored), if it is near enough to be a typing slip. */
export function nearest<T extends string>(name: string, choices: readonly T[]): T | undefined {
  let best: T | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  if (name.length > 100) return undefined;
  for (const choice of choices) {
    const distance = editDistance(name.toLowerCase(), choice.toLowerCase());
    if (distance < bestDistance) {
      best = choice;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance: the fewest insertions, deletions and replacements of one character. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, replace));
    }
    previous = row;
  }
  return previous[b.length]!;
}

/** The first five of some names, and how many more there are; "none" of none. */
export const few = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "") || "none";
