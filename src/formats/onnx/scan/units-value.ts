import type { Expression } from "../../../math/expression.ts";
import { size } from "../../../shared/shapes.ts";
import type { Tensor } from "../../../tensor/graph.ts";
import type { DataType } from "../../data-type.ts";
import type { DeviceValue, Value } from "../../value.ts";
import { NotACell, type Sum } from "./equations.ts";

/** How a vector of each example is known: as an equation of each unit, as a sum that may still grow, or as several side by side. */
export type Form =
  | { readonly kind: "units"; readonly of: Expression }
  | { readonly kind: "sum"; readonly sum: Sum }
  | { readonly kind: "row"; readonly parts: readonly UnitsValue[] };

/** A value [..., W] of the body of a scan: a vector for each example, of which the equations are known and no numbers. */
export class UnitsValue implements DeviceValue {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly form: Form;

  constructor(type: DataType, shape: readonly number[], form: Form) {
    this.type = type;
    this.shape = shape;
    this.form = form;
  }

  /** Whatever operator reads numbers is none of a cell. */
  get tensor(): Tensor {
    throw new NotACell("an operator reads all numbers of a value that is known of each unit alone");
  }

  get width(): number {
    return this.shape.at(-1) ?? 0;
  }

  /** How many vectors it is. */
  get rows(): number {
    return size(this.shape.slice(0, -1));
  }

  /** The same vectors under other axes before the last. */
  under(shape: readonly number[]): UnitsValue {
    return new UnitsValue(this.type, shape, this.form);
  }
}

export const isUnits = (value: Value | undefined): value is UnitsValue => value instanceof UnitsValue;
