import { add, type Expression, mul, sub } from "../math/expression.ts";
import { clamp, identity } from "../math/functions.ts";
import { describe, expectRate, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import type { MaskSpec, Width } from "./define.ts";

/** Options of every built-in cell. */
export interface CellOptions {
  /** Whether the matrix products have biases (`bias_ih` and `bias_hh`). Default true. */
  readonly bias?: boolean | undefined;
  /** Clamps the inputs of all gate activations to ±clip (`clip` in ONNX; the cell state is not clamped). Default: no clipping. */
  readonly clip?: number | undefined;
  /**
   * Probability that an element of h is dropped before the recurrent matrices, with one mask per sequence (Gal & Ghahramani 2016,
   * arXiv:1512.05287). Default 0.
   */
  readonly recurrentDropout?: number | undefined;
  /** Probability that a unit keeps its previous state at a step, for all states (Krueger et al. 2017, arXiv:1606.01305). Default 0. */
  readonly zoneout?: number | undefined;
}

/** The names of `CellOptions`, for the tables of the cells. */
export const common = { bias: 1, clip: 1, recurrentDropout: 1, zoneout: 1 } as const;

/** Options of cells that are an activation; in a file they are its name (`activationByName`). */
export const activationOptions: ReadonlySet<string> = new Set(["activation", "gate", "candidate", "output"]);
const rates: ReadonlySet<string> = new Set(["recurrentDropout", "zoneout"]);
const positive: ReadonlySet<string> = new Set(["clip", "epsilon"]);

/**
 * Checks the options of a cell, by their names and their values: an option means the same in every cell that has it.
 * @throws UsageError "unknown-option", "bad-option", "out-of-range"
 */
export function expectCellOptions<Options extends object>(
  cell: string,
  options: Options,
  known: OptionNames<NoInfer<Options>>,
): void {
  expectOptions(cell, options, known);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (rates.has(name)) expectRate(`${cell}: ${name}`, value);
    else {
      const [fits, what] = activationOptions.has(name)
        ? [typeof value === "function", "an activation, as tanh or relu"]
        : positive.has(name)
          ? [typeof value === "number" && value > 0 && Number.isFinite(value), "a number above 0"]
          : [typeof value === "boolean", "true or false"];
      if (!fits) throw new UsageError("bad-option", `${cell}: ${name}: expected ${what}, got ${describe(value)}`);
    }
  }
}

export const bound = (clip: number | undefined): ((x: Expression) => Expression) =>
  clip ? clamp(-clip, clip) : identity;

/** The option as `defineCell` takes it. */
export const biasOf = ({ bias = true }: CellOptions): "both" | "none" => (bias ? "both" : "none");

type Masks = Readonly<Record<string, MaskSpec>>;
type Values = Readonly<Record<string, Expression>>;

/** Masks that the options ask for: `drop` for recurrent dropout, `keepS` for zoneout of state S. */
export function masksOf({ recurrentDropout, zoneout }: CellOptions, states: readonly string[], first: Width): Masks {
  const masks: Record<string, MaskSpec> = {};
  if (recurrentDropout) masks.drop = { per: "sequence", rate: recurrentDropout, kind: "dropout", width: first };
  if (zoneout)
    states.forEach((s, k) => {
      masks[`keep_${s}`] = { per: "step", rate: zoneout, kind: "zoneout", width: k === 0 ? first : "hidden" };
    });
  return masks;
}

/** h as the recurrent matrices read it: dropped where the cell's options say so. What the state itself carries on is never dropped. */
export const dropped = ({ previous, masks }: { previous: Values; masks: Values }): Expression =>
  masks.drop ? mul(masks.drop, previous.h!) : previous.h!;

/** A new state with zoneout: units whose mask is 1 keep the old one. */
export function zonedOut(state: string, next: Expression, previous: Values, masks: Values): Expression {
  const keep = masks[`keep_${state}`];
  return keep ? add(mul(keep, previous[state]!), mul(sub(1, keep), next)) : next;
}
