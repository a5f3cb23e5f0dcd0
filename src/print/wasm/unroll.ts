import type { FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { doWhile, if_, type Local } from "./control.ts";
import { i32 } from "./instructions.ts";

/*
 * Loops over the steps of a sum, unrolled where kernels are wide: pointers, the end of the loop and what the engine checks there take time from
 * multiply-adds. Measured (Sapphire Rapids, Node 24, tiles of 6 × 16, operands in the second cache, k 200, GFLOP/s of at most 130): two steps per
 * iteration 118, four 128, eight 130. Narrow kernels compute one: with two, registers are spilled on Node 20.
 */

/** Steps per iteration of a wide loop. */
const STEPS = 8;
/** Steps of a panel of the left operand. */
const PANEL = 16;

/** Code of so many steps, with pointers moved past them. */
type Steps = (count: number) => Code;

/** `k` steps, counted down; those that are left one by one. */
export function unrolled({ wide }: ModuleBuilder, k: Local, steps: Steps): Code {
  return (wide ? [STEPS, 1] : [1]).map((count) => {
    const more = count === 1 ? k.get : i32.ge_u(k.get, i32.const(count));
    return if_(more, doWhile([steps(count), k.set(i32.sub(k.get, i32.const(count)))], more));
  });
}

/**
 * `k` steps, a multiple of 16, over a left operand in panels (`Layout`): `a` moves from the end of one to the next. A narrow one is a loop inside a
 * loop: choosing the address of each element without one costs 15 %.
 */
export function unrolledPanels(
  { wide }: ModuleBuilder,
  f: FunctionBuilder,
  { k, a, strideA }: { readonly k: Local; readonly a: Local; readonly strideA: Local },
  steps: Steps,
): Code {
  const end = f.local("i32");
  const panel = wide
    ? steps(PANEL)
    : [end.set(i32.add(a.get, i32.const(4 * PANEL))), doWhile(steps(1), i32.ne(a.get, end.get))];
  const next = a.set(i32.add(a.get, i32.sub(strideA.get, i32.const(4 * PANEL))));
  return if_(k.get, doWhile([panel, next, k.set(i32.sub(k.get, i32.const(PANEL)))], k.get));
}
