import type { CanonicalModel, CanonicalNode, LayerSpec } from "../canonical.ts";
import { type Call, nodeName, type Reference, valueName } from "./calls.ts";
import { damaged, unsupported } from "./config.ts";
import type { ReadLayer } from "./layer-reader.ts";

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
    mask: node.mask && outer(node.mask),
  }));
}

/**
 * Where the making of a functional model counts as its first call: in Keras 3 where the outputs of the model around it are named, in Keras 2
 * everywhere, for Sequential models too if they were made with an input.
 */
export type OwnCall = "never" | "in outputs" | "maybe";

interface Calls {
  readonly name: string;
  readonly calls: readonly Call[];
  readonly counting?: OwnCall;
}

/** References to calls of models, counted from 0. Each call is needed, so each is named somewhere. */
export function countedFromZero<P extends Calls>(
  parts: readonly P[],
  outputs: readonly Reference[],
): { readonly parts: P[]; readonly outputs: Reference[] } {
  const inside = parts.flatMap(({ calls }) => calls.flatMap(({ inputs }) => inputs));
  const shifts = new Map<string, { readonly inside: number; readonly outputs: number }>();
  for (const { name, calls, counting = "never" } of parts) {
    const of = (references: readonly Reference[]): number[] =>
      references.filter(({ layer }) => layer === name).map(({ call }) => call);
    const [own, given] = [of(inside), of(outputs)];
    const covers = (all: readonly number[]): boolean => all.every((k) => k >= 0) && new Set(all).size === calls.length;
    if (counting === "maybe" && Math.max(...own, ...given) === calls.length)
      shifts.set(name, { inside: 1, outputs: 1 });
    if (counting === "in outputs" && covers([...own, ...given.map((k) => k - 1)]))
      shifts.set(name, { inside: 0, outputs: 1 });
  }
  const shifted = (one: Reference, where: "inside" | "outputs"): Reference => ({
    ...one,
    call: one.call - (shifts.get(one.layer)?.[where] ?? 0),
  });
  return {
    parts: parts.map((part) => ({
      ...part,
      calls: part.calls.map((call) => ({ ...call, inputs: call.inputs.map((one) => shifted(one, "inside")) })),
    })),
    outputs: outputs.map((one) => shifted(one, "outputs")),
  };
}

/** A layer as a model of its own. */
export const modelOf = ({ spec, weights }: ReadLayer): CanonicalModel => ({
  name: "layer",
  inputs: [{ name: "input", shape: [], type: "float" }],
  layers: new Map([["layer", spec]]),
  nodes: [{ name: "layer", layer: "layer", inputs: ["input"], outputs: ["layer"] }],
  outputs: [{ name: "layer", value: "layer" }],
  weights: new Map(Object.entries(weights).map(([name, value]) => [`layer.${name}`, value])),
});

/** A model that is applied to each step alone (`TimeDistributed`): its steps become examples, and its result steps again. */
export function forEachStep(where: string, model: CanonicalModel): CanonicalModel {
  const [input, ...moreInputs] = model.inputs;
  const [output, ...moreOutputs] = model.outputs;
  if (!input || !output || moreInputs.length > 0 || moreOutputs.length > 0)
    throw unsupported(`${where}: a model with several inputs or outputs for each step`);
  const [steps, folded, unfolded] = ["steps", "fold", "unfold"];
  const taken = [...model.layers.keys(), ...model.nodes.flatMap((node) => node.outputs), input.name];
  for (const name of [steps, folded, unfolded])
    if (taken.includes(name)) throw unsupported(`${where}: a layer called ${JSON.stringify(name)} inside it`);
  const layers = new Map<string, LayerSpec>([[folded, { kind: "fold-steps" }]]);
  for (const [name, spec] of model.layers) layers.set(name, independent(where, spec));
  layers.set(unfolded, { kind: "unfold-steps" });
  return {
    ...model,
    inputs: [{ ...input, name: steps, shape: input.shape.length > 0 ? [null, ...input.shape] : [] }],
    layers,
    nodes: [
      { name: folded, layer: folded, inputs: [steps], outputs: [input.name] },
      ...model.nodes,
      { name: unfolded, layer: unfolded, inputs: [output.value, steps], outputs: [unfolded] },
    ],
    outputs: [{ name: unfolded, value: unfolded }],
  };
}

function independent(where: string, spec: LayerSpec): LayerSpec {
  if (spec.kind === "recurrent") {
    if (spec.stateful) throw unsupported(`${where}: a stateful layer for each step alone`);
    return { ...spec, independent: true };
  }
  if (spec.kind !== "bidirectional") return spec;
  const [forward, backward] = [independent(where, spec.forward), independent(where, spec.backward)];
  return { ...spec, forward: forward as typeof spec.forward, backward: backward as typeof spec.backward };
}
