import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import type { Share } from "../../print/wasm/team.ts";

const number = (n: number): Code => i32.const(n);

/** Rows that are worked on together: panels of 16 in scratch memory, and which rows of the batch they are. */
export class Rows {
  /** Panels: from `first` on, up to and without `end`. */
  readonly first: Local;
  readonly end: Local;
  /** The row of the batch whose place is that of row 0. */
  readonly #origin: Local;
  /** The place behind the last row that there is; the panels go on to a multiple of 16. */
  readonly #filled: Local;

  constructor(f: FunctionBuilder) {
    [this.first, this.end] = [f.local("i32"), f.local("i32")];
    [this.#origin, this.#filled] = [f.local("i32"), f.local("i32")];
  }

  /** `count` rows of the batch from `row` on, whose places begin with `place`, a multiple of 16. */
  set(row: Code, count: Code, place: Code): Code {
    return [
      this.first.set(i32.shr_u(place, number(4))),
      this.#origin.set(i32.sub(row, this.firstRow)),
      this.#filled.set(i32.add(this.firstRow, count)),
      this.end.set(i32.shr_u(i32.add(this.#filled.get, number(15)), number(4))),
    ];
  }

  /** Some panels of others. */
  setPart(others: Rows, { from, to }: Share): Code {
    return [
      this.first.set(from),
      this.end.set(to),
      this.#origin.set(others.#origin.get),
      this.#filled.set(others.#filled.get),
    ];
  }

  get panels(): Code {
    return i32.sub(this.end.get, this.first.get);
  }

  get count(): Code {
    return i32.shl(this.panels, number(4));
  }

  get firstRow(): Code {
    return i32.shl(this.first.get, number(4));
  }

  get endRow(): Code {
    return i32.shl(this.end.get, number(4));
  }

  /** Which row of the batch is at a place. */
  inBatch(place: Code): Code {
    return i32.add(this.#origin.get, place);
  }

  /** How many rows there are from a place on. */
  from(place: Code): Code {
    return i32.sub(this.#filled.get, place);
  }
}
