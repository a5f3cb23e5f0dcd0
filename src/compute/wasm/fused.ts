import { f32, f32x4 } from "../../print/wasm/instructions.ts";
import { probe } from "./probe.ts";

/** Whether this host has `relaxed_madd` and rounds it once: (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ then, and 0 when it rounds twice. */
export function hasFusedMultiplyAdd(): boolean {
  const run = probe(["f32", "f32"], "f32", (a, c) =>
    f32x4.extract_lane(f32x4.relaxed_madd(f32x4.splat(a!.get), f32x4.splat(a!.get), f32x4.splat(f32.neg(c!.get))), 0),
  );
  return run?.(1 + 2 ** -12, 1 + 2 ** -11) === 2 ** -24;
}
