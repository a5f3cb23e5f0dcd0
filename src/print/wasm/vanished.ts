import type { Code } from "./code.ts";
import type { Local } from "./control.ts";
import { f32x4, i32, v128 } from "./instructions.ts";
import type { Constants } from "./vectors.ts";

/**
 * A state or a gradient that is smaller than this is 0 before a matrix multiplies it or the next step goes on with it (2⁻¹⁰⁰; what is no number
 * stays so). What follows from it would be a denormal number, each product of which takes some processors a hundred cycles: a loss at the last
 * of 336 steps took twelve times as long as one at all of them, an LSTM whose gates had closed twenty-five times as long, a softmax that was
 * sure of itself twenty times. A cell that fades would even stay at the least denormal number, to which it is rounded again at each step.
 */
const LEAST = 2 ** -100;

/** The bound in all lanes, to be kept in a local. */
export const leastNumber = (constants: Constants): Code => v128.load32_splat(i32.const(0), constants.address(LEAST));

/** Four numbers, or 0; `kept` holds them for a moment. */
export const unlessVanished = (value: Code, kept: Local, least: Local): Code =>
  v128.andnot(kept.tee(value), f32x4.lt(f32x4.abs(kept.get), least.get));
