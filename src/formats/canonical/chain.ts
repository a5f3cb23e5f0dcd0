import type { CanonicalModel } from "../canonical.ts";

/** Whether a model is one input, and layers each of which reads what the one before it made; no layer is used twice. */
export function isChain({ inputs, nodes, outputs }: CanonicalModel): boolean {
  let value = inputs[0]?.name;
  if (inputs.length !== 1 || outputs.length !== 1) return false;
  const seen = new Set<string>();
  for (const node of nodes) {
    if (node.inputs.length !== 1 || node.inputs[0] !== value || node.outputs.length !== 1) return false;
    if (seen.has(node.layer)) return false;
    seen.add(node.layer);
    value = node.outputs[0];
  }
  return outputs[0]!.value === value;
}
