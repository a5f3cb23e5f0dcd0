import { isFloat } from "../data-type.ts";
import { isGraph, type OnnxGraph } from "./model.ts";
import type { OnnxTensor } from "./tensor-data.ts";

/** The names of a branch's own tensors begin so: two branches may use the same ones for different numbers. */
export const branchPrefix = (prefix: string, node: string, attribute: string): string =>
  `${prefix}${node}.${attribute}.`;

/** Whether a tensor that the file holds is taken for a weight: numbers with at least one axis. Single numbers are constants of formulas. */
const isLearned = ({ type, shape, data }: OnnxTensor): boolean => isFloat(type) && shape.length > 0 && data.length > 0;

/** The weights of a graph and of the branches and bodies in it, by name. */
export function learnedTensors(graph: OnnxGraph, prefix = ""): Map<string, OnnxTensor> {
  const found = new Map<string, OnnxTensor>();
  for (const [name, tensor] of graph.initializers) if (isLearned(tensor)) found.set(prefix + name, tensor);
  for (const node of graph.nodes)
    for (const [attribute, value] of node.attributes)
      if (isGraph(value))
        for (const [name, tensor] of learnedTensors(value, branchPrefix(prefix, node.name, attribute)))
          found.set(name, tensor);
  return found;
}
