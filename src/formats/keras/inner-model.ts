import type { CanonicalModel, CanonicalNode } from "../canonical.ts";
import { nodeName, type Reference, valueName } from "./calls.ts";
import { damaged, unsupported } from "./config.ts";

/** Classes that are models, which may stand in place of a layer. */
export const isModelClass = (className: string): boolean => ["Sequential", "Functional", "Model"].includes(className);

/** The name of a layer of a model inside another one. */
export const innerName = (model: string, layer: string): string => `${model}/${layer}`;

/**
 * What one call of a model inside another one becomes: its own nodes between the values of the outer one. Its layers are those of
 * every other call.
 */
export function nodesOfCall(
  name: string,
  model: CanonicalModel,
  call: readonly Reference[],
  k: number,
): CanonicalNode[] {
  const where = `layer "${name}"`;
  if (call.length !== model.inputs.length)
    throw damaged(`${where}: a model of ${model.inputs.length} inputs is called with ${call.length}`);
  const prefix = nodeName(name, k);
  const values = new Map(model.inputs.map((input, at) => [input.name, valueName(call[at]!)]));
  for (const [output, { value }] of model.outputs.entries()) {
    if (values.has(value)) throw unsupported(`${where}: a model that gives out one value twice, or its own input`);
    values.set(value, valueName({ layer: name, call: k, output }));
  }
  const outer = (value: string): string => values.get(value) ?? innerName(prefix, value);
  return model.nodes.map((node) => ({
    name: innerName(prefix, node.name),
    layer: innerName(name, node.layer),
    inputs: node.inputs.map(outer),
    outputs: node.outputs.map(outer),
  }));
}
