import type { Cell } from "../cells/define.ts";
import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { cellOfConfig } from "./cell-choice.ts";

/** Options of the functions that make a model of its config. */
export interface FromConfigOptions {
  /** Cells of your own by name, for models that use one; what loads runs reads their equations from the run where they are not given. */
  readonly cells?: Readonly<Record<string, Cell>> | undefined;
}

/**
 * The options that a config says a model was made with. It may come from a file: their values are checked where the model is made of them.
 *
 * @throws UsageError "bad-config", "unknown-choice", "unknown-cell"
 */
export function optionsOfConfig<Options>(
  what: string,
  value: unknown,
  kind: string,
  options: FromConfigOptions,
): Options {
  expectOptions(what, options, { cells: 1 });
  if (typeof value !== "object" || value === null)
    throw new UsageError("bad-config", `model: expected an object, got ${describe(value)}`);
  const { kind: found, cell, ...rest } = value as Record<string, unknown>;
  expectOneOf("model.kind", found, [kind]);
  return { ...rest, cell: cellOfConfig(cell, options.cells ?? {}) } as Options;
}

/** Names of classes, tags or intents. @throws UsageError "bad-option" */
export function expectNames(argument: string, names: readonly string[]): readonly string[] {
  const distinct = Array.isArray(names) && new Set(names).size === names.length;
  if (!distinct || names.length < 2 || names.some((name) => typeof name !== "string"))
    throw new UsageError(
      "bad-option",
      `${argument}: expected at least two different names, got ${Array.isArray(names) ? JSON.stringify(names) : describe(names)}`,
    );
  return [...names];
}
