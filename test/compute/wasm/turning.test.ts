import { expect, test } from "vitest";
import type { Cell } from "../../../src/cells/define.ts";
import { gru } from "../../../src/cells/gru.ts";
import { layerNormLstm } from "../../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { minGru } from "../../../src/cells/min-gru.ts";
import { rnn } from "../../../src/cells/rnn.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { turnsFor } from "../../../src/print/wasm/sweep.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { bitsOf } from "./bits.ts";
import { everyWasm } from "./every-wasm.ts";

/*
 * Matrices that are larger than a cache are gone through from their start and from their end in turn where few examples come. What an example
 * gives, and gets back, has the bits that it has among many, in every run.
 */

const machines = everyWasm();
const [MANY, D, H] = [7, 24, 425];

const cells: Record<string, Cell> = {
  rnn: rnn(),
  lstm: lstm(),
  "lstm projection": lstm({ projection: true }),
  gru: gru(),
  "gru reset before": gru({ resetAfter: false }),
  "layer-norm-lstm": layerNormLstm(),
  "min-gru": minGru(),
};

/** The output and the adjoint of the input of each example, run after run. */
async function examples(
  machine: SynchronousMachine,
  cell: Cell,
  o: { batch: number; steps: number; training: boolean },
) {
  const { batch, steps, training } = o;
  const projectionSize = cell.states.some((s) => s.width === "projection") ? 330 : 0;
  const layer = recurrent({ cell, inputSize: D, hiddenSize: H, projectionSize, reverse: steps === 2 });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 3 });
  const graph = new Graph({ machine, parameters: parameters.layout, training });
  const x = graph.input("x", [steps, batch, D], { differentiable: training });
  const { output } = layer.forward(x);
  if (training) graph.backward([[output, 0.01]]);
  graph.output("y", output);
  const plan = await compile(graph, {
    machine,
    arenas: { parameters: parameters.arena("parameters"), gradients: parameters.arena("gradients") },
  });
  const numbers = (t: number, b: number): number[] =>
    Array.from({ length: D }, (_, k) => Math.sin(9 * t + 5 * b + 3 * k));
  plan.write(
    "x",
    Float32Array.from(
      Array.from({ length: steps * batch }, (_, n) => numbers(Math.floor(n / batch), n % batch)).flat(),
    ),
  );
  const runs = [];
  for (let run = 0; run < 3; run++) {
    plan.run();
    const results = [await plan.read("y"), ...(training ? [await plan.readAdjoint(x)] : [])].map(bitsOf);
    runs.push(
      Array.from({ length: batch }, (_, b) =>
        results.map((all) => {
          const width = all.length / steps / batch;
          return Array.from({ length: steps }, (_, t) => [
            ...all.slice((t * batch + b) * width, (t * batch + b + 1) * width),
          ]);
        }),
      ),
    );
  }
  plan.close();
  parameters.close();
  return runs;
}

test("what is tested turns around", () => {
  for (const batch of [1, 2, 4]) expect(turnsFor(batch, H * H * 4)).toBe(true);
  expect(turnsFor(MANY, 4 * H * H * 4)).toBe(false);
});

for (const [name, cell] of Object.entries(cells))
  test.each([1, 2, 3])(`${name}, %d steps`, async (steps) => {
    for (const training of [false, true]) {
      const [expected] = await examples(machines[0]!, cell, { batch: MANY, steps, training });
      for (const machine of machines)
        for (const batch of [1, 1 + steps])
          for (const [run, came] of (await examples(machine, cell, { batch, steps, training })).entries())
            expect(came, `${batch} examples, training ${training}, run ${run}`).toEqual(expected!.slice(0, batch));
    }
  });
