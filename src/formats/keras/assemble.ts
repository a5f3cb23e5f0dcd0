import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { directionsOf } from "../canonical/directions.ts";
import { passedOn } from "../canonical/passed-on.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "../canonical.ts";
import { type Call, nodeName, type Reference, valueName } from "./calls.ts";
import { damaged, unsupported } from "./config.ts";
import { innerName, nodesOfCall, type OwnCall } from "./inner-model.ts";
import type { ReadLayer } from "./layer-reader.ts";
import type { Masks } from "./masks.ts";

/** Models that call models can multiply without end. */
const MAXIMUM_NODES = 20_000;

/** A layer of the file: usually one of ours, several for a stack of cells, or a model. */
export type Part = { readonly name: string; readonly calls: readonly Call[] } & (
  | { readonly layers: readonly ReadLayer[] }
  | { readonly model: CanonicalModel; readonly counting: OwnCall }
);

/** A model of layers and their calls, in an order in which each comes after what it reads. */
export function assemble(
  name: string,
  parts: readonly Part[],
  masks: Masks,
  inputs: readonly CanonicalInput[],
  outputs: CanonicalModel["outputs"],
): CanonicalModel {
  const layers = new Map<string, LayerSpec>();
  const weights = new Map<string, NamedTensor>();
  const waiting: CanonicalNode[][] = [];
  const asked = new Map<string, string | null>();
  for (const part of parts) {
    const { calls } = part;
    if ("model" in part) {
      const { model } = part;
      for (const [layer, spec] of model.layers) layers.set(innerName(part.name, layer), spec);
      for (const [weight, value] of model.weights) weights.set(innerName(part.name, weight), value);
      if (waiting.length + calls.length * model.nodes.length > MAXIMUM_NODES)
        throw damaged(`models inside models make more than ${MAXIMUM_NODES} calls`);
      for (const [k, call] of calls.entries())
        waiting.push(...nodesOfCall(part.name, model, call.inputs, k).map((node): CanonicalNode[] => [node]));
      continue;
    }
    const stack = part.layers;
    const layerNames = stack.map((_, k) => (k === stack.length - 1 ? part.name : `${part.name}/cell_${k}`));
    stack.forEach(({ spec, weights: own }, k) => {
      layers.set(layerNames[k]!, spec);
      for (const [key, value] of Object.entries(own)) weights.set(`${layerNames[k]}.${key}`, value);
    });
    calls.forEach((call, k) => {
      const made = nodesOf(part.name, layerNames, stack, call.inputs, k);
      waiting.push(made);
      const mask = maskAsked(part.name, stack[0]!, call, masks);
      if (mask !== undefined) asked.set(made[0]!.name, mask);
    });
  }
  const needed = outputs.map(({ value }) => value);
  const nodes = withMasks(inOrder(waiting, inputs, needed), layers, asked);
  const embedded = tokenValues(nodes, layers);
  return {
    name,
    inputs: inputs.map((input) => (embedded.has(input.name) ? { ...input, type: "int" } : input)),
    layers,
    nodes,
    outputs,
    weights,
  };
}

/** What the mask of a call says, where it is for the layer to heed it. @throws UsageError "unsupported-keras" */
function maskAsked(name: string, { spec }: ReadLayer, { mask }: Call, masks: Masks): string | null | undefined {
  if (spec.kind === "time-distributed" || spec.kind === "batch-norm") return undefined;
  if (["recurrent", "bidirectional", "pooling"].includes(spec.kind))
    return mask ? masks.of(mask, `layer "${name}"`) : mask;
  if (mask) throw unsupported(`layer "${name}": it is called with a mask`);
  return undefined;
}

/** Nodes with the masks that they ask for, where those are not what their sequence carries. */
function withMasks(
  nodes: readonly CanonicalNode[],
  layers: ReadonlyMap<string, LayerSpec>,
  asked: ReadonlyMap<string, string | null>,
): CanonicalNode[] {
  /** By value, the one that its mask began with. */
  const carried = new Map<string, string>();
  /** Values joined of some with different masks. */
  const joined = new Set<string>();
  return nodes.map((node) => {
    const { name, inputs, outputs } = node;
    const spec = layers.get(node.layer)!;
    if (spec.kind === "masking" || (spec.kind === "embedding" && spec.maskZero)) {
      carried.set(outputs[0]!, outputs[0]!);
      return node;
    }
    if (spec.kind === "combine" || spec.kind === "concatenate") {
      const [one, ...others] = new Set(inputs.map((value) => carried.get(value)));
      if (others.length > 0) joined.add(outputs[0]!);
      const mask = others.length > 0 ? outputs[0] : one;
      if (mask !== undefined) carried.set(outputs[0]!, mask);
      return node;
    }
    const own = carried.get(inputs[0]!);
    const wanted = asked.get(name);
    // A layer that is called without one takes what its sequence carries: of joined ones Keras 3 has none where one of them has none.
    const none = wanted === null && (inputs.length > 1 || joined.has(own ?? ""));
    const mask = none || typeof wanted === "string" ? wanted : node.mask;
    const heeded = mask === undefined ? own : (mask ?? undefined);
    for (const value of passedOn(spec, outputs)) if (heeded !== undefined) carried.set(value, heeded);
    return heeded === own ? node : { ...node, mask: heeded ?? null };
  });
}

/** Values that embeddings read, also steps of them. */
function tokenValues(nodes: readonly CanonicalNode[], layers: ReadonlyMap<string, LayerSpec>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { layer, inputs, outputs } of nodes.toReversed()) {
    const { kind } = layers.get(layer)!;
    if (kind === "embedding" || (kind === "fold-steps" && outputs.some((value) => found.has(value))))
      for (const value of inputs) found.add(value);
  }
  return found;
}

/** The nodes that one call of a layer becomes: one, or one for each cell of a stack. */
function nodesOf(
  name: string,
  layerNames: readonly string[],
  stack: readonly ReadLayer[],
  call: readonly Reference[],
  k: number,
): CanonicalNode[] {
  if (stack.length > 1 && (call.length > 1 || stack.some(({ spec }) => spec.kind === "recurrent" && spec.returnState)))
    throw unsupported(`layer "${name}": a stack of cells whose states are given in or out`);
  let inputs = call.map(valueName);
  return layerNames.map((layer, at) => {
    const last = at === stack.length - 1;
    const node = nodeName(layer, k);
    const count = last ? outputCount(stack[at]!.spec) : 1;
    const outputs = Array.from({ length: count }, (_, output) => valueName({ layer, call: k, output }));
    const made = { name: node, layer, inputs, outputs };
    inputs = [outputs[0]!];
    return made;
  });
}

function outputCount(spec: LayerSpec): number {
  const states = directionsOf(spec).map(({ returnState, cell }) => (returnState ? (cell.name === "lstm" ? 2 : 1) : 0));
  return states.reduce<number>((sum, n) => sum + n, spec.kind === "bidirectional" && spec.merge === "separate" ? 2 : 1);
}

/** Calls in an order in which each comes after what it reads, without those that no output needs. */
function inOrder(
  calls: readonly (readonly CanonicalNode[])[],
  inputs: readonly CanonicalInput[],
  outputs: readonly string[],
): CanonicalNode[] {
  const makers = new Map(calls.flatMap((call) => call.at(-1)!.outputs.map((value) => [value, call] as const)));
  const known = new Set(inputs.map(({ name }) => name));
  const state = new Map<readonly CanonicalNode[], "open" | "done">();
  const nodes: CanonicalNode[] = [];
  // Depth first with a stack of its own: a chain of layers may be long.
  const stack = [...outputs].reverse();
  while (stack.length > 0) {
    const value = stack.at(-1)!;
    const call = makers.get(value);
    if (known.has(value) || (call && state.get(call) === "done")) {
      stack.pop();
      continue;
    }
    if (!call) throw damaged(`nothing in the model makes the value ${JSON.stringify(value)}`);
    const missing = call[0]!.inputs.filter((name) => !known.has(name) && state.get(makers.get(name)!) !== "done");
    if (missing.length === 0) {
      nodes.push(...call);
      state.set(call, "done");
      for (const name of call.at(-1)!.outputs) known.add(name);
      stack.pop();
      continue;
    }
    if (state.get(call) === "open")
      throw damaged(`layer "${call[0]!.name}" reads, by other layers, what it makes itself`);
    state.set(call, "open");
    stack.push(...missing);
  }
  return nodes;
}
