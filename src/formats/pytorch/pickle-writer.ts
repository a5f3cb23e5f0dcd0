import { concatBytes } from "../../shared/concat-bytes.ts";
import { UsageError } from "../../shared/errors.ts";

/** Writes the few instructions of pickle, protocol 2, that a state dictionary needs. */
export class PickleWriter {
  readonly #parts: Uint8Array[] = [];

  constructor() {
    this.#put(0x80, 2); // PROTO
  }

  beginOrderedDict(): void {
    this.#orderedDict();
    this.#put(0x28); // MARK
  }

  endOrderedDict(): void {
    this.#put(0x75); // SETITEMS
  }

  text(text: string): void {
    if (/\p{Surrogate}/u.test(text))
      throw new UsageError("bad-name", `${JSON.stringify(text)} is not well-formed Unicode`);
    const bytes = new TextEncoder().encode(text);
    const head = new DataView(new ArrayBuffer(4));
    head.setUint32(0, bytes.length, true);
    this.#put(0x58, ...new Uint8Array(head.buffer)); // BINUNICODE
    this.#parts.push(bytes);
  }

  /** As torch.save writes a tensor whose storage is `data/KEY`. */
  tensor(tensor: {
    readonly storage: string;
    readonly key: string;
    readonly length: number;
    readonly shape: readonly number[];
    readonly strides: readonly number[];
  }): void {
    this.#global("torch._utils", "_rebuild_tensor_v2");
    this.#put(0x28); // MARK: the arguments
    this.#put(0x28); // MARK: the persistent id
    this.text("storage");
    this.#global("torch", tensor.storage);
    this.text(tensor.key);
    this.text("cpu");
    this.#integer(tensor.length);
    this.#put(0x74, 0x51); // TUPLE, BINPERSID
    this.#integer(0);
    this.#integers(tensor.shape);
    this.#integers(tensor.strides);
    this.#put(0x89); // NEWFALSE: requires no gradient
    this.#orderedDict(); // hooks: none
    this.#put(0x74, 0x52); // TUPLE, REDUCE
  }

  finish(): Uint8Array {
    this.#put(0x2e); // STOP
    return concatBytes(this.#parts);
  }

  #orderedDict(): void {
    this.#global("collections", "OrderedDict");
    this.#put(0x29, 0x52); // EMPTY_TUPLE, REDUCE
  }

  #global(module: string, name: string): void {
    this.#put(0x63); // GLOBAL
    this.#parts.push(new TextEncoder().encode(`${module}\n${name}\n`));
  }

  #integers(values: readonly number[]): void {
    this.#put(0x28);
    for (const value of values) this.#integer(value);
    this.#put(0x74);
  }

  /** From 0 on. */
  #integer(value: number): void {
    const head = new DataView(new ArrayBuffer(8));
    head.setBigUint64(0, BigInt(value), true);
    const bytes = [...new Uint8Array(head.buffer)];
    if (value < 256)
      this.#put(0x4b, value); // BININT1
    else if (value < 2 ** 31)
      this.#put(0x4a, ...bytes.slice(0, 4)); // BININT
    else this.#put(0x8a, 8, ...bytes); // LONG1
  }

  #put(...bytes: number[]): void {
    this.#parts.push(Uint8Array.from(bytes));
  }
}
