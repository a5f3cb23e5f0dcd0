import { describe, FailureError, ShapeError, UsageError } from "../shared/errors.ts";
import type { OwnFloat32Array, OwnFloat64Array, OwnInt32Array } from "../shared/own-bytes.ts";
import { formatShape } from "../shared/shapes.ts";
import { type Codec, ELEMENT_TYPES, type ElementType, type ElementTypeName } from "./element-types.ts";

/** The bytes of a tensor in a file. */
export interface StoredTensor {
  /** Number of bytes. */
  readonly length: number;
  /** Reads all bytes, as a copy. */
  readonly read: () => Uint8Array;
  /** Reads all bytes in parts of whole elements, each valid until the next is requested. */
  readonly parts: () => Iterable<Uint8Array>;
}

/** A tensor of a safetensors file: type, shape and bytes. Numbers are decoded on request, as copies. */
export class SafeTensor {
  readonly dtype: ElementTypeName;
  readonly shape: readonly number[];
  /** Row-major, little-endian. A view of the bytes of a file read whole; of a stored tensor a new read at each access. */
  readonly bytes!: Uint8Array;
  readonly #count: number;
  readonly #stored: StoredTensor | undefined;

  /** @throws UsageError "bad-tensor" when type, shape and number of bytes do not agree */
  constructor(dtype: ElementTypeName, shape: readonly number[], bytes: Uint8Array | StoredTensor) {
    if (!Object.hasOwn(ELEMENT_TYPES, dtype)) {
      const known = Object.keys(ELEMENT_TYPES).join(", ");
      throw new UsageError("bad-tensor", `dtype: expected one of ${known}, got ${describe(dtype)}`);
    }
    const expected = byteLength(dtype, shape);
    if (expected !== bytes.length) {
      const what = `${dtype} of shape ${formatShape(shape)}`;
      throw new UsageError(
        "bad-tensor",
        `bytes: expected ${expected ?? "a whole number of"} bytes for ${what}, got ${bytes.length}`,
      );
    }
    this.dtype = dtype;
    this.shape = shape;
    this.#count = (bytes.length * 8) / ELEMENT_TYPES[dtype].bits;
    if (bytes instanceof Uint8Array) {
      // A plain view also of a Buffer of Node, whose `slice` does not copy.
      this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    } else {
      this.#stored = bytes;
      Object.defineProperty(this, "bytes", { get: bytes.read, enumerable: true });
    }
  }

  /** Whether the bytes are in a file and are read at each access. */
  get stored(): boolean {
    return this.#stored !== undefined;
  }

  /** The bytes in parts of whole elements, each valid until the next is requested; one part if they are in memory. */
  *parts(): Generator<{ readonly elements: number; readonly bytes: Uint8Array }> {
    for (const bytes of this.#stored?.parts() ?? [this.bytes])
      yield { elements: (bytes.length * 8) / ELEMENT_TYPES[this.dtype].bits, bytes };
  }

  /** All elements as float64; exact, except 64-bit integers beyond 2^53, which are rounded. */
  toFloat64(): OwnFloat64Array {
    return this.#into(new Float64Array(this.#count));
  }

  /** All elements as float32, rounded to nearest. */
  toFloat32(): OwnFloat32Array {
    if (this.dtype !== "F32") return this.#into(new Float32Array(this.#count));
    return new Float32Array(this.bytes.slice().buffer);
  }

  /**
   * All elements as 32-bit integers.
   * @throws FailureError "not-an-integer" when one of them is no such number
   */
  toInt32(): OwnInt32Array {
    const values = this.toFloat64();
    const wrong = values.findIndex((value) => (value | 0) !== value);
    if (wrong >= 0) {
      throw new FailureError(
        "not-an-integer",
        `element ${wrong} of a tensor of ${this.dtype} is ${values[wrong]}: expected whole numbers of 32 bits`,
      );
    }
    return Int32Array.from(values);
  }

  #into<A extends Float64Array | Float32Array>(result: A): A {
    const { read } = codecOf(this.dtype);
    const { bytes } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const step = ELEMENT_TYPES[this.dtype].bits / 8;
    for (let i = 0; i < result.length; i++) result[i] = read(view, i * step);
    return result;
  }
}

/**
 * Makes a tensor for `writeSafetensors` from numbers. Floating-point types round to nearest (ties to even); integer types refuse
 * numbers that they cannot hold.
 * @throws ShapeError "shape-mismatch", UsageError "out-of-range"
 */
export function safeTensor(dtype: ElementTypeName, shape: readonly number[], values: ArrayLike<number>): SafeTensor {
  const { write, range } = codecOf(dtype);
  const bytes = byteLength(dtype, shape);
  const step = ELEMENT_TYPES[dtype].bits / 8;
  if (bytes !== values.length * step) {
    throw new ShapeError(
      "shape-mismatch",
      `values: ${values.length} values do not fill the shape ${formatShape(shape)}`,
    );
  }
  const view = new DataView(new ArrayBuffer(bytes));
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) {
      const expected = `a whole number from ${range[0]} to ${range[1]}`;
      throw new UsageError("out-of-range", `values[${i}]: expected ${expected} for ${dtype}, got ${value}`);
    }
    write(view, i * step, value);
  }
  return new SafeTensor(dtype, shape, new Uint8Array(view.buffer));
}

/** @throws UsageError "bad-option" for what is no Map, such as an object or the file that holds one */
export function expectMap(what: string, given: ReadonlyMap<string, unknown>): void {
  if (typeof given?.has === "function" && typeof given.entries === "function") return;
  throw new UsageError(
    "bad-option",
    `${what}: expected a Map from names to tensors, such as \`tensors\` of what a reader gives, got ${describe(given)}; of an object it is new Map(Object.entries(…))`,
  );
}

/** What can be written to a file: a tensor as it is stored, or numbers with their shape, in the type of their array (else float64). */
export type WritableTensor = SafeTensor | { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/** The tensors to write, by name. One under two names stays one. @throws ShapeError "shape-mismatch"; UsageError "bad-option" */
export function storable(tensors: ReadonlyMap<string, WritableTensor>): Map<string, SafeTensor> {
  expectMap("tensors", tensors);
  for (const [name, tensor] of tensors)
    if (!Array.isArray(tensor?.shape))
      throw new UsageError(
        "bad-option",
        `tensor ${JSON.stringify(name)}: expected { shape, data }, got ${describe(tensor)}`,
      );
  const made = new Map<WritableTensor, SafeTensor>();
  for (const tensor of tensors.values())
    if (!made.has(tensor)) made.set(tensor, tensor instanceof SafeTensor ? tensor : ofNumbers(tensor));
  return new Map([...tensors].map(([name, tensor]) => [name, made.get(tensor)!]));
}

function ofNumbers({ shape, data }: Exclude<WritableTensor, SafeTensor>): SafeTensor {
  return safeTensor(data instanceof Float32Array ? "F32" : data instanceof Int32Array ? "I32" : "F64", shape, data);
}

/** A tensor that has every bit of the numbers, float32 or float64: the bytes of such an array are not copied. */
export function tensorOver(shape: readonly number[], data: ArrayLike<number>): SafeTensor {
  const dtype = data instanceof Float32Array ? "F32" : "F64";
  if (!LITTLE_ENDIAN || !(data instanceof Float32Array || data instanceof Float64Array))
    return safeTensor(dtype, shape, data);
  return new SafeTensor(dtype, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** How many bytes the tensor takes; undefined when that is no whole number below 2^53 or the shape is none. */
export function byteLength(dtype: ElementTypeName, shape: readonly number[]): number | undefined {
  let bits: number = ELEMENT_TYPES[dtype].bits;
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) return undefined;
    bits *= extent;
    if (bits > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return bits % 8 === 0 ? bits / 8 : undefined;
}

function codecOf(dtype: ElementTypeName): Codec {
  const { codec }: ElementType = ELEMENT_TYPES[dtype];
  if (codec === undefined) {
    throw new UsageError("no-numbers", `a tensor of ${dtype} can be copied as bytes but not turned into numbers`);
  }
  return codec;
}
