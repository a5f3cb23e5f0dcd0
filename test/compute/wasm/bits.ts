import type { Cell } from "../../../src/cells/define.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { matmul, reshape } from "../../../src/tensor/operations.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";

export const bitsOf = (values: ArrayLike<number>): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

/** Outputs and all gradients of a layer of this cell and a product behind it, as bits. */
export async function layerBits(
  machine: SynchronousMachine,
  cell: Cell,
  { batch, hiddenSize, steps = 3 }: { batch: number; hiddenSize: number; steps?: number },
): Promise<Uint32Array[]> {
  const projectionSize = cell.states.some((s) => s.width === "projection") ? 9 : 0;
  const layer = recurrent({ cell, inputSize: 7, hiddenSize, projectionSize, bidirectional: true });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 3 });
  const graph = new Graph({ machine, parameters: parameters.layout, training: true });
  const x = graph.input("x", [steps, batch, 7], { differentiable: true });
  const { output } = layer.forward(x);
  const rows = reshape(output, [steps * batch, output.shape[2]!]);
  const product = matmul(rows, rows, { transposeB: true });
  graph.backward([[product, 0.01]]);
  graph.output("y", product);
  const plan = await compile(graph, {
    machine,
    arenas: { parameters: parameters.arena("parameters"), gradients: parameters.arena("gradients") },
  });
  plan.write(
    "x",
    Float32Array.from({ length: 7 * steps * batch }, (_, k) => Math.sin(3 * k)),
  );
  plan.run();
  const length = parameters.layout.length;
  const gradients = await machine.read(parameters.arena("gradients"), {
    ...{ arena: "gradients", offset: 0, length, type: "float" },
  });
  const results = [await plan.read("y"), await plan.readAdjoint(x), gradients].map(bitsOf);
  plan.close();
  parameters.close();
  return results;
}
