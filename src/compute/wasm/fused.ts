import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import { f32, f32x4 } from "../../print/wasm/instructions.ts";

/**
 * Whether this host has `relaxed_madd` and rounds it once: (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ then, and 0 when it rounds twice. At once: so few
 * bytes are compiled before another thread had begun, and a page may do it too.
 */
export function hasFusedMultiplyAdd(): boolean {
  if (typeof WebAssembly === "undefined") return false;
  const m = new ModuleBuilder({ memory: { initial: 0, maximum: 1, shared: false } });
  m.func({ name: "run", params: ["f32", "f32"], results: ["f32"] }, (_, a, c) =>
    f32x4.extract_lane(f32x4.relaxed_madd(f32x4.splat(a.get), f32x4.splat(a.get), f32x4.splat(f32.neg(c.get))), 0),
  );
  const bytes = m.finish();
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const run = instance.exports.run as (a: number, c: number) => number;
  return run(1 + 2 ** -12, 1 + 2 ** -11) === 2 ** -24;
}
