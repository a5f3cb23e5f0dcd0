import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code, ValueType } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { type Compile, compileNow } from "./compile.ts";

type Result = "i32" | "f32";

/**
 * A function of some instructions, to see what this host makes of them; undefined where it does not know them. At once: so few bytes are
 * compiled before another thread had begun, and a page may do it too.
 */
export function probe(
  params: readonly ValueType[],
  result: Result,
  body: (...parameters: Local[]) => Code,
  compile?: Compile,
): ((...numbers: number[]) => number) | undefined {
  if (typeof WebAssembly === "undefined") return undefined;
  const m = new ModuleBuilder({ memory: { initial: 0, maximum: 1, shared: false } });
  m.func({ name: "run", params, results: [result] }, (_, ...parameters) => body(...parameters));
  const bytes = m.finish();
  if (!WebAssembly.validate(bytes)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1 });
  const instance = new WebAssembly.Instance(compileNow(bytes, compile), { env: { memory } });
  return instance.exports.run as (...numbers: number[]) => number;
}
