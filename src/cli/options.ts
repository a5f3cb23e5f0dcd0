import { type Command, InvalidArgumentError, Option } from "commander";
import { onOff, path } from "../schema/fields.ts";
import { MACHINES, machineField } from "../schema/training.ts";
import { nearest } from "../shared/errors.ts";
import { fieldOptions } from "./field-option.ts";

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

/** A number with bounds, said in words: `number((x) => x > 0, "above 0")`. @public */
export function number(holds: (value: number) => boolean, words: string): Parser<number> {
  return (text) => {
    const value = numberOf(text);
    if (Number.isFinite(value) && holds(value)) return value;
    throw new InvalidArgumentError(`Expected a number ${words}.`);
  };
}

/** One of a few names; a near miss gets a suggestion. @public */
export function oneOf<T extends string>(names: readonly T[]): Parser<T> {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const near = nearest(text, names);
    throw new InvalidArgumentError(`Expected one of ${names.join(", ")}.${near ? ` Did you mean ${near}?` : ""}`);
  };
}

/** A fraction from 0 to below 1, or else the path of a file. @public */
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

/** @public */
export { MACHINES };

/** Options that several commands have, always with the same words: spread into their fields. */
export const common = {
  run: path({ about: "folder of a run, as `train` made it", ...{ unit: "run", positional: true, required: true } }),
  machine: machineField,
  json: onOff({ about: "print JSON lines on standard output and nothing else there" }),
  output: path({ about: "folder for the run", unit: "run", short: "o", otherwise: "runs/DATE-NAME" }),
  force: onOff({ about: "write over a run that is there already" }),
  quiet: onOff({ about: "show no progress", short: "q" }),
} as const;

/** The same for commands that are put together from options. @public */
export const shared = {
  machine: () => fieldOptions("machine", common.machine)[0]!,
  json: () => fieldOptions("json", common.json)[0]!,
  seed: (what: string) => option("--seed <number>", `${what}; the same seed gives the same result`, whole(0), 0),
};

/** Ends the help of a command with commands to copy. @public */
export function examples(command: Command, program: string, lines: readonly string[]): Command {
  return command.addHelpText(
    "after",
    `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((line) => `  ${program} ${line}`).join("\n")}`,
  );
}
