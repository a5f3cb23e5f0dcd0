import { size } from "../shared/shapes.ts";
import type { ModelFile } from "./model-file.ts";
import { learnedTensors } from "./onnx/learned.ts";

/** How many numbers of a file are weights. */
export const countWeights = (file: ModelFile): number =>
  [...weightsOf(file).values()].reduce((total, { shape }) => total + size(shape), 0);

function weightsOf({ content }: ModelFile): ReadonlyMap<string, { readonly shape: readonly number[] }> {
  switch (content.kind) {
    case "network":
      return content.network.weights;
    case "text":
      return content.text.weights;
    case "graph":
      return learnedTensors(content.graph.graph);
    case "weights":
      return content.tensors;
  }
}
