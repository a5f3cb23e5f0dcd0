import type { Range } from "../compute/plan.ts";
import { UsageError } from "../shared/errors.ts";

/** Numbers of an input lie in [0, below), or are `except`: a target that does not count. */
interface Bound {
  readonly below: number;
  readonly except: number | undefined;
}

/** Of what a range holds copies: numbers of another one. */
interface Source {
  readonly of: Range;
  /** Where they lie in that one; default: all, in order. Asked for only where a bound is stated of inputs. */
  readonly from?: (() => Int32Array) | undefined;
  /** Where they lie in the range, one by one; default: all of it, in order. */
  readonly at?: (() => Int32Array) | undefined;
}

/** Of which places of a source these of the range, or all, are copies. */
function sourcePlaces({ from, at }: Source, places: Int32Array | undefined): Int32Array | undefined {
  const origins = from?.();
  if (!places) return origins;
  const copies = at && new Map(Array.from(at(), (place, copy) => [place, copy]));
  const copied = copies ? places.filter((place) => copies.has(place)).map((place) => copies.get(place)!) : places;
  return origins ? copied.map((copy) => origins[copy]!) : copied;
}

/**
 * Which whole numbers the inputs of a graph may hold: rows of a table, classes. An operation states it of the tensor that it reads;
 * where that was cut out of an input, it holds of those numbers of the input.
 */
export class InputBounds {
  private readonly inputs: Readonly<Record<string, { readonly range: Range }>>;
  private readonly whole = new Map<string, Bound>();
  private readonly parts = new Map<string, (Bound & { readonly places: Int32Array })[]>();
  private readonly sources = new Map<Range, readonly Source[]>();

  constructor(inputs: Readonly<Record<string, { readonly range: Range }>>) {
    this.inputs = inputs;
  }

  /** Notes what a range was copied from. */
  copied(range: Range, sources: readonly Source[]): void {
    this.sources.set(range, sources);
  }

  /** States the bound of a range, or of these places in it. Of several that are stated of a whole input the smallest holds. */
  bound(range: Range, { below, except }: Bound, places?: Int32Array): void {
    if (places?.length === 0) return;
    const name = Object.keys(this.inputs).find((one) => this.inputs[one]!.range === range);
    if (name === undefined)
      for (const source of this.sources.get(range) ?? [])
        this.bound(source.of, { below, except }, sourcePlaces(source, places));
    else if (places) this.parts.set(name, [...(this.parts.get(name) ?? []), { below, except, places }]);
    else {
      const known = this.whole.get(name);
      // What one use of a number leaves out another reads.
      const both = known && known.except !== except ? undefined : except;
      this.whole.set(name, { below: Math.min(below, known?.below ?? below), except: both });
    }
  }

  /** What is below the bounds of every number of an input, by name. */
  smallest(): Record<string, number> {
    const all = [
      ...this.whole,
      ...[...this.parts].flatMap(([name, parts]) => parts.map((part) => [name, part] as const)),
    ];
    const smallest: Record<string, number> = {};
    for (const [name, { below }] of all)
      smallest[name] = Math.min(below, Object.hasOwn(smallest, name) ? smallest[name]! : below);
    return smallest;
  }

  /** Checks what an input is to hold. @throws UsageError "out-of-range" */
  check(name: string, data: ArrayLike<number>): void {
    const whole = this.whole.get(name);
    if (whole || this.inputs[name]!.range.type === "int") expectWhole(name, data, whole);
    this.parts.get(name)?.forEach((part) => {
      expectWhole(name, data, part, part.places);
    });
  }
}

function expectWhole(name: string, data: ArrayLike<number>, bound: Bound | undefined, places?: Int32Array): void {
  const [min, end] = bound ? [0, bound.below] : [-(2 ** 31), 2 ** 32];
  const except = bound?.except;
  const count = places?.length ?? data.length;
  for (let k = 0; k < count; k++) {
    const at = places ? places[k]! : k;
    const value = data[at]!;
    if ((Number.isInteger(value) && value >= min && value < end) || value === except) continue;
    const also = except === undefined ? "" : `, or ${except}`;
    throw new UsageError(
      "out-of-range",
      `input "${name}": element ${at} is ${value}, expected a whole number from ${min} to ${end - 1}${also}`,
    );
  }
}

/** Where the elements `offset + strides · index` of a tensor lie in it, row-major. */
export const placesOf = (shape: readonly number[], offset: number, strides: readonly number[]): Int32Array =>
  shape.reduce(
    (places, n, axis) =>
      Int32Array.from({ length: places.length * n }, (_, k) => places[Math.floor(k / n)]! + (k % n) * strides[axis]!),
    Int32Array.of(offset),
  );
