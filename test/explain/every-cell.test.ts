import { expect, test } from "vitest";
import type { Cell } from "../../src/cells/define.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { cellGraph } from "../../src/explain/cell-graph.ts";
import { type Trace, trace, traceNames } from "../../src/explain/trace.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { difference } from "../support/difference.ts";
import { machines } from "../support/machines.ts";
import { lawCells } from "../support/recurrent-cells.ts";

/*
 * Every cell and option, one to three layers, both directions, lines of different lengths: what is traced on wasm is what is traced on
 * the reference machine, and the outputs are what the cell's equations make of the traced gates.
 */

const [T, B, D, H] = [4, 2, 8, 16];
const lengths = [4, 2];

const all = lawCells.flatMap((cell) => [1, 2, 3].map((numLayers) => ({ ...cell, numLayers })));

test.each(all)("$name, $numLayers layers", async ({ name: kind, make, projectionSize, numLayers }) => {
  const cell = make();
  // Layer normalization divides by a spread below 1, in every layer anew, and what was rounded grows with it.
  const most = kind === "layer-norm-lstm" ? 4e-6 : 2e-6;
  const traces: Trace[] = [];
  for (const { name, outputs: bound } of machines) {
    const machine = (await openMachine(name)) as SynchronousMachine;
    const model = recurrent({
      ...{ cell, inputSize: D, hiddenSize: H, numLayers, bidirectional: true },
      ...(projectionSize > 0 && { projectionSize }),
    });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 4 });
    const data = new RandomStream(3, "test").normal(T * B * D);
    const traced = await trace({ model, parameters }, { data, batchSize: B, lengths }, { names: traceNames(model) });
    for (let layer = 0; layer < numLayers; layer++)
      for (const reverse of [false, true])
        expect(await recomputed(cell, traced, parameters, { layer, reverse, projectionSize })).toBeLessThanOrEqual(
          bound,
        );
    traces.push(traced);
    parameters.close();
    machine.close();
  }
  const [reference, wasm] = traces as [Trace, Trace];
  expect(Object.keys(wasm.values)).toEqual(Object.keys(reference.values));
  for (const [key, { data }] of Object.entries(wasm.values))
    expect(difference(data, reference.values[key]!.data), key).toBeLessThanOrEqual(most);
  expect(difference(wasm.output.data, reference.output.data)).toBeLessThanOrEqual(most);
});

/** How far the equations, given what the matrices gave and the states before, are from what was traced, states included. */
async function recomputed(
  cell: Cell,
  { values }: Trace,
  parameters: ParameterStore,
  { layer, reverse, projectionSize }: { layer: number; reverse: boolean; projectionSize: number },
): Promise<number> {
  const suffix = `_l${layer}${reverse ? "_reverse" : ""}`;
  const graph = cellGraph(cell);
  // A projection inside an equation is a product of a matrix, which the equations do not hold.
  if (graph.nodes.some(({ kind, name }) => kind === "given" && cell.projections.includes(name!))) return 0;
  const at = (name: string, t: number, b: number): ArrayLike<number> => {
    const { data, shape } = values[`${name}${suffix}`]!;
    const from = (t * B + b) * shape[2];
    return data.slice(from, from + shape[2]);
  };
  const fixed: Record<string, ArrayLike<number>> = {};
  for (const name of Object.keys(cell.weights))
    fixed[`weight.${name}`] = await parameters.read(`weight_${name}${suffix}`);
  for (const [name, { kind, rate, width }] of Object.entries(cell.masks))
    fixed[`mask.${name}`] = new Float64Array(width === "projection" ? projectionSize : H).fill(
      kind === "dropout" ? 1 : rate,
    );
  let most = 0;
  let compared = 0;
  for (const [b, length] of lengths.entries())
    for (let t = 0; t < length; t++) {
      const before = reverse ? t + 1 : t - 1;
      const given: Record<string, ArrayLike<number>> = { ...fixed };
      for (const { kind, name } of graph.nodes) {
        if (kind === "sum") given[name!] = at(name!, t, b);
        if (kind === "previous") {
          const state = name!.slice(9);
          const first = before < 0 || before >= length;
          given[name!] = first ? new Float64Array(at(state, t, b).length) : at(state, before, b);
        }
        // A state that is a projection is given for the same reason.
        if (kind === "given" && name! in cell.named) given[name!] = at(name!, t, b);
      }
      const found = graph.evaluate(given);
      for (const [name, id] of Object.entries(graph.named)) {
        most = Math.max(most, difference(found[id]!, at(name, t, b)));
        compared++;
      }
    }
  expect(compared).toBeGreaterThan(0);
  return most;
}
