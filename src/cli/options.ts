import { type Command, InvalidArgumentError, Option } from "commander";
import { nearest } from "../shared/errors.ts";

type Parser<T> = (text: string) => T;

/** A decimal number as people write it: "0.002", "2e-3", "10_000" is not. */
function numberOf(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): Parser<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const value = numberOf(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** A number with bounds, said in words: `number((x) => x > 0, "above 0")`. */
export function number(holds: (value: number) => boolean, words: string): Parser<number> {
  return (text) => {
    const value = numberOf(text);
    if (Number.isFinite(value) && holds(value)) return value;
    throw new InvalidArgumentError(`Expected a number ${words}.`);
  };
}

/** One of a few names; a near miss gets a suggestion. */
export function oneOf<T extends string>(names: readonly T[]): Parser<T> {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const near = nearest(text, names);
    throw new InvalidArgumentError(`Expected one of ${names.join(", ")}.${near ? ` Did you mean ${near}?` : ""}`);
  };
}

/** A fraction from 0 to below 1, or else the path of a file. */
export const fractionOrFile: Parser<number | string> = (text) => {
  const value = numberOf(text);
  if (Number.isNaN(value)) return text;
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError("Expected a fraction from 0 to below 1, or a file (./1 if it is called 1).");
};

/** An option whose default is shown in `--help` and is what the command gets. */
export function option<T>(flags: string, description: string, parse?: Parser<T>, fallback?: T): Option {
  const made = new Option(flags, description);
  if (parse !== undefined) made.argParser(parse);
  if (fallback !== undefined) made.default(fallback);
  return made;
}

export const MACHINES = ["wasm", "reference"] as const;

/** Options that several commands have, always with the same words. */
export const shared = {
  machine: () =>
    option("--machine <name>", "what computes: wasm (float32), reference (float64, slow)", oneOf(MACHINES), "wasm"),
  json: () => option("--json", "print JSON lines on standard output and nothing else there"),
  seed: (what: string) => option("--seed <number>", `${what}; the same seed gives the same result`, whole(0), 0),
};

/** Ends the help of a command with commands to copy. */
export function examples(command: Command, program: string, lines: readonly string[]): Command {
  return command.addHelpText(
    "after",
    `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((line) => `  ${program} ${line}`).join("\n")}`,
  );
}
