import { hasFusedMultiplyAdd } from "../../../src/compute/wasm/fused.ts";
import type { FunctionBuilder } from "../../../src/print/wasm/assembler.ts";
import { ModuleBuilder } from "../../../src/print/wasm/assembler.ts";
import type { Code, ValueType } from "../../../src/print/wasm/code.ts";
import type { Local } from "../../../src/print/wasm/control.ts";

export interface Instance {
  readonly memory: WebAssembly.Memory;
  readonly floats: Float32Array;
  readonly words: Int32Array;
  call(name: string, ...args: number[]): number;
}

/** Compiles and starts what `print` puts into a module, over `pages` of new memory. */
export function instantiate(print: (m: ModuleBuilder) => void, pages = 16, wide = false): Instance {
  const limits = { initial: pages, maximum: pages };
  const m = new ModuleBuilder({ memory: { ...limits, shared: false }, wide });
  print(m);
  const memory = new WebAssembly.Memory(limits);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { env: { memory } });
  return {
    memory,
    floats: new Float32Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    call: (name, ...args) => (instance.exports[name] as (...args: number[]) => number)(...args),
  };
}

/** An instance with one function `run`. */
export const single = (
  params: readonly ValueType[],
  results: readonly ValueType[],
  body: (f: FunctionBuilder, ...params: Local[]) => Code,
): Instance => instantiate((m) => void m.func({ name: "run", params, results }, body));

/** Whether this engine can fuse; without it the tests of fused code are not run (Node 20 started without its flag). */
export const canFuse = hasFusedMultiplyAdd();
export const families: readonly boolean[] = canFuse ? [false, true] : [false];
