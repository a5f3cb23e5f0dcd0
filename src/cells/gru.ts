import { add, mul, sigmoid, sub, tanh } from "../math/expression.ts";
import { type Activation, identity } from "../math/functions.ts";
import { type Cell, defineCell, gateOf, split } from "./define.ts";
import { biasOf, bound, type CellOptions, common, dropped, expectCellOptions, masksOf, zonedOut } from "./options.ts";

/** Options of `gru`. */
export interface GruOptions extends CellOptions {
  /** Activation of the gates r and z. Default: the sigmoid. */
  readonly gate?: Activation | undefined;
  /** Activation of the candidate n. Default: tanh. */
  readonly candidate?: Activation | undefined;
  /**
   * Where the reset gate acts. true (default): on the product `U h + b`, as in PyTorch, cuDNN and Keras' default; false: on h before
   * the product, as in TensorFlow.js and ONNX' default. These are different functions; weights of one do not fit the other.
   */
  readonly resetAfter?: boolean | undefined;
}

/**
 * Creates a gated recurrent unit. State h [B, H]; gates in packed order r, z, n.
 * @see Cho et al. (2014), arXiv:1406.1078: version 1 resets after the product, version 3 before it.
 */
export function gru(options: GruOptions = {}): Cell<"h"> {
  expectCellOptions("gru", options, { gate: 1, candidate: 1, resetAfter: 1, ...common });
  const { gate = sigmoid, candidate = tanh, resetAfter = true } = options;
  const within = bound(options.clip);
  const open: Activation = (x) => gate(within(x));
  const shared = {
    ...{ state: ["h"] as const, bias: biasOf(options), recurrent: dropped },
    masks: masksOf(options, ["h"], "hidden"),
  };
  if (resetAfter)
    return defineCell({
      name: "gru",
      gates: { r: open, z: open, n: split() },
      ...shared,
      step(gates, previous, { masks }) {
        const { r, z } = gates;
        const n = candidate(within(add(gates.n.x, mul(r, gates.n.h))));
        return { n, h: zonedOut("h", add(mul(sub(1, z), n), mul(z, previous.h)), previous, masks) };
      },
    });
  return defineCell({
    name: "gru-reset-before",
    gates: { r: open, z: open, n: gateOf(identity, (from) => mul(from.gates.r!, dropped(from))) },
    ...shared,
    step(gates, previous, { masks }) {
      const n = candidate(within(gates.n));
      return { n, h: zonedOut("h", add(mul(sub(1, gates.z), n), mul(gates.z, previous.h)), previous, masks) };
    },
  });
}
