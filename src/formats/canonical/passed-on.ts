import type { LayerSpec } from "../canonical.ts";

/** Layers that give out as many steps as they read, which count as those did. */
const stepwise: readonly LayerSpec["kind"][] = [
  ...(["activation", "batch-norm", "dense", "dropout", "embedding", "identity", "layer-norm"] as const),
  "time-distributed",
];

/** Outputs of a layer that carry the mask of the sequence that it reads. */
export function passedOn(spec: LayerSpec, outputs: readonly string[]): readonly string[] {
  if (stepwise.includes(spec.kind)) return outputs;
  if (spec.kind === "recurrent") return outputs.slice(0, spec.returnSequences ? 1 : 0);
  if (spec.kind !== "bidirectional" || !spec.forward.returnSequences) return [];
  return outputs.slice(0, spec.merge === "separate" ? 2 : 1);
}
