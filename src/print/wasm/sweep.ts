import type { FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { type Local, select, whileTrue } from "./control.ts";
import { i32 } from "./instructions.ts";

/** Where a sweep is. */
export interface Swept {
  /** The first of the panels that are next to one another here. */
  readonly panel: Local;
  readonly count: number;
  /** The first of as many panels that come after them, or these themselves. */
  readonly next: Code;
}

/**
 * Goes through the panels `from … to − 1` of a matrix, `together` at a time and the rest one by one; if it `turns`, from the last to the first where
 * the module says so (`ModuleBuilder.turned`). Panels are results of their own: their order changes no bit.
 */
export function sweep(
  m: ModuleBuilder,
  f: FunctionBuilder,
  o: { readonly from: Code; readonly to: Code; readonly turns: boolean; readonly together?: number },
  body: (at: Swept) => Code,
): Code {
  const [panel, left, by, back] = [0, 1, 2, 3].map(() => f.local("i32")) as [Local, Local, Local, Local];
  const { together = 1 } = o;
  const move = (to: Code): Code => panel.set(i32.add(panel.get, to));
  /** Begins and ends at the edge of what is left: backwards that is behind the next panel. */
  const pass = (count: number): Code => {
    const toFirst = i32.and(by.get, back.get);
    const next = select(i32.add(panel.get, by.get), panel.get, i32.gt_u(left.get, i32.const(count)));
    return [
      by.set(i32.sub(i32.xor(i32.const(count), back.get), back.get)),
      move(toFirst),
      whileTrue(i32.ge_u(left.get, i32.const(count)), [
        body({ panel, count, next }),
        move(by.get),
        left.set(i32.sub(left.get, i32.const(count))),
      ]),
      panel.set(i32.sub(panel.get, toFirst)),
    ];
  };
  return [
    // All bits or none.
    back.set(o.turns ? i32.sub(i32.const(0), m.turned) : i32.const(0)),
    panel.set(select(o.to, o.from, back.get)),
    left.set(i32.sub(o.to, o.from)),
    together > 1 ? pass(together) : [],
    pass(1),
  ];
}

/** Reading a matrix from the third cache takes longer than multiplying so many rows with it. */
export const VERY_FEW = 4;
/** Bytes that a second cache may not hold beside everything else. */
const LARGE = 512 * 1024;

/**
 * Whether passes through so many bytes of a matrix (a thread's own), for so many rows, turn around at its ends. Read again and again from its start, a matrix
 * that is larger than a cache finds nothing of itself there; if every pass turns around, it finds what the one before read last. Measured
 * (Sapphire Rapids, 2 MiB of second-level cache): 2 MB are read at 93 in place of 65 GB/s, 4 MB at 46 in place of 31, 8 MB at 32 in place of 27,
 * more than 20 MB as fast as before. A streamed LSTM step of 256 units takes 0.71 of the time, one of 512 0.85; a training step of 512 units with
 * one example 0.78, with four 0.92. With six rows and more nothing is gained: what comes next is fetched meanwhile (`isFar`). Near ones are
 * read faster from start to end (8-bit weights, 256 units: 1.04).
 */
export const turnsFor = (rows: number, bytes: number): boolean => rows <= VERY_FEW && bytes > LARGE;
