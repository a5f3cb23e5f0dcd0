import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "../canonical.ts";
import { nodeName, type Reference, valueName } from "./calls.ts";
import { damaged, unsupported } from "./config.ts";
import { innerName, nodesOfCall } from "./inner-model.ts";
import type { ReadLayer } from "./layer-reader.ts";

/** Models that call models can multiply without end. */
const MAXIMUM_NODES = 20_000;

/** A layer of the file: usually one of ours, several for a stack of cells, or a model. */
export type Part = { readonly name: string; readonly calls: readonly (readonly Reference[])[] } & (
  | { readonly layers: readonly ReadLayer[] }
  | { readonly model: CanonicalModel }
);

/** A model of layers and their calls, in an order in which each comes after what it reads. */
export function assemble(
  name: string,
  parts: readonly Part[],
  inputs: readonly CanonicalInput[],
  outputs: readonly string[],
): CanonicalModel {
  const layers = new Map<string, LayerSpec>();
  const weights = new Map<string, NamedTensor>();
  const waiting: CanonicalNode[][] = [];
  for (const part of parts) {
    const { calls } = part;
    if ("model" in part) {
      const { model } = part;
      for (const [layer, spec] of model.layers) layers.set(innerName(part.name, layer), spec);
      for (const [weight, value] of model.weights) weights.set(innerName(part.name, weight), value);
      if (waiting.length + calls.length * model.nodes.length > MAXIMUM_NODES)
        throw damaged(`models inside models make more than ${MAXIMUM_NODES} calls`);
      for (const [k, call] of calls.entries())
        waiting.push(...nodesOfCall(part.name, model, call, k).map((node): CanonicalNode[] => [node]));
      continue;
    }
    const stack = part.layers;
    const layerNames = stack.map((_, k) => (k === stack.length - 1 ? part.name : `${part.name}/cell_${k}`));
    stack.forEach(({ spec, weights: own }, k) => {
      layers.set(layerNames[k]!, spec);
      for (const [key, value] of Object.entries(own)) weights.set(`${layerNames[k]}.${key}`, value);
    });
    calls.forEach((call, k) => {
      waiting.push(nodesOf(part.name, layerNames, stack, call, k));
    });
  }
  const nodes = inOrder(waiting, inputs, outputs);
  const embedded = tokenValues(nodes, layers);
  return {
    name,
    inputs: inputs.map((input) => (embedded.has(input.name) ? { ...input, type: "int" } : input)),
    layers,
    nodes,
    outputs: outputs.map((value) => ({ name: value, value })),
    weights,
  };
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
  const states = (one: LayerSpec): number =>
    one.kind === "recurrent" && one.returnState ? (one.cell.name === "lstm" ? 2 : 1) : 0;
  if (spec.kind === "bidirectional")
    return (spec.merge === "separate" ? 2 : 1) + states(spec.forward) + states(spec.backward);
  return 1 + states(spec);
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
