import { describe, nearest, UsageError } from "../shared/errors.ts";
import { expectOptions, type Names, type OptionNames } from "../shared/options.ts";
import type { Field } from "./fields.ts";
import { accepts, expectation, type Kind } from "./kinds.ts";

/**
 * Checks one value.
 * @param where How the place is called: "hiddenSize", "--hidden-size", "novel.json: hiddenSize".
 * @throws UsageError "not-an-integer", "out-of-range", "unknown-choice", "bad-option"
 */
export function checkValue(where: string, { kind }: Pick<Field, "kind">, value: unknown): void {
  if (!accepts(kind, value)) throw new UsageError(codeOf(kind, value), problem(where, kind, value));
}

/** The same of a name that has to be one of a few. @throws UsageError "unknown-choice" */
export const checkChoice = (where: string, name: string, names: readonly string[]): void =>
  checkValue(where, { kind: { type: "choice", names } }, name);

/** The one sentence about a value that is not of its kind. */
function problem(where: string, kind: Kind, value: unknown): string {
  const near = kind.type === "choice" && typeof value === "string" ? nearest(value, kind.names) : undefined;
  return `${where}: expected ${expectation(kind)}, got ${shown(value)}${near === undefined ? "" : `; did you mean ${near}?`}`;
}

/** Quotes say that it is a string, on a command line and in a file. */
const shown = (value: unknown): string => describe(value).replace(/^the string /, "");

function codeOf(kind: Kind, value: unknown): string {
  if (kind.type === "integer") return Number.isInteger(value) ? "out-of-range" : "not-an-integer";
  if (kind.type === "number") return "out-of-range";
  if (kind.type === "either" && typeof value === "number") return "out-of-range";
  return kind.type === "choice" ? "unknown-choice" : "bad-option";
}

/** A field for each option that is data; for what a function checks itself, such as a model or a machine, what `expectOptions` takes. */
export type OptionsTable<Options extends object> = {
  readonly [K in keyof OptionNames<Options>]: Field | OptionNames<Options>[K];
};

/**
 * Checks the options of a function: no name that it does not know, no value of another kind. `undefined` is not given.
 *
 * @throws UsageError "unknown-option", and what `checkValue` throws
 */
export function checkOptions<Options extends object>(
  what: string,
  options: Options,
  known: OptionsTable<NoInfer<Options>>,
): void {
  const entries = Object.entries<Field | Names[string]>(known);
  const isField = (entry: Field | Names[string]): entry is Field =>
    typeof entry === "object" && typeof (entry as Field).about === "string";
  const names = Object.fromEntries(entries.map(([name, entry]) => [name, isField(entry) ? 1 : entry]));
  expectOptions<object>(what, options, names);
  for (const [name, entry] of entries) {
    const value = (options as Names)[name];
    if (isField(entry) && value !== undefined) checkValue(name, entry, value);
  }
}
