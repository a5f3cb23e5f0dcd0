import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { quantizedProduct, type Way } from "../../print/wasm/quantized-product.ts";
import type { Compile } from "./compile.ts";
import { hasDots } from "./dots.ts";

/*
 * Which way to multiply weights of 8 bits is the faster one on this processor. Both give the same bits. What instructions are made of shows in narrow
 * kernels as in wide ones, and in code that is not optimised yet: a third of a millisecond decides, before an engine has optimised one of the two.
 * Where a clock is too coarse to tell, nothing is lost but speed.
 */

/** A product that the first cache holds. */
const [PANELS, WORDS] = [4, 64];
/** Addresses: zeros, both operands, columns, the product. */
const [ZEROS, A, B, COLUMNS, C] = [0, 1024, 4096, 24576, 28672];
const [ROUNDS, CALLS] = [8, 12];

function openTrial(way: Way): () => void {
  const m = new ModuleBuilder({ memory: { initial: 1, maximum: 1, shared: false } });
  m.func({ name: "run", params: [] }, () =>
    quantizedProduct(m, way).call(...[1, PANELS, WORDS, A, 0, B, ZEROS, COLUMNS, C, 0, ZEROS].map((n) => i32.const(n))),
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { env: { memory } });
  return exports.run as () => void;
}

/** Whether `second` takes less time than `first` in most of some rounds. */
export function isFaster(second: () => void, first: () => void, now = () => performance.now()): boolean {
  const time = (run: () => void): number => {
    const start = now();
    for (let call = 0; call < CALLS; call++) run();
    return now() - start;
  };
  first();
  second();
  let won = 0;
  for (let round = 0; round < ROUNDS; round++) won += Math.sign(time(first) - time(second));
  return won > 0;
}

let known: Way | undefined;

/** Measured once per process, where there is a choice. A host that compiles nothing while a program runs has no time to measure with, either. */
export function quantizedWay(compile?: Compile): Way {
  if (!hasDots(compile)) return { split: false };
  if (compile) return { split: true };
  known ??= { split: !isFaster(openTrial({ split: false }), openTrial({ split: true })) };
  return known;
}
