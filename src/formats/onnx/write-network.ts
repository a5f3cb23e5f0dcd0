import { UsageError } from "../../shared/errors.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import { Network } from "../canonical/network.ts";
import { ranksOf } from "../canonical/ranks.ts";
import type { CanonicalModel } from "../canonical.ts";
import { GraphWriter } from "./graph-writer.ts";
import { type LayerWriting, layerWriters } from "./write-layers.ts";
import { lengthsAfter, type WrittenValue } from "./write-lengths.ts";

/**
 * A network as one ONNX file (operator set 17), batch first, with dynamic batch and time. The state of each recurrent node that does not
 * read it from another value is an input `NODE.h` [batch, H] and comes back as `NODE.h_out`. Lengths are an input that must be given.
 * Dropout is left out; numbers are written as float32.
 *
 * @throws UsageError "not-convertible" with the layer and the reason where ONNX has no form of the same function
 */
export function writeNetworkOnnx(model: CanonicalModel): OwnBytes {
  const network = new Network(model);
  const graph = new GraphWriter();
  for (const { name, shape, type } of model.inputs)
    graph.input(name, type === "int" ? "int64" : "float32", [
      "batch",
      ...shape.map((n, axis) => n ?? (axis === 0 ? "time" : `${name}.${axis + 1}`)),
    ]);
  const results = new Set(model.outputs.map(({ name }) => name));
  for (const name of results) graph.output(name, "float32");
  for (const [name, width] of Object.entries(network.states)) {
    graph.input(name, "float32", ["batch", width]);
    graph.output(`${name}_out`, "float32", ["batch", width]);
  }
  // Values of the model go under names of their own, so that an output may be called like one of them.
  const values = new Map<string, WrittenValue>(
    model.inputs.map(({ name, shape }) => [name, { name, rank: shape.length + 1 }]),
  );
  for (const node of model.nodes) {
    const spec = model.layers.get(node.layer)!;
    const [first, ...others] = node.inputs.map((value) => values.get(value)!);
    const lengths = node.mask ? values.get(node.mask)!.lengths : node.mask === null ? undefined : first!.lengths;
    const inputs = [{ ...first!, lengths }, ...others];
    const context: LayerWriting = {
      graph,
      node: node.name,
      inputs: inputs.map(({ name }) => name),
      ranks: inputs.map(({ rank }) => rank),
      lengths,
      weight: (name) => model.weights.get(`${node.layer}.${name}`)!,
      refuse: (why) =>
        new UsageError("not-convertible", `layer "${node.name}" (${spec.kind}) cannot be written as ONNX: ${why}`),
    };
    const made = layerWriters[spec.kind](spec as never, context);
    const ranks = ranksOf(spec, context.ranks, node);
    const lengthsOf = lengthsAfter(spec, node, inputs, context.refuse);
    node.outputs.forEach((value, k) => {
      values.set(value, { name: made[k]!, rank: ranks[k]!, lengths: lengthsOf.get(value) });
    });
  }
  for (const { name, value } of model.outputs) graph.node("Identity", [values.get(value)!.name], [name]);
  return graph.finish(model.name);
}
