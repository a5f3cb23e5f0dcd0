import type { Cell } from "../../../src/cells/define.ts";
import { type CellSource, defineCell, split } from "../../../src/cells/define.ts";
import { type GruOptions, gru } from "../../../src/cells/gru.ts";
import { layerNormLstm } from "../../../src/cells/layer-norm-lstm.ts";
import { type LstmOptions, lstm } from "../../../src/cells/lstm.ts";
import { type CellSpec, cellByName } from "../../../src/cells/registry.ts";
import { type RnnOptions, rnn } from "../../../src/cells/rnn.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { add, mul, tanh } from "../../../src/math/expression.ts";
import { hardSigmoid, relu } from "../../../src/math/functions.ts";
import { type EffectTable, shows } from "./effects.ts";
import { compute, given } from "./on-reference.ts";

/** Output, states and gradients of a layer in training. */
export function run(cell: Cell): Promise<unknown> {
  const projectionSize = cell.states[0]!.width === "projection" ? 2 : 0;
  const layer = recurrent({ cell, inputSize: 2, hiddenSize: 3, projectionSize });
  const record = (x: Parameters<typeof layer.forward>[0]) => {
    const { output, final } = layer.forward(x);
    return { output, ...final };
  };
  return compute((graph) => record(given(graph, [3, 2, 2])), { of: layer, training: true });
}

const common = { bias: [false], clip: [0.1], recurrentDropout: [0.5], zoneout: [0.5] } as const;

type AnyCell = CellSource<{ a: typeof tanh }, string, string, string, string>;
const own: AnyCell = { name: "own", gates: { a: tanh }, state: ["h"], step: ({ a }) => ({ h: a }) };

export const cells: EffectTable = {
  rnn: shows((options: RnnOptions) => run(rnn(options)), {}, { activation: [relu], ...common }),
  lstm: shows(
    (options: LstmOptions) => run(lstm(options)),
    {},
    {
      ...{ gate: [hardSigmoid()], candidate: [relu], output: [relu] },
      ...{ peephole: [true], coupled: [true], projection: [true] },
      ...common,
    },
  ),
  gru: shows(
    (options: GruOptions) => run(gru(options)),
    {},
    {
      ...{ gate: [hardSigmoid()], candidate: [relu], resetAfter: [false] },
      ...common,
    },
  ),
  layerNormLstm: shows((options: { epsilon?: number }) => run(layerNormLstm(options)), {}, { epsilon: [0.1] }),
  cellByName: shows(
    (spec: CellSpec) => run(cellByName(spec)),
    { name: "lstm" },
    {
      name: ["gru"],
      options: [{ coupled: true }],
    },
  ),
  split: shows(
    (options: NonNullable<Parameters<typeof split>[0]>) =>
      run(
        defineCell({
          ...{ name: "own", gates: { n: split(options) }, state: ["h"] },
          step: ({ n }) => ({ h: tanh(add(n.x, mul(2, n.h))) }),
        }),
      ),
    {},
    { of: [({ previous }) => mul(0.5, previous.h!)] },
  ),
  defineCell: shows(
    (source: AnyCell) => {
      const cell = defineCell(source);
      return Promise.all([cell.name, cell.options, run(cell)]);
    },
    own,
    {
      name: ["other"],
      options: [{ any: 1 }],
      gates: [{ a: relu as typeof tanh }],
      state: () =>
        Promise.all([
          run(defineCell(own)),
          run(defineCell({ ...own, state: ["h", "c"], step: ({ a }) => ({ h: a, c: a }) })),
        ]),
      recurrent: [({ previous }) => mul(0.5, previous.h!)],
      bias: ["none"],
      weights: [{ p: 0.5 }, { step: ({ a }, _, { weights }) => ({ h: weights.p ? mul(weights.p, a) : a }) }],
      masks: [
        { m: { per: "step", rate: 0.5, kind: "dropout" } },
        { step: ({ a }, _, { masks }) => ({ h: masks.m ? mul(masks.m, a) : a }) },
      ],
      projections: async () => {
        const projected: AnyCell = {
          ...{ ...own, state: { h: "projection", c: "hidden" }, projections: ["hr"] },
          step: ({ a }, _, { project }) => ({ h: project.hr!(a), c: a }),
        };
        return [await run(defineCell(own)), await run(defineCell(projected))];
      },
      step: [({ a }) => ({ h: mul(2, a) })],
    },
  ),
};
