import { add, div, mul, sigmoid } from "../math/expression.ts";
import { type Cell, defineCell, input } from "./define.ts";

/**
 * Creates an LSTM without recurrent matrices and without output gate. Forget and input gate are scaled to sum to 1, so that the size of
 * h does not depend on the length of the sequence. Linear in the state. State h [B, H]; gates in packed order f, i, n.
 * @see Feng et al. (2024), arXiv:2410.01201.
 */
export const minLstm = (): Cell<"h"> =>
  defineCell({
    name: "min-lstm",
    gates: { f: input(sigmoid), i: input(sigmoid), n: input() },
    state: ["h"],
    step({ f, i, n }, previous) {
      const h = div(add(mul(f, previous.h), mul(i, n)), add(f, i));
      return { h };
    },
  });
