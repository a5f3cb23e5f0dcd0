import { add, type Expression, mul, sub } from "../math/expression.ts";
import { clamp, identity } from "../math/functions.ts";
import type { MaskSpec } from "./define.ts";

/** What every built-in cell accepts beside its own options. */
export interface CellOptions {
  /** Whether the products have biases (`bias_ih` and `bias_hh`). Default true. */
  readonly bias?: boolean | undefined;
  /** Bound on the inputs of all gate activations: they are held within ±clip (ONNX' `clip`; the cell state is left alone). Default none. */
  readonly clip?: number | undefined;
  /** Probability that an element of h is dropped where the recurrent matrices read it, one mask a sequence (Gal & Ghahramani 2016, arXiv:1512.05287). Default 0. */
  readonly recurrentDropout?: number | undefined;
  /** Probability that a unit keeps its previous state at a step, for all states (Krueger et al. 2017, arXiv:1606.01305). Default 0. */
  readonly zoneout?: number | undefined;
}

export const bound = (clip: number | undefined): ((x: Expression) => Expression) =>
  clip ? clamp(-clip, clip) : identity;

/** The option as `defineCell` takes it. */
export const biasOf = ({ bias = true }: CellOptions): "both" | "none" => (bias ? "both" : "none");

type Masks = Readonly<Record<string, MaskSpec>>;
type Values = Readonly<Record<string, Expression>>;

/** Masks that the options ask for: `drop` for recurrent dropout, `keepS` for zoneout of state S. */
export function masksOf(
  { recurrentDropout, zoneout }: CellOptions,
  states: readonly string[],
  first: MaskSpec["width"],
): Masks {
  const masks: Record<string, MaskSpec> = {};
  if (recurrentDropout)
    masks.drop = { per: "sequence", rate: recurrentDropout, kind: "dropout", width: first ?? "hidden" };
  if (zoneout)
    states.forEach((s, k) => {
      masks[`keep_${s}`] = {
        per: "step",
        rate: zoneout,
        kind: "zoneout",
        width: k === 0 ? (first ?? "hidden") : "hidden",
      };
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
