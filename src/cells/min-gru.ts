import { add, mul, sigmoid, sub } from "../math/expression.ts";
import { type Cell, defineCell, input } from "./define.ts";

/**
 * Creates a GRU without recurrent matrices: gate and candidate depend on the input only, so that h is a running average `h' = (1 − z) h
 * + z n`, linear in the state. State h [B, H]; gates in packed order z, n.
 * @see Feng et al. (2024), arXiv:2410.01201.
 */
export const minGru = (): Cell<"h"> =>
  defineCell({
    name: "min-gru",
    gates: { z: input(sigmoid), n: input() },
    state: ["h"],
    step: ({ z, n }, previous) => ({ h: add(mul(sub(1, z), previous.h), mul(z, n)) }),
  });
