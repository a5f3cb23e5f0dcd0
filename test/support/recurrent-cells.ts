import { type Cell, defineCell, gateOf, input, split } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { minLstm } from "../../src/cells/min-lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { abs, add, div, erf, exp, log, mul, neg, sigmoid, sub, tanh } from "../../src/math/expression.ts";
import { relu } from "../../src/math/functions.ts";

/**
 * A cell nobody built in, of whatever a cell can say: a gate whose matrix reads another gate's work (a second stage), a
 * split gate, an input gate, a weight a unit, two states of one width, and functions that no built-in cell uses.
 */
export const odd = (): Cell =>
  defineCell({
    name: "odd",
    gates: {
      r: sigmoid,
      a: gateOf(erf, ({ previous, gates }) => mul(gates.r!, previous.m!)),
      s: split(),
      q: input(tanh),
    },
    state: ["h", "m"],
    weights: { w: 0.3 },
    step({ r, a, s, q }, previous, { weights }) {
      const spread = log(add(2, exp(mul(0.5, s.x)))); // at least log 2
      const m = div(add(mul(r, previous.m), mul(a, s.h)), spread);
      const level = exp(neg(abs(m)));
      return { level, m, h: add(mul(weights.w, sub(q, previous.h)), mul(level, m)) };
    },
  });

export interface LawCell {
  readonly name: string;
  readonly make: () => Cell;
  /** P; 0 without a projection. */
  readonly projectionSize: number;
  /** Has masks drawn at every step, so that what is drawn depends on the number of the step. */
  readonly drawsPerStep: boolean;
  /** Smallest D and H at which all its gradients are more than rounding. */
  readonly minSize: number;
}
const cell = (name: string, make: () => Cell, more: Partial<LawCell> = {}): LawCell => ({
  ...{ name, make, projectionSize: 0, drawsPerStep: false, minSize: 1 },
  ...more,
});

/** Every cell, and every option of the built-in ones, that the laws hold for. */
export const lawCells: readonly LawCell[] = [
  cell("rnn, tanh", () => rnn()),
  cell("rnn, relu", () => rnn({ activation: relu })),
  cell("lstm", () => lstm()),
  cell("lstm without bias", () => lstm({ bias: false })),
  cell("lstm, peephole", () => lstm({ peephole: true })),
  cell("lstm, coupled", () => lstm({ coupled: true, peephole: true })),
  cell("lstm, projection", () => lstm({ projection: true }), { projectionSize: 3 }),
  cell("lstm, clip", () => lstm({ clip: 0.7 })),
  cell("lstm, recurrent dropout", () => lstm({ recurrentDropout: 0.4 })),
  cell("lstm, zoneout", () => lstm({ zoneout: 0.3 }), { drawsPerStep: true }),
  cell("lstm, everything", () => lstm({ peephole: true, projection: true, recurrentDropout: 0.3, zoneout: 0.2 }), {
    ...{ projectionSize: 2, drawsPerStep: true },
  }),
  cell("gru", () => gru()),
  cell("gru, reset before", () => gru({ resetAfter: false })),
  cell("gru, recurrent dropout and zoneout", () => gru({ recurrentDropout: 0.3, zoneout: 0.2, resetAfter: false }), {
    drawsPerStep: true,
  }),
  cell("min-gru", minGru),
  cell("min-lstm", minLstm),
  // LN(W x) of a single input is the same for every x of one sign, LN(U h) of a single unit too: their gradients cancel.
  cell("layer-norm-lstm", () => layerNormLstm(), { minSize: 3 }),
  cell("odd", odd),
];
