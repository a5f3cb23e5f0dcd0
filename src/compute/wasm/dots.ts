import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { i32, i32x4 } from "../../print/wasm/instructions.ts";
import type { Compile } from "./compile.ts";
import { probe } from "./probe.ts";

/** By what compiles. */
const known = new Map<Compile | undefined, boolean>();

/**
 * Whether this host multiplies numbers of 8 and 7 bits and adds them by fours, and does it right: 1 + 4 · w · a of the outermost numbers
 * (code that Node 20 has not optimised yet adds the products twice). Where it does, the sums are exact, so that it is no matter of the
 * arithmetic family.
 */
export function hasDots(compile?: Compile): boolean {
  const has = known.get(compile) ?? measured(compile);
  known.set(compile, has);
  return has;
}

function measured(compile: Compile | undefined): boolean {
  const dot = (w: Local, a: Local): Code =>
    i32x4.relaxed_dot_i8x16_i7x16_add_s(i32x4.splat(w.get), i32x4.splat(a.get), i32x4.splat(i32.const(1)));
  const run = probe(["i32", "i32"], "i32", (w, a) => i32x4.extract_lane(dot(w!, a!), 3), compile);
  const fours = (byte: number): number => (byte & 255) * 0x01010101;
  return [-127, 127].every((w) => run?.(fours(w), fours(127)) === 1 + 4 * 127 * w);
}
