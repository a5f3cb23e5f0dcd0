import type { CanonicalModel, LayerSpec, RecurrentSpec } from "../../src/formats/canonical.ts";
import type { ModelFile } from "../../src/formats/model-file.ts";
import { weightsFor } from "../support/random-network.ts";

export const recurrentSpec = (
  o: Partial<RecurrentSpec> & Pick<RecurrentSpec, "cell" | "inputSize" | "hiddenSize">,
): RecurrentSpec => ({
  ...{ kind: "recurrent", biases: 2, reverse: false, outputOrder: "time", returnSequences: true, returnState: false },
  ...{ stateful: false, maskedOutput: "zero" },
  ...o,
});

/** A network of these layers, one after the other, `layer0`, `layer1`, …, with weights that are never zero. */
export function chainOf(specs: readonly LayerSpec[], input: { width: number } | { tokens: true }): CanonicalModel {
  const layers = new Map(specs.map((spec, k) => [`layer${k}`, spec]));
  const tokens = "tokens" in input;
  return {
    name: "random",
    inputs: [{ name: "input", type: tokens ? "int" : "float", shape: tokens ? [null] : [null, input.width] }],
    layers,
    nodes: specs.map((_, k) => ({
      ...{ name: `layer${k}`, layer: `layer${k}` },
      ...{ inputs: [k === 0 ? "input" : `value${k - 1}`], outputs: [`value${k}`] },
    })),
    outputs: [{ name: "output", value: `value${specs.length - 1}` }],
    weights: weightsFor(layers, 7),
  };
}

export const fileOf = (network: CanonicalModel): ModelFile => ({
  ...{ format: "keras", name: "test", conventions: [] },
  content: { kind: "network", network },
});
