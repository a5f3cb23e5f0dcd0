import { activationByName } from "../math/activations.ts";
import type { Expression } from "../math/expression.ts";
import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Cell } from "./define.ts";
import { gru } from "./gru.ts";
import { layerNormLstm } from "./layer-norm-lstm.ts";
import { lstm } from "./lstm.ts";
import { minGru } from "./min-gru.ts";
import { minLstm } from "./min-lstm.ts";
import { activationOptions } from "./options.ts";
import { rnn } from "./rnn.ts";

/** A cell as files describe it: its name, or its name with the options of the cell's function, activations as `ActivationSpec`. */
export interface CellSpec {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** The states of each built-in cell, by their names. */
export interface CellStates {
  readonly rnn: "h";
  readonly lstm: "h" | "c";
  readonly gru: "h";
  readonly "min-gru": "h";
  readonly "min-lstm": "h";
  readonly "layer-norm-lstm": "h" | "c";
}

/** Names of the built-in cells. */
export type CellName = keyof CellStates;

/** Every built-in cell. What options it takes its function checks. */
const cells = {
  rnn,
  lstm,
  gru,
  "min-gru": (options: object) => without(options, "minGru", minGru),
  "min-lstm": (options: object) => without(options, "minLstm", minLstm),
  "layer-norm-lstm": layerNormLstm,
} satisfies { [N in CellName]: (options: object) => Cell<CellStates[N]> };

/** What a cell can be made of: a name (one of `CellName`, or one that is only known when the program runs), a name with options, a cell. */
export type CellChoice = CellName | (string & {}) | CellSpec | Cell;

/**
 * Names of the states of a cell that is said in one of these ways, `"h" | "c"` of `"lstm"`; of several those that all have. Where the cell
 * is only known when the program runs: `string`.
 */
export type StatesOf<C> = [C] extends [Cell<infer S>]
  ? S
  : [C] extends [CellName]
    ? StatesOf<{ [N in CellName]: Cell<CellStates[N]> }[C]>
    : [C] extends [{ readonly name: infer N extends CellName }]
      ? StatesOf<N>
      : string;

function without<C extends Cell>(options: object, name: string, make: () => C): C {
  expectOptions(name, options, {});
  return make();
}

/** The names that `cellByName` and `--cell` know. */
export const cellNames: readonly string[] = Object.keys(cells);

/**
 * Creates a built-in cell from its name and options that JSON can hold.
 * @example
 * ```ts
 * cellByName("gru");
 * cellByName({ name: "lstm", options: { peephole: true, gate: { name: "hardSigmoid", alpha: 0.2, beta: 0.5 } } });
 * ```
 * @throws UsageError "unknown-choice", "unknown-option", "bad-option", "out-of-range"
 */
export function cellByName<const C extends Exclude<CellChoice, Cell>>(spec: C): Cell<StatesOf<C>> {
  if (typeof spec !== "string" && (typeof spec !== "object" || spec === null))
    throw new UsageError("bad-option", `cell: expected a name or { name, options }, got ${describe(spec)}`);
  const { name, options = {} } = typeof spec === "string" ? { name: spec } : spec;
  const make: (options: object) => Cell = cells[expectOneOf("cell", name, cellNames) as CellName];
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new UsageError("bad-option", `cell "${name}": expected options as an object, got ${describe(options)}`);
  const said = ([option, value]: [string, unknown]): [string, unknown] => [
    option,
    activationOptions.has(option) ? activationByName(`cell "${name}": ${option}`, value) : value,
  ];
  return make(Object.fromEntries(Object.entries(options).map(said))) as Cell<StatesOf<C>>;
}

/**
 * Whether two cells have the same equations over the same gates, states, weights and masks, and so may take each other's
 * weights. Expressions are hash-consed: equal ones are one object.
 */
export function sameEquations(a: Cell, b: Cell): boolean {
  const sameValues = (x: Readonly<Record<string, Expression>>, y: Readonly<Record<string, Expression>>): boolean =>
    Object.keys(x).length === Object.keys(y).length && Object.entries(x).every(([name, value]) => y[name] === value);
  const rest = ({ gates, states, bias, weights, masks, projections }: Cell): string =>
    JSON.stringify([gates, states, bias, weights, masks, projections]);
  return sameValues(a.next, b.next) && rest(a) === rest(b);
}
