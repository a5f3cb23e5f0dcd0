import { Argument, type Command, Option } from "commander";
import { checkValue } from "../schema/check.ts";
import { type Field, type Fields, flagName, formerFlagName } from "../schema/fields.ts";
import { type Kind, rangeOf, read } from "../schema/kinds.ts";
import { UsageError } from "../shared/errors.ts";

/** A flag that a field of the schema describes. */
export class FieldOption extends Option {
  readonly key: string;
  readonly field: Field;

  constructor(flags: string, key: string, field: Field) {
    super(flags, field.off !== undefined && flags.startsWith("--no-") ? field.off : helpOf(field));
    this.key = key;
    this.field = field;
    if (field.kind.type !== "switch") this.argParser(parserOf(`--${flagName(key, field)}`, field));
  }

  /** Where commander keeps the value: under the key of the schema, whatever the flag is called. */
  override attributeName(): string {
    return this.key;
  }
}

/** What holds where a flag is not given, in words; undefined for switches and where nothing is. */
export function defaultOf(field: Field): string | undefined {
  if (field.otherwise !== undefined) return field.otherwise;
  if (field.default === undefined || field.default === "" || field.kind.type === "switch") return undefined;
  return String(field.default);
}

/** What `--help` says: what it is, the values it may have where that is not plain, and what it is otherwise. */
function helpOf(field: Field): string {
  const { about, kind } = field;
  const values =
    kind.type === "choice" ? `: ${kind.names.join(", ")}` : kind.type === "number" ? `, ${rangeOf(kind)}` : "";
  const otherwise = defaultOf(field);
  return `${about}${field.standardInput ? "; - is standard input" : ""}${values === ", " ? "" : values}${otherwise === undefined ? "" : ` (default: ${otherwise})`}`;
}

/** Whether a word of this kind may be the path of a file. */
function isPath(kind: Kind): boolean {
  if (kind.type === "either") return kind.of.some(isPath);
  return kind.type === "list" ? isPath(kind.of) : kind.type === "text" && kind.path === true;
}

/** Reads and checks a word; the words of a list are collected. */
function parserOf(where: string, field: Field): (word: string, before: unknown) => unknown {
  return (word, before) => {
    const value = read(field.kind, word);
    checkValue(where, field, value);
    if (word === "-" && isPath(field.kind) && !field.standardInput)
      throw new UsageError(
        "bad-option",
        `${where}: - stands for neither standard input nor standard output here; give the name of a file (./- if it is called so)`,
      );
    return field.kind.type === "list" && Array.isArray(before) ? [...before, ...(value as unknown[])] : value;
  };
}

/**
 * The flags of a field: one, and for a switch also its opposite, so that a flag can win over a config file. Of the two the
 * one that changes something is shown in `--help`.
 */
export function fieldOptions(key: string, field: Field): FieldOption[] {
  const flag = flagName(key, field);
  const short = field.short === undefined ? "" : `-${field.short}, `;
  if (field.kind.type !== "switch") {
    const unit = `${field.unit ?? "value"}${field.kind.type === "list" ? "..." : ""}`;
    const option = new FieldOption(`${short}--${flag} <${unit}>`, key, field);
    const former = formerFlagName(field);
    return former === undefined ? [option] : [option, new FieldOption(`--${former} <${unit}>`, key, field).hideHelp()];
  }
  const on = new FieldOption(`${short}--${flag}`, key, field);
  const off = new FieldOption(`--no-${flag}`, key, field);
  return field.default === true ? [on.hideHelp(), off] : [on, off.hideHelp()];
}

/** Adds the words without a flag, in the order of the fields, and returns their keys. */
export function addArguments(command: Command, fields: Fields, { optional }: { readonly optional: boolean }): string[] {
  const words = Object.entries(fields).filter(([, field]) => field.positional);
  for (const [key, field] of words) {
    const name = `${field.unit ?? key}${field.kind.type === "list" ? "..." : ""}`;
    const argument = new Argument(field.required && !optional ? `<${name}>` : `[${name}]`, helpOf(field));
    command.addArgument(argument.argParser(parserOf(`<${field.unit ?? key}>`, field)));
  }
  return words.map(([key]) => key);
}
