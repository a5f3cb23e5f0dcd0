import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import { f32, f32x4, i32, v128 } from "../../print/wasm/instructions.ts";

/** Whether this host has WebAssembly with vectors of 128 bits, which every kernel needs. */
export function hasSimd(): boolean {
  if (typeof WebAssembly === "undefined") return false;
  const m = new ModuleBuilder({ memory: { initial: 1, maximum: 1, shared: false } });
  m.func({ name: "run", params: [] }, () => v128.store(i32.const(0), f32x4.splat(f32.const(0))));
  return WebAssembly.validate(m.finish());
}
