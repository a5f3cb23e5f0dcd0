import type { Width } from "../cells/define.ts";
import type { AnyNode, Expression } from "../math/expression.ts";

/*
 * From a cell's equations to the program of one time step, for machines that print kernels. Matrix products and means
 * cut a step into levels: what is computed at level n may use products and means of levels up to n. Within a level
 * everything is pointwise and belongs to one loop over units.
 *
 * Values that live from one level to another, or until the backward pass, lie in *slots*: one panel of units a step and
 * example. A gate's slot first holds its pre-activation (the input product, then the recurrent product added to it), then
 * what the backward pass wants to know in its place (the activated gate), then the gradient of the pre-activation.
 */

/** Where a value is read or written. A value without a place is computed where it is used. */
export type Place =
  /** A panel of one slot at this step. */
  | { readonly kind: "slot"; readonly slot: number }
  | { readonly kind: "previous" | "next" | "carry"; readonly state: string }
  /** Adjoint of a state after this step: what came back from the next step, and for the first state the output's. */
  | { readonly kind: "adjoint"; readonly state: string }
  /** The vector that a matrix multiplies, and its adjoint. */
  | { readonly kind: "operand" | "back"; readonly operand: number }
  /** One number an example: a mean of the forward pass (kept for every step) or of the backward pass. */
  | { readonly kind: "mean" | "backMean"; readonly mean: number }
  | { readonly kind: "weight" | "mask" | "weightGradient" | "trace" | "traceGradient"; readonly name: string };

export interface Store {
  readonly value: Expression;
  readonly to: Place;
}

/** A vector that one or more matrices multiply. */
export interface Operand {
  readonly node: Expression;
  readonly width: Width;
  /** The state it is, when it is a previous state that has no name, and needs no place of its own. */
  readonly state: string | undefined;
}

/** A matrix times an operand, into a slot. */
export interface Product {
  /** Gate, or name of the projection. */
  readonly name: string;
  readonly node: Expression;
  /** Number of its block of rows in `weight_hh`; undefined for a projection. */
  readonly block: number | undefined;
  readonly operand: number;
  readonly width: Width;
  readonly slot: number;
  /** The gate whose input part lies in the slot already and is added to; undefined: a slot of its own. */
  readonly fusedWith: number | undefined;
}

/** One level and width of a step: products whose operands are ready, then one loop over units, then sums for means. */
export interface Phase {
  readonly level: number;
  readonly width: Width;
  /** Numbers of products. */
  readonly products: readonly number[];
  readonly stores: readonly Store[];
  /** Means over all units of `values`, finished when the loop is. */
  readonly means: readonly { readonly mean: number; readonly values: readonly Expression[] }[];
}
export interface BackwardPhase extends Phase {
  /** After the loop: adjoints of these operands, `Σ Mᵀ · gradient` over their products. */
  readonly operands: readonly number[];
}

/** A step that is not gone back through. */
export interface ForwardProgram {
  /** Width of every slot. The first G are the input parts of the gates, in packed order. */
  readonly slots: readonly Width[];
  readonly operands: readonly Operand[];
  readonly products: readonly Product[];
  /** How many numbers an example and step the forward pass keeps for means. */
  readonly means: number;
  readonly forward: readonly Phase[];
  /** Where a node can be loaded in a phase of the forward pass; undefined: compute it. */
  forwardPlace(node: AnyNode, level: number): Place | undefined;
}

export interface StepProgram extends ForwardProgram {
  /** Slots of gradients: of the input part of each gate, of each product. */
  readonly inputGradientSlots: readonly number[];
  readonly productGradientSlots: readonly number[];
  /** How many numbers an example and step the backward pass keeps for means. */
  readonly backMeans: number;
  readonly backward: readonly BackwardPhase[];
  /** As `forwardPlace`, in a phase of the backward pass. */
  backwardPlace(node: AnyNode): Place | undefined;
}
