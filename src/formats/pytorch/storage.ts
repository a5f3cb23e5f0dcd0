import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { byteLength, SafeTensor } from "../../checkpoint/safe-tensor.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import { elementBytes, swapBytes } from "../element-bytes.ts";
import { copyStrided, isRowMajor } from "../strided-copy.ts";
import { quote, refuse } from "./refuse.ts";

/** Numbers that tensors view; several tensors may share a storage. */
export class Storage {
  readonly key: string;
  /** "bytes": without a type of its own; then the tensor has one. */
  readonly dtype: ElementTypeName | "bytes";
  /** Number of elements, of bytes for "bytes". */
  readonly length: number;
  /** Where it begins in the storage that it is itself a part of, in elements (files before PyTorch 0.4). */
  readonly start: number;
  /** Set when the place of its bytes is known, before anyone gets to see a tensor. */
  bytes!: StorageBytes;

  constructor(key: string, dtype: ElementTypeName | "bytes", length: number, start = 0) {
    this.key = key;
    this.dtype = dtype;
    this.length = length;
    this.start = start;
  }

  /** Bytes of an element. */
  get width(): number {
    return this.dtype === "bytes" ? 1 : elementBytes(this.dtype);
  }
}

/** The bytes of a storage in the file. */
export interface StorageBytes {
  readonly size: number;
  readonly bigEndian: boolean;
  /** Bytes of the storage, from `offset` on. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A tensor of a PyTorch file: type, shape and position. Its numbers are read on request. */
export class TensorView {
  readonly dtype: ElementTypeName;
  readonly shape: readonly number[];
  /** In elements; row-major is usual, 0 means that an axis repeats one element. */
  readonly strides: readonly number[];
  /** In elements. */
  readonly offset: number;
  readonly storage: Storage;

  constructor(storage: Storage, dtype: ElementTypeName, layout: Pick<TensorView, "shape" | "strides" | "offset">) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = layout.shape;
    this.strides = layout.strides;
    this.offset = layout.offset;
    this.#expectInside();
  }

  /**
   * Reads the numbers, row-major and little-endian; only the part of the storage that the tensor spans.
   * @throws FailureError "bad-zip", "file-read-failed"
   */
  async read(): Promise<SafeTensor> {
    const width = elementBytes(this.dtype);
    const count = size(this.shape);
    if (count === 0) return new SafeTensor(this.dtype, this.shape, new Uint8Array(0));
    const start = (this.storage.start + this.offset) * width;
    const source = this.storage.bytes;
    const raw = await source.read(start, this.#span() * width);
    const bytes = source.bigEndian ? swapBytes(raw, width) : raw;
    if (isRowMajor(this)) return new SafeTensor(this.dtype, this.shape, bytes);
    const layout = { shape: this.shape, strides: this.strides, offset: 0 };
    return new SafeTensor(this.dtype, this.shape, copyStrided(bytes, layout, new Uint8Array(count * width), width));
  }

  /** How many elements of the storage lie between its first and its last one, both included. */
  #span(): number {
    return this.shape.reduce((last, extent, axis) => last + (extent - 1) * this.strides[axis]!, 0) + 1;
  }

  #expectInside(): void {
    const { shape, strides, offset, storage, dtype } = this;
    const what = `a tensor of shape ${formatShape(shape)} with strides ${formatShape(strides)} and offset ${offset}`;
    const length = storage.dtype === "bytes" ? Math.floor(storage.length / elementBytes(dtype)) : storage.length;
    const bytes = byteLength(dtype, shape);
    if (bytes === undefined) refuse(`${what} is too large`);
    const last = offset + (bytes === 0 ? 0 : this.#span());
    if (!(last <= length)) refuse(`${what} leads past its storage ${quote(storage.key)}, which has ${length} elements`);
    // An axis with stride 0 repeats its element: without a bound, a file of some bytes would fill any memory.
    if (bytes > Math.max(MAX_EXPANDED, length * elementBytes(dtype)))
      refuse(`${what} would expand a storage of ${length} elements to ${bytes} bytes`);
  }
}

const MAX_EXPANDED = 1 << 26;
