import type { LayerSpec, RecurrentSpec } from "../canonical.ts";

/** The recurrent layers that a layer is made of: itself, its two directions, or none. */
export const directionsOf = (spec: LayerSpec): readonly RecurrentSpec[] =>
  spec.kind === "recurrent" ? [spec] : spec.kind === "bidirectional" ? [spec.forward, spec.backward] : [];
