import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { f32, f32x4 } from "../../print/wasm/instructions.ts";
import type { Compile } from "./compile.ts";
import { probe } from "./probe.ts";

/** Whether this host has `relaxed_madd` and rounds it once: (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ then, and 0 when it rounds twice. */
export function hasFusedMultiplyAdd(compile?: Compile): boolean {
  const madd = (a: Local, c: Local): Code =>
    f32x4.relaxed_madd(f32x4.splat(a.get), f32x4.splat(a.get), f32x4.splat(f32.neg(c.get)));
  const run = probe(["f32", "f32"], "f32", (a, c) => f32x4.extract_lane(madd(a!, c!), 0), compile);
  return run?.(1 + 2 ** -12, 1 + 2 ** -11) === 2 ** -24;
}
