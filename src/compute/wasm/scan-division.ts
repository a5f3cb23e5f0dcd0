import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { share, solo, type Team } from "../../print/wasm/team.ts";

/** The examples that a thread takes through the steps: rows of everything that has a row for each. */
export interface Examples {
  /** Number of the first one; undefined: 0. */
  readonly first: Local | undefined;
  readonly count: Code;
  /** The same as a number, if all threads have as many. */
  readonly known: number | undefined;
}

/** How threads divide the steps of a scan. What a thread computes of an example is the same in every division: it changes no bit. */
export interface Division {
  /** Those that share the units of an example, and meet in every step; where each has examples of its own, one alone. */
  readonly team: Team;
  readonly byExamples: boolean;
  /** The examples of this thread in a function: what the function does first, and where they are. */
  examples(f: FunctionBuilder): { readonly code: Code; readonly examples: Examples };
}

/** Each thread has some of the units, for all examples. */
export const byUnits = (team: Team, batch: number): Division => ({
  ...{ team, byExamples: false },
  examples: () => ({ code: [], examples: { first: undefined, count: i32.const(batch), known: batch } }),
});

/** Each thread has all units of some of the examples, and waits for nobody before the last step. */
export const byExamples = (team: Team, batch: number): Division => ({
  ...{ team: solo, byExamples: true },
  examples(f) {
    const [first, count] = [f.local("i32"), f.local("i32")];
    const { from, to } = share(team, batch);
    const known = batch % team.threads === 0 ? batch / team.threads : undefined;
    return {
      code: [first.set(from), count.set(i32.sub(to, first.get))],
      examples: { first, count: known === undefined ? count.get : i32.const(known), known },
    };
  },
});

/** Examples from which on a thread multiplies them about as fast as many. */
const ENOUGH = 4;
/** Bytes of matrices that each thread may have to itself: what its second cache holds. */
export const LIGHT = 2 ** 20;

/**
 * By examples, if there are enough for each thread, and what a step multiplies by is light: `recurrent` matrices (without any, nobody has to wait
 * for others in either division), and others.
 */
export const divide = (
  team: Team,
  batch: number,
  { recurrent, others = 0 }: { readonly recurrent: number; readonly others?: number },
): Division =>
  team.threads > 1 && batch >= ENOUGH * team.threads && recurrent > 0 && recurrent + others <= LIGHT
    ? byExamples(team, batch)
    : byUnits(team, batch);

/** Bytes from row 0 of [T·B] to that of the first of some examples at step `t`; of a thread's own memory with `each` for each example before it. */
export function toRow(
  t: Code,
  first: Local | undefined,
  o: { readonly batch: number; readonly bytes: number; readonly each?: number | undefined },
): Code {
  const step = i32.mul(t, i32.const(o.batch * o.bytes));
  return first === undefined ? step : i32.add(step, i32.mul(first.get, i32.const(o.each ?? o.bytes)));
}
