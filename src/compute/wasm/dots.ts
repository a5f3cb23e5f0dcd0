import { i32, i32x4 } from "../../print/wasm/instructions.ts";
import { probe } from "./probe.ts";

let known: boolean | undefined;

/**
 * Whether this host multiplies numbers of 8 and 7 bits and adds them by fours, and does it right: 1 + 4 · w · a of the outermost numbers
 * (code that Node 20 has not optimised yet adds the products twice). Where it does, the sums are exact, so that it is no matter of the
 * arithmetic family.
 */
export function hasDots(): boolean {
  known ??= measured();
  return known;
}

function measured(): boolean {
  const run = probe(["i32", "i32"], "i32", (w, a) =>
    i32x4.extract_lane(
      i32x4.relaxed_dot_i8x16_i7x16_add_s(i32x4.splat(w!.get), i32x4.splat(a!.get), i32x4.splat(i32.const(1))),
      3,
    ),
  );
  const fours = (byte: number): number => (byte & 255) * 0x01010101;
  return [-127, 127].every((w) => run?.(fours(w), fours(127)) === 1 + 4 * 127 * w);
}
