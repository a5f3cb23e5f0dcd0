import { activation } from "../../layers/activation.ts";
import { logSoftmax, softmax } from "../../layers/softmax.ts";
import type { NamedActivation } from "../../math/activations.ts";
import { activationByName } from "../../math/activations.ts";
import type { Tensor } from "../../tensor/graph.ts";

/** Those that are no functions of one number. */
const ofRows: ReadonlyMap<string, (x: Tensor) => Tensor> = new Map([
  ["softmax", softmax],
  ["logSoftmax", logSoftmax],
]);

/** An activation of a layer over whole tensors [..., N]. */
export function applyActivation(spec: NamedActivation): (x: Tensor) => Tensor {
  const rows = ofRows.get(spec.name);
  if (rows) return rows;
  if (spec.name === "identity") return (x) => x;
  const layer = activation(activationByName("activation", spec));
  return (x) => layer.forward(x);
}
