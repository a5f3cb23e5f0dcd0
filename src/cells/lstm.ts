import { add, type Expression, mul, sigmoid, sub, tanh } from "../math/expression.ts";
import { type Activation, identity } from "../math/functions.ts";
import { type Cell, defineCell } from "./define.ts";
import { biasOf, bound, type CellOptions, common, dropped, expectCellOptions, masksOf, zonedOut } from "./options.ts";

/** Options of `lstm`. */
export interface LstmOptions extends CellOptions {
  /** Activation of the three gates (f in ONNX). Default: the sigmoid. */
  readonly gate?: Activation | undefined;
  /** Activation of the candidate (g in ONNX). Default: tanh. */
  readonly candidate?: Activation | undefined;
  /** Activation of the cell state before the output gate (h in ONNX). Default: tanh. */
  readonly output?: Activation | undefined;
  /** Gates also see the cell state: i and f the previous one, o the new one (Gers & Schmidhuber 2000). Default false. */
  readonly peephole?: boolean | undefined;
  /** Couples input and forget gate, f = 1 − i, so there are three gates (Greff et al. 2015, arXiv:1503.04069, "CIFG"). Default false. */
  readonly coupled?: boolean | undefined;
  /** Projects h linearly to the width `projectionSize` (Sak et al. 2014, arXiv:1402.1128). Default false. */
  readonly projection?: boolean | undefined;
}

/**
 * Creates a long short-term memory cell with a forget gate. States h [B, H], or [B, P] with a projection, and c [B, H]; gates in packed
 * order i, f, g, o.
 * @see Hochreiter & Schmidhuber (1997), Long short-term memory; Gers, Schmidhuber & Cummins (2000), Learning to forget.
 */
export function lstm(options: LstmOptions = {}): Cell<"h" | "c"> {
  expectCellOptions("lstm", options, {
    gate: 1,
    candidate: 1,
    output: 1,
    peephole: 1,
    coupled: 1,
    projection: 1,
    ...common,
  });
  const { gate = sigmoid, candidate = tanh, output = tanh, peephole, coupled, projection } = options;
  const within = bound(options.clip);
  const width = projection ? "projection" : "hidden";
  const peepholes: Readonly<Record<string, number>> = coupled ? { pi: 0, po: 0 } : { pi: 0, pf: 0, po: 0 };
  return defineCell({
    name: "lstm",
    gates: coupled ? { i: identity, g: identity, o: identity } : { i: identity, f: identity, g: identity, o: identity },
    state: { h: width, c: "hidden" },
    bias: biasOf(options),
    recurrent: dropped,
    weights: peephole ? peepholes : {},
    masks: masksOf(options, ["h", "c"], width),
    projections: projection ? ["hr"] : [],
    step(sums: Readonly<Record<string, Expression>>, previous, { weights, masks, project }) {
      const open = (name: string, c: Expression): Expression => {
        const p = weights[`p${name}`];
        return gate(within(p ? add(sums[name]!, mul(p, c)) : sums[name]!));
      };
      const i = open("i", previous.c);
      const f = coupled ? sub(1, i) : open("f", previous.c);
      const g = candidate(within(sums.g!));
      const next = add(mul(f, previous.c), mul(i, g)); // forget, then select what to remember
      const o = open("o", next);
      const out = mul(o, output(next)); // output: of what the cell holds before units are zoned out
      const c = zonedOut("c", next, previous, masks);
      return { i, f, g, o, c, h: zonedOut("h", projection ? project.hr!(out) : out, previous, masks) };
    },
  });
}
