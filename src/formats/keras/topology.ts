import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "../canonical.ts";
import { nodeName, type Reference, readCalls, readReference, valueName } from "./calls.ts";
import { Config, classOf, damaged, unsupported } from "./config.ts";
import type { Family } from "./family.ts";
import { forEachStep, innerName, isModelClass, modelOf, nodesOfCall } from "./inner-model.ts";
import { Arrays, type LayerContext, type ReadLayer } from "./layer-reader.ts";
import { readLayer } from "./layers.ts";
import { readRnnCells, recurrentCell } from "./recurrent.ts";

/** A layer as weights are asked for. */
export interface LayerKey {
  readonly name: string;
  readonly className: string;
}

/** The arrays of a model's layers. */
export interface ModelArrays {
  /** Of one layer, in Keras' order. */
  of(layer: LayerKey): readonly NamedTensor[];
  /** Of a model that stands in place of a layer. */
  inside(layer: LayerKey): ModelArrays;
}

export interface ReadTopology {
  readonly model: CanonicalModel;
  readonly conventions: readonly string[];
}

const MAXIMUM_LAYERS = 10_000;
/** Models that call models can multiply without end. */
const MAXIMUM_NODES = 20_000;

/** A layer of the file: usually one of ours, several for a stack of cells, or a model. */
type Part = { readonly name: string; readonly calls: readonly (readonly Reference[])[] } & (
  | { readonly layers: readonly ReadLayer[] }
  | { readonly model: CanonicalModel }
);

export interface ReadTopologyOptions {
  readonly family: Family;
  readonly arrays: ModelArrays;
  /** Whether the model stands inside another one, which says what its inputs are. */
  readonly inner?: boolean;
}

/** Reads a model's configuration: `{ class_name: "Sequential" | "Functional" | "Model", config }`. */
export function readTopology(entry: Config, options: ReadTopologyOptions): ReadTopology {
  const { family } = options;
  const { name: className, config } = classOf(listAsConfig(entry));
  const conventions = new Set<string>();
  const note = (convention: string): void => void conventions.add(convention);
  const functional = className === "Functional" || className === "Model";
  if (!isModelClass(className))
    throw unsupported(
      `${entry.where}: a model of the class ${JSON.stringify(className)}; Sequential and functional models are read, not those with code of their own`,
    );
  const entries = config.list("layers").map((layer) => new Config(layer, "layers"));
  if (entries.length > MAXIMUM_LAYERS) throw damaged(`the model has ${entries.length} layers`);
  const inputs: CanonicalInput[] = [];
  const parts: Part[] = [];
  const names = new Set<string>();
  let previous: string | undefined;
  for (const [k, listed] of entries.entries()) {
    const layer = listAsConfig(listed);
    const { name: kind, config: own } = classOf(layer);
    const name = own.text("name", functional ? layer.text("name") : `layer_${k}`);
    if (names.has(name)) throw damaged(`two layers are called ${JSON.stringify(name)}`);
    names.add(name);
    const where = `layer "${name}"`;
    if (kind === "InputLayer") {
      inputs.push({ name, shape: shapeOf(own), type: "float" });
      previous = name;
      continue;
    }
    const key = { name, className: kind };
    let read: { readonly layers: readonly ReadLayer[] } | { readonly model: CanonicalModel };
    const wrapped = kind === "TimeDistributed" ? own.object("layer") : undefined;
    const inside = (model: Config): CanonicalModel => {
      const found = readTopology(model.at(where), { family, arrays: options.arrays.inside(key), inner: true });
      for (const convention of found.conventions) note(convention);
      return found.model;
    };
    if (isModelClass(kind)) read = { model: inside(layer) };
    else if (wrapped && isModelClass(classOf(wrapped).name)) read = { model: forEachStep(where, inside(wrapped)) };
    else {
      const arrays = new Arrays(options.arrays.of(key), `layer "${name}" (${kind})`);
      const context: LayerContext = { family, arrays, note };
      if (wrapped && walksOverSteps(wrapped)) {
        read = { model: forEachStep(where, modelOf(readLayer(wrapped.at(where), context))) };
      } else
        read = {
          layers: kind === "RNN" ? readRnnCells(own.at(where), context) : [readLayer(layer.at(where), context)],
        };
      arrays.finish();
    }
    if (!functional && previous === undefined) {
      const known = "model" in read && !own.has("batch_input_shape") ? read.model.inputs[0]?.shape : undefined;
      const spec = "layers" in read ? read.layers[0]!.spec : undefined;
      const shape = known ?? firstShape(own, config, spec, { name, inner: options.inner === true });
      previous = `${name}_input`;
      inputs.push({ name: previous, shape, type: "float" });
    }
    const calls = functional ? readCalls(layer.at(where)) : [[{ layer: previous!, call: 0, output: 0 }]];
    parts.push({ name, calls, ...read });
    previous = name;
  }
  const outputs = functional
    ? endpoints(config, "output_layers").map(valueName)
    : [parts.length > 0 ? parts.at(-1)!.name : (inputs[0]?.name ?? "")];
  const order = functional ? endpoints(config, "input_layers").map(({ layer }) => layer) : inputs.map((i) => i.name);
  return { model: assemble(config, parts, inputsInOrder(inputs, order), outputs), conventions: [...conventions] };
}

/** Whether a layer has steps of its own, or says which of them count, so that it needs each step for an example. */
function walksOverSteps(entry: Config): boolean {
  const { name, config } = classOf(entry);
  return ["Bidirectional", "Embedding"].includes(name) || recurrentCell(name, config) !== undefined;
}

/** Keras before 2.2.3 wrote a list of layers where a Sequential model has its configuration now. */
const listAsConfig = (entry: Config): Config =>
  Array.isArray(entry.get("config")) ? entry.with("config", new Map([["layers", entry.get("config")!]])) : entry;

/** Axes after the batch of the first shape that a configuration gives. */
function shapeOf(config: Config): (number | null)[] {
  const key = ["batch_shape", "batch_input_shape", "shape"].find((one) => config.has(one));
  if (key === undefined) throw damaged(`${config.where}: the input has no shape`);
  const axes = config.list(key).map((n) => {
    if (n !== null && !(Number.isSafeInteger(n) && (n as number) > 0)) throw config.wrong(key, "sizes or null");
    return n as number | null;
  });
  return key === "shape" ? axes : axes.slice(1);
}

/** The input of a Sequential model that has no input layer. */
function firstShape(
  options: Config,
  model: Config,
  spec: LayerSpec | undefined,
  { name, inner }: { readonly name: string; readonly inner: boolean },
): (number | null)[] {
  if (options.has("batch_input_shape")) return shapeOf(options);
  if (model.has("build_input_shape"))
    return shapeOf(new Config(new Map([["batch_shape", model.get("build_input_shape")!]]), name));
  if (spec?.kind === "embedding") return [null];
  if (spec?.kind === "recurrent") return [null, spec.inputSize];
  if (spec?.kind === "bidirectional") return [null, spec.forward.inputSize];
  // The model around it says it.
  if (inner) return [];
  throw unsupported(`layer "${name}": the model does not say what shape its input has`);
}

/** `[["name", 0, 0], …]`, in Keras 3 also `["name", 0, 0]`. */
function endpoints(config: Config, key: string): Reference[] {
  const list = config.list(key);
  const all = typeof list[0] === "string" ? [list] : list;
  return all.map((one) => readReference(one, `${config.where}, ${key}`));
}

function inputsInOrder(inputs: readonly CanonicalInput[], order: readonly string[]): CanonicalInput[] {
  return order.map((name) => {
    const input = inputs.find((one) => one.name === name);
    if (!input) throw damaged(`the input ${JSON.stringify(name)} is no input layer`);
    return input;
  });
}

function assemble(
  config: Config,
  parts: readonly Part[],
  inputs: readonly CanonicalInput[],
  outputs: readonly string[],
): CanonicalModel {
  const layers = new Map<string, LayerSpec>();
  const weights = new Map<string, NamedTensor>();
  const waiting: CanonicalNode[][] = [];
  for (const part of parts) {
    const { name, calls } = part;
    if ("model" in part) {
      const { model } = part;
      for (const [layer, spec] of model.layers) layers.set(innerName(name, layer), spec);
      for (const [weight, value] of model.weights) weights.set(innerName(name, weight), value);
      if (waiting.length + calls.length * model.nodes.length > MAXIMUM_NODES)
        throw damaged(`models inside models make more than ${MAXIMUM_NODES} calls`);
      for (const [k, call] of calls.entries())
        waiting.push(...nodesOfCall(name, model, call, k).map((node): CanonicalNode[] => [node]));
      continue;
    }
    const stack = part.layers;
    const layerNames = stack.map((_, k) => (k === stack.length - 1 ? name : `${name}/cell_${k}`));
    stack.forEach(({ spec, weights: own }, k) => {
      layers.set(layerNames[k]!, spec);
      for (const [key, value] of Object.entries(own)) weights.set(`${layerNames[k]}.${key}`, value);
    });
    calls.forEach((call, k) => {
      waiting.push(nodesOf(name, layerNames, stack, call, k));
    });
  }
  const nodes = inOrder(waiting, inputs, outputs);
  const embedded = tokenValues(nodes, layers);
  return {
    name: config.text("name", "model"),
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
