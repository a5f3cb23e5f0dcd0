import { expect, test } from "vitest";
import { gru } from "../../../src/cells/gru.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { matmul, reshape } from "../../../src/tensor/operations.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";

/** Outputs and all gradients of a layer and a product, as bits. */
async function bits(wide: boolean, batch: number, hiddenSize: number, fused: boolean): Promise<Uint32Array[]> {
  const machine = await openWasm(fused ? { wide } : { wide, fused });
  const cell = batch % 2 ? lstm({ projection: true, peephole: true }) : gru({ resetAfter: batch % 4 === 0 });
  const projectionSize = batch % 2 ? 9 : 0;
  const layer = recurrent({ cell, inputSize: 7, hiddenSize, projectionSize, bidirectional: true });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 3 });
  const graph = new Graph({ machine, parameters: parameters.layout, training: true });
  const x = graph.input("x", [3, batch, 7], { differentiable: true });
  const { output } = layer.forward(x);
  const rows = reshape(output, [3 * batch, output.shape[2]!]);
  const product = matmul(rows, rows, { transposeB: true });
  graph.backward([[product, 0.01]]);
  graph.output("y", product);
  const plan = await compile(graph, {
    machine,
    arenas: { parameters: parameters.arena("parameters"), gradients: parameters.arena("gradients") },
  });
  plan.write(
    "x",
    Float32Array.from({ length: 21 * batch }, (_, k) => Math.sin(3 * k)),
  );
  plan.run();
  const gradients = await machine.read(parameters.arena("gradients"), {
    arena: "gradients",
    offset: 0,
    length: parameters.layout.length,
    type: "float",
  });
  const results = [await plan.read("y"), gradients];
  machine.close();
  return results.map((values) => new Uint32Array(Float32Array.from(values).buffer));
}

test.each([
  [1, 5],
  [4, 16],
  [6, 33],
  [13, 20],
])("wide tiles change no bit: batch %i, hidden size %i", async (batch, hiddenSize) => {
  for (const fused of [true, false])
    expect(await bits(true, batch, hiddenSize, fused)).toEqual(await bits(false, batch, hiddenSize, fused));
});
