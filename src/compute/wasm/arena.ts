import { Closing } from "../../shared/closing.ts";
import { UsageError } from "../../shared/errors.ts";
import type { Arena } from "../machine.ts";
import { arenaClosed } from "../operands.ts";
import type { Range } from "../plan.ts";
import type { Memory } from "./memory.ts";

export const ELEMENT_BYTES = 4;

/** The machine whose memory it is. */
interface Owner {
  readonly isOpen: boolean;
  /** What was released already stays so. */
  release(arena: WasmArena): void;
}

/** A place in the memory of a machine. */
export class WasmArena extends Closing implements Arena {
  readonly name: string;
  readonly length: number;
  /** Unsigned. */
  readonly address: number;
  readonly owner: Owner;
  open = true;
  /** Grows whenever something is written here. */
  version = 0;
  /** Of ranges that are written and read again and again: asking the host for its memory takes longer than a small copy. */
  readonly #views = new WeakMap<Range, Float32Array | Int32Array>();

  constructor(name: string, length: number, address: number, owner: Owner) {
    super();
    this.name = name;
    this.length = length;
    this.address = address;
    this.owner = owner;
  }

  close(): void {
    this.owner.release(this);
    this.open = false;
  }

  expectOpen(): void {
    if (!this.open) throw arenaClosed(this.name, !this.owner.isOpen);
  }

  /** A range as it lies in memory now: growing empties a view that was made before, and it is made anew. */
  view(range: Range, memory: Memory): Float32Array | Int32Array {
    const known = this.#views.get(range);
    if (this.open && known?.length === range.length) return known;
    const [address, length] = [this.at(range), range.length];
    const view =
      range.type === "int"
        ? new Int32Array(memory.buffer, address, length)
        : new Float32Array(memory.buffer, address, length);
    this.#views.set(range, view);
    return view;
  }

  /** The address of a range of this arena. */
  at({ offset, length }: Range): number {
    this.expectOpen();
    if (!(Number.isInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.length)) {
      throw new UsageError(
        "out-of-range",
        `elements ${offset} to ${offset + length} are not in arena "${this.name}", which has ${this.length}`,
      );
    }
    return this.address + offset * ELEMENT_BYTES;
  }
}
