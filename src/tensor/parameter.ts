import type { Range } from "../compute/plan.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { RandomStream } from "../shared/random.ts";
import { size } from "../shared/shapes.ts";

/** Returns the initial values of a parameter, row-major, from its shape and a random stream of its own. */
export type Initializer = (shape: readonly number[], random: RandomStream) => ArrayLike<number>;

/** A trainable tensor: its shape and initialization, without memory. Layers that share a `Parameter` share its numbers (weight tying). */
export interface Parameter {
  readonly shape: readonly number[];
  readonly initialize: Initializer;
}

/** Layers and models: named parts, down to parameters. */
export interface HasParameters {
  readonly parts: Readonly<Record<string, Parameter | HasParameters>>;
  /** Of its own parameters those that are matrices of products, and of nothing else, so that they may be quantized. */
  readonly products?: readonly Parameter[] | undefined;
}

const isParameter = (part: Parameter | HasParameters): part is Parameter => "initialize" in part;

/** All parameters below `root` by dotted name, in the order of declaration; a shared one appears once, under its first name. */
export function namedParameters(root: HasParameters): Map<string, Parameter> {
  const found = new Map<string, Parameter>();
  const seen = new Set<Parameter>();
  const visit = (prefix: string, part: Parameter | HasParameters): void => {
    if (typeof part !== "object" || part === null || !("initialize" in part || "parts" in part))
      throw new UsageError(
        "bad-option",
        `${prefix || "layoutParameters"}: expected a model or a layer, which has parameters in \`parts\`, got ${describe(part)}`,
      );
    if (!isParameter(part)) {
      for (const [name, child] of Object.entries(part.parts)) visit(prefix ? `${prefix}.${name}` : name, child);
    } else if (!seen.has(part)) {
      seen.add(part);
      found.set(prefix, part);
    }
  };
  visit("", root);
  return found;
}

/** All matrices of products below `root`. */
export function productParameters(root: HasParameters): Set<Parameter> {
  const found = new Set(root.products ?? []);
  for (const part of Object.values(root.parts))
    if (!isParameter(part)) for (const parameter of productParameters(part)) found.add(parameter);
  return found;
}

/** Where parameters are in memory: the same offsets hold for parameters, gradients and each moment of an optimizer. */
export interface ParameterLayout {
  /** Parameters by name, in the order of declaration. */
  readonly names: ReadonlyMap<string, Parameter>;
  readonly offsets: ReadonlyMap<Parameter, number>;
  /** Elements of an arena, gaps included (gaps hold zeros). */
  readonly length: number;
  /** Matrices that products read in 8 bits (`ParameterStore.quantize`); none at first. */
  readonly quantized: QuantizedLayout;
}

/** Where matrices of 8 bits lie: in an arena of their own, QUANTIZED. */
export interface QuantizedLayout {
  readonly ranges: ReadonlyMap<Parameter, QuantizedRanges>;
  readonly length: number;
}

/** A matrix of 8 bits: words of four numbers, and a scale a row. */
export interface QuantizedRanges {
  readonly words: Range;
  readonly scales: Range;
}

/** The arena of the matrices of 8 bits. */
export const QUANTIZED = "quantized";

/** @throws UsageError "quantized" where matrices are of 8 bits */
export function expectTrainable({ quantized }: ParameterLayout): void {
  if (quantized.length > 0)
    throw new UsageError("quantized", "8-bit weights have no gradient: train first, then quantize");
}

/** Elements at whose multiples a range begins. */
export const alignment = 16;

/** Assigns a place in memory to every parameter of a model. Pass the layout to `createParameters`. */
export function layoutParameters(root: HasParameters): ParameterLayout {
  const names = namedParameters(root);
  const offsets = new Map<Parameter, number>();
  let length = 0;
  for (const parameter of [...names.values()].reverse()) {
    offsets.set(parameter, length);
    length += Math.ceil(size(parameter.shape) / alignment) * alignment;
  }
  return { names, offsets, length, quantized: { ranges: new Map(), length: 0 } };
}
