import { tanh } from "../math/expression.ts";
import type { Activation } from "../math/functions.ts";
import { type Cell, defineCell } from "./define.ts";
import { biasOf, bound, type CellOptions, common, dropped, expectCellOptions, masksOf, zonedOut } from "./options.ts";

/** Options of `rnn`. */
export interface RnnOptions extends CellOptions {
  /** Activation of the only gate. Default: tanh. */
  readonly activation?: Activation | undefined;
}

/**
 * Creates an Elman network: `h' = tanh(W x + U h + b)`. State h [B, H], one gate a.
 * @see Elman (1990), Finding structure in time.
 */
export function rnn(options: RnnOptions = {}): Cell<"h"> {
  expectCellOptions("rnn", options, { activation: 1, ...common });
  const { activation = tanh } = options;
  const within = bound(options.clip);
  return defineCell({
    name: "rnn",
    gates: { a: (x) => activation(within(x)) },
    state: ["h"],
    bias: biasOf(options),
    recurrent: dropped,
    masks: masksOf(options, ["h"], "hidden"),
    step: ({ a }, previous, { masks }) => ({ h: zonedOut("h", a, previous, masks) }),
  });
}
