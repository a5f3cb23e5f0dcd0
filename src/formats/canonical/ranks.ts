import type { CanonicalNode, LayerSpec } from "../canonical.ts";

/** How many axes each output of a layer has, the batch counted, from those of its inputs. */
export function ranksOf(spec: LayerSpec, ranks: readonly number[], { outputs }: CanonicalNode): number[] {
  const rank = spec.kind === "combine" ? Math.max(...ranks) : ranks[0]!;
  const last = spec.kind === "bidirectional" ? spec.backward : spec;
  // Behind the sequences that a recurrent layer gives come its final states.
  const sequences = spec.kind === "bidirectional" && spec.merge === "separate" ? 2 : 1;
  return outputs.map((_, k) => (last.kind === "recurrent" && k >= sequences ? 2 : rankOf(spec, rank)));
}

function rankOf(spec: LayerSpec, rank: number): number {
  switch (spec.kind) {
    case "bidirectional":
      return rankOf(spec.forward, rank);
    case "recurrent":
      return spec.returnSequences ? 3 : 2;
    case "embedding":
    case "unfold-steps":
      return rank + 1;
    case "fold-steps":
      return rank - 1;
    case "pooling":
      return spec.window === "global" ? 2 : rank;
    case "reshape":
      return spec.shape.length + 1;
    case "attention-pool":
    case "flatten":
      return 2;
    case "repeat":
      return 3;
    case "time-distributed":
      return rankOf(spec.layer, rank - 1) + 1;
    default:
      return rank;
  }
}
