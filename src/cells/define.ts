import { type AnyNode, add, type Expression, isExpression, product, variable } from "../math/expression.ts";
import { describe, expectOneOf, expectRate, UsageError } from "../shared/errors.ts";
import { type Complete, expectOptions } from "../shared/options.ts";
import { mapValues, recordOf } from "../shared/records.ts";

/** Width of a vector of a cell: H, or P (`projectionSize`). */
export type Width = "hidden" | "projection";
/** A function of one expression. */
type Function1 = (x: Expression) => Expression;

/** What a `split` gate is inside `step`: its input part `W x + b_ih` and its recurrent part `U h + b_hh`. */
export interface Parts {
  /** `W x + b_ih`, [B, H]. */
  readonly x: Expression;
  /** `U h + b_hh`, [B, H]. */
  readonly h: Expression;
}
/** Vectors that an operand of a recurrent matrix may be made of. */
export interface Operands {
  /** States before the step, by name. */
  readonly previous: Readonly<Record<string, Expression>>;
  /** Gates listed before, activated. */
  readonly gates: Readonly<Record<string, Expression>>;
  /** The two parts of the `split` gates listed before. */
  readonly parts: Readonly<Record<string, Parts>>;
  /** Random masks, by name. */
  readonly masks: Readonly<Record<string, Expression>>;
}
/** What `split`, `input` and `gateOf` make of a gate: what `step` gets of it and what its recurrent matrix multiplies. */
export interface GateOptions<Kind extends "sum" | "split" | "input"> {
  /** How the gate reaches `step`: as one "sum", "split" into its two parts, or from the "input" alone. */
  readonly kind: Kind;
  /** Applied to the pre-activation. Default: none. */
  readonly activation?: Function1 | undefined;
  /** The vector that the recurrent matrix of the gate multiplies; default the cell's `recurrent`. May use gates listed before it. */
  readonly of?: ((operands: Operands) => Expression) | undefined;
}
/** A gate as a cell declares it: its activation, or more options. */
export type Gate = Function1 | GateOptions<"sum" | "split" | "input">;
/** What a gate is inside `step`. */
export type GateValue<G> = G extends { kind: "split" } ? Parts : Expression;

/** Declares a gate that reaches `step` in two parts, `{ x, h }`, each with its own bias, for cells that combine them in their own way. */
export const split = (options: Pick<GateOptions<"split">, "of"> = {}): GateOptions<"split"> => {
  expectOptions("split", options, { of: 1 });
  return { kind: "split", ...options };
};
/** Declares a gate without recurrent matrix and recurrent bias: `activation(W x + b)`. */
export const input = (activation: Function1 = (x) => x): GateOptions<"input"> => ({ kind: "input", activation });
/** Declares a gate whose recurrent matrix multiplies another vector than `h`: `activation(W x + U of(…) + b)`. */
export const gateOf = (activation: Function1, of: (operands: Operands) => Expression): GateOptions<"sum"> => ({
  kind: "sum",
  activation,
  of,
});

/** Random numbers that a cell gets besides its input, drawn once per sequence or at every step. */
export interface MaskSpec {
  /** "sequence": one draw for all steps; "step": a new draw at each step. */
  readonly per: "sequence" | "step";
  /** Probability that an element is dropped (dropout) or that a state is kept (zoneout), from 0 to below 1. */
  readonly rate: number;
  /** Dropout: 0 with `rate`, else 1/(1 − rate); 1 when not training. Zoneout: 1 with `rate`, else 0; `rate` itself when not training. */
  readonly kind: "dropout" | "zoneout";
  /** Width of the vector that it multiplies; default "hidden". */
  readonly width?: Width | undefined;
}

/** The equations of a cell of your own, for `defineCell`. */
export interface CellSource<
  G extends Readonly<Record<string, Gate>>,
  S extends string,
  W extends string,
  M extends string,
  P extends string,
> {
  /** Name of the cell, for files and messages. */
  readonly name: string;
  /** The options that the function `name` was called with, so that a file can call it again. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Gates in packed order: rows `[k·H, (k+1)·H)` of `weight_ih` belong to gate k. */
  readonly gates: G;
  /** Names of the state vectors; the first is the output. In a plain list all have the hidden width. */
  readonly state: readonly S[] | Readonly<Record<S, Width>>;
  /** The vector that the recurrent matrices multiply, unless a gate says otherwise. Default: the first state. */
  readonly recurrent?:
    | ((operands: {
        readonly previous: Readonly<Record<NoInfer<S>, Expression>>;
        readonly masks: Readonly<Record<NoInfer<M>, Expression>>;
      }) => Expression)
    | undefined;
  /** Which biases the matrix products have. Default "both": `bias_ih` and, for recurrent gates, `bias_hh`. */
  readonly bias?: "both" | "none" | undefined;
  /** Weights of one number per unit (peepholes, gains): name → initial value. */
  readonly weights?: Readonly<Record<W, number>> | undefined;
  /** Random masks by name, used as `masks.NAME` in `step`. */
  readonly masks?: Readonly<Record<M, MaskSpec>> | undefined;
  /** Names of matrices from the hidden to the projection width, used as `project.NAME(vector)` in `step`. */
  readonly projections?: readonly P[] | undefined;
  /**
   * Computes one step: from gate values and previous state to the next state. Other returned values are named values, for traces and
   * formulas.
   */
  step(
    gates: { readonly [K in keyof G]: GateValue<G[K]> },
    previous: Readonly<Record<S, Expression>>,
    more: {
      readonly weights: Readonly<Record<W, Expression>>;
      readonly masks: Readonly<Record<M, Expression>>;
      readonly project: Readonly<Record<P, (v: Expression) => Expression>>;
    },
  ): Readonly<Record<S, Expression>> & Readonly<Record<string, Expression>>;
}

/** A gate as the cell that was made of it has it, in packed order. */
export interface CellGate {
  /** As the cell calls it: "i". */
  readonly name: string;
  /** False for gates that see the input only. */
  readonly recurrent: boolean;
}
/** A state of a cell by name, and which of the layer's widths it has. */
export interface CellState {
  /** As the cell calls it: "h". */
  readonly name: string;
  /** H ("hidden") or P ("projection"). */
  readonly width: Width;
}

/**
 * A cell: its equations as expressions, from which derivatives, kernels and formulas are derived. `S` are names of states
 * that it has: an LSTM is a `Cell<"h" | "c">`, which is also a `Cell<"h">`; plain `Cell` is any cell.
 */
export interface Cell<S extends string = string> {
  /** For files and messages: "lstm". */
  readonly name: string;
  /** What the function of that name was called with, where there is one. */
  readonly options: Readonly<Record<string, unknown>>;
  /** In packed order: rows `[k·H, (k+1)·H)` of `weight_ih` belong to gate k. */
  readonly gates: readonly CellGate[];
  /** The first is the output. */
  readonly states: readonly CellState[];
  /** Which biases the matrix products have: `bias_ih` and `bias_hh`, or none. */
  readonly bias: "both" | "none";
  /** Weights of one number per unit: name → initial value. */
  readonly weights: Readonly<Record<string, number>>;
  /** Random masks by name. */
  readonly masks: Readonly<Record<string, Complete<MaskSpec>>>;
  /** Names of matrices from the hidden to the projection width. */
  readonly projections: readonly string[];
  /** Next state by name. */
  readonly next: Readonly<Record<S, Expression>>;
  /** Every value with a name, in the order of computation: gates, what `step` named, states. */
  readonly named: Readonly<Record<string, Expression>>;
}

/** Names of a cell's states, the first of which is the output. */
export const stateNames = <S extends string>({ states }: Cell<S>): S[] => states.map(({ name }) => name as S);

/** A value for some of the states `S`, or for all. */
export type InitialStates<S extends string, V> = { readonly [K in S]?: V | undefined };

/** The variables in a cell's expressions. A product's value `U v + b_hh` is a `product` node named after its gate. */
export const variables = {
  /** Input part `W x + b_ih` of a gate. */
  input: (gate: string): Expression => variable(`x.${gate}`),
  previous: (state: string): Expression => variable(`previous.${state}`),
  weight: (name: string): Expression => variable(`weight.${name}`),
  mask: (name: string): Expression => variable(`mask.${name}`),
  /** Adjoint of a state after the step, in the equations of the way back. */
  adjoint: (state: string): Expression => variable(`d.${state}`),
};

/** The two parts of such a variable's name: `x.i` is of the kind "x" and names the gate i. */
export function partsOfVariable(variable: string): { readonly kind: string; readonly name: string } {
  const dot = variable.indexOf(".");
  return { kind: variable.slice(0, dot), name: variable.slice(dot + 1) };
}

/** Whether a value needs no line of its own in printed equations: a number, a previous state, a weight. What a gate sees of the input is more. */
export const isLetter = (n: AnyNode): boolean =>
  n.op === "constant" || (n.op === "variable" && partsOfVariable(n.name).kind !== "x");

/**
 * Defines a cell by its equations. Gradient, kernels, formulas and traces are derived from them.
 * @example
 * ```ts
 * // One gate: h' = tanh(W x + U h + b)
 * const elman = defineCell({ name: "elman", gates: { a: tanh }, state: ["h"], step: ({ a }) => ({ h: a }) });
 * ```
 * @throws UsageError "bad-cell" where there is no state, or `step` returns no expression for one; "out-of-range" for a mask's rate
 */
export function defineCell<
  const G extends Readonly<Record<string, Gate>>,
  S extends string,
  W extends string = never,
  M extends string = never,
  P extends string = never,
>(source: CellSource<G, S, W, M, P>): Cell<S> {
  expectOptions("defineCell", source, {
    name: "required",
    options: 1,
    gates: "required",
    state: "required",
    recurrent: 1,
    bias: 1,
    weights: 1,
    masks: 1,
    projections: 1,
    step: "required",
  });
  const widths = Array.isArray(source.state)
    ? recordOf(source.state as readonly S[], () => "hidden" as Width)
    : (source.state as Readonly<Record<S, Width>>);
  const names = Object.keys(widths) as S[];
  if (names.length === 0) throw badCell(source.name, "expected at least one state; the first is the output");
  const bias = expectOneOf(`cell "${source.name}": bias`, source.bias ?? "both", ["both", "none"]);
  const given: Readonly<Record<string, MaskSpec>> = source.masks ?? {};
  const specs = mapValues(given, (spec, name) => maskOf(`cell "${source.name}": mask ${name}`, spec));
  for (const name of source.projections ?? [])
    if (Object.hasOwn(source.gates, name)) throw badCell(source.name, `"${name}" names a gate and a projection`);
  const states = names.map((name) => ({ name, width: widths[name] }));
  const previous = recordOf(names, variables.previous);
  const masks = recordOf(Object.keys(specs) as M[], variables.mask);
  const weights = recordOf(Object.keys(source.weights ?? {}) as W[], variables.weight);
  const project = recordOf(source.projections ?? [], (name) => (v: Expression) => product(name, v));

  const values: Record<string, Expression | Parts> = {};
  const named: Record<string, Expression> = {};
  const parts: Record<string, Parts> = {};
  const expectOwn = (gate: string, value: unknown, what: string): void => {
    if (!isExpression(value))
      throw badCell(
        source.name,
        `gate ${gate}: expected ${what} as an expression, got ${describe(value)} (split gates are in \`parts\`, as { x, h })`,
      );
  };
  const gates: CellGate[] = [];
  for (const [name, gate] of Object.entries(source.gates)) {
    const g = typeof gate === "function" ? ({ kind: "sum", activation: gate } as GateOptions<"sum">) : gate;
    const x = variables.input(name);
    const operands = { previous, masks, gates: named, parts };
    const vector = g.of ? g.of(operands) : source.recurrent ? source.recurrent(operands) : previous[names[0]!]!;
    expectOwn(name, vector, "what its recurrent matrix multiplies");
    gates.push({ name, recurrent: g.kind !== "input" });
    if (g.kind === "split") values[name] = parts[name] = { x, h: product(name, vector) };
    else {
      const sum = g.kind === "input" ? x : add(x, product(name, vector));
      const value = g.activation ? g.activation(sum) : sum;
      expectOwn(name, value, "its activated value");
      values[name] = named[name] = value;
    }
  }
  const result = source.step(values as Parameters<typeof source.step>[0], previous, { weights, masks, project });
  for (const name of new Set([...names, ...Object.keys(result)]))
    if (!isExpression(result[name]))
      throw badCell(source.name, `step: expected ${name} as an expression, got ${describe(result[name])}`);
  const next = recordOf(names, (name) => result[name]);
  for (const [name, value] of Object.entries(result)) if (!Object.hasOwn(next, name)) named[name] = value;
  for (const name of names.toReversed()) named[name] = next[name]!;
  return {
    name: source.name,
    options: source.options ?? {},
    gates,
    states,
    bias,
    weights: source.weights ?? {},
    masks: specs,
    projections: source.projections ?? [],
    next,
    named,
  };
}

/** A mask as it was declared, with all that may be left out. */
const maskOf = (argument: string, { per, rate, kind, width = "hidden" }: MaskSpec): Complete<MaskSpec> => ({
  per: expectOneOf(`${argument}: per`, per, ["sequence", "step"]),
  rate: expectRate(argument, rate),
  kind: expectOneOf(`${argument}: kind`, kind, ["dropout", "zoneout"]),
  width: expectOneOf(`${argument}: width`, width, ["hidden", "projection"]),
});

const badCell = (cell: string, what: string): UsageError => new UsageError("bad-cell", `cell "${cell}": ${what}`);
