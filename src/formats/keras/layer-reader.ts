import { formatShape } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { LayerSpec } from "../canonical.ts";
import { type Config, damaged } from "./config.ts";
import type { Family } from "./family.ts";

/** A layer read: its description, and its weights under the names of the canonical model, without the layer's own. */
export interface ReadLayer {
  readonly spec: LayerSpec;
  readonly weights: Readonly<Record<string, NamedTensor>>;
}

/** What a reader of one class of layers gets. */
export interface LayerContext {
  readonly family: Family;
  /** The layer's arrays in the order in which Keras keeps them, taken one after the other. */
  readonly arrays: Arrays;
  /** Notes how something was read that the file leaves to convention. */
  readonly note: (convention: string) => void;
}

export type LayerReader = (config: Config, context: LayerContext) => ReadLayer;

/** The arrays of one layer. */
export class Arrays {
  private at = 0;
  private readonly list: readonly NamedTensor[];
  private readonly where: string;

  constructor(list: readonly NamedTensor[], where: string) {
    this.list = list;
    this.where = where;
  }

  get left(): number {
    return this.list.length - this.at;
  }

  /** The next array; a letter in `shape` stands for any size. */
  take(what: string, shape: readonly (number | string)[]): NamedTensor {
    const array = this.list[this.at];
    if (!array)
      throw damaged(`${this.where}: the file has no array for ${what}; it has ${this.list.length} for this layer`);
    this.at++;
    const fits =
      array.shape.length === shape.length && shape.every((n, axis) => typeof n === "string" || n === array.shape[axis]);
    if (!fits)
      throw damaged(`${this.where}: ${what} has shape ${formatShape(array.shape)}, expected ${formatShape(shape)}`);
    return array;
  }

  /** Shape of the next array, or of one behind it, to decide what it is. */
  peek(ahead = 0): readonly number[] | undefined {
    return this.list[this.at + ahead]?.shape;
  }

  finish(): void {
    if (this.left > 0)
      throw damaged(
        `${this.where}: the file has ${this.list.length} arrays for this layer, ${this.left} more than it needs`,
      );
  }
}
