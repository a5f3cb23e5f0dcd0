import type { CanonicalModel } from "../canonical.ts";

/**
 * The same network for batches of whole sequences, without padding: inputs that may be left out are, and so are the layers "lengths" that
 * read them. The network itself where it has none.
 */
export function wholeSequences(model: CanonicalModel): CanonicalModel {
  const lengths = new Set(model.inputs.flatMap(({ name, optional }) => (optional ? [name] : [])));
  if (lengths.size === 0) return model;
  const [dropped, kept] = [new Map<string, string>(), [] as CanonicalModel["nodes"][number][]];
  const resolved = (name: string): string => dropped.get(name) ?? name;
  for (const node of model.nodes) {
    const { inputs, outputs, mask } = node;
    if (lengths.has(inputs[1] ?? "")) dropped.set(outputs[0]!, resolved(inputs[0]!));
    else kept.push({ ...node, inputs: inputs.map(resolved), ...(mask && { mask: resolved(mask) }) });
  }
  const used = new Set(kept.map(({ layer }) => layer));
  return {
    ...model,
    inputs: model.inputs.filter(({ name }) => !lengths.has(name)),
    layers: new Map([...model.layers].filter(([name]) => used.has(name))),
    nodes: kept,
    outputs: model.outputs.map(({ name, value }) => ({ name, value: resolved(value) })),
  };
}
