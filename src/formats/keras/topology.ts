import type { StrictJson } from "../../checkpoint/strict-json.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { directionsOf } from "../canonical/directions.ts";
import type { CanonicalInput, CanonicalModel, LayerSpec } from "../canonical.ts";
import { assemble, type Part } from "./assemble.ts";
import { type Call, type Reference, readCalls, readReference, valueName } from "./calls.ts";
import { isModelClass } from "./classes.ts";
import { Config, classOf, damaged, unsupported } from "./config.ts";
import type { Family } from "./family.ts";
import { countedFromZero, forEachStep, modelOf, type OwnCall } from "./inner-model.ts";
import { Arrays, type LayerContext, type ReadLayer } from "./layer-reader.ts";
import { readLayer } from "./layers.ts";
import { Masks } from "./masks.ts";
import { expectOneRank, isOperator } from "./operators.ts";
import { cellClasses, readRnnCells, recurrentCell } from "./recurrent.ts";

/** A layer as weights are asked for. */
export interface LayerKey {
  readonly name: string;
  readonly className: string;
  /** Classes of the cells of an RNN, from the lowest on. */
  readonly cells: readonly string[];
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
  if (!isModelClass(className))
    throw unsupported(
      `${entry.where}: a model of the class ${JSON.stringify(className)}; Sequential and functional models are read, not those with code of their own`,
    );
  const functional = className !== "Sequential";
  const entries = config.list("layers").map((layer) => new Config(layer, "layers"));
  if (entries.length > MAXIMUM_LAYERS) throw damaged(`the model has ${entries.length} layers`);
  const inputs: CanonicalInput[] = [];
  const parts: Part[] = [];
  const masks = new Masks();
  const names = new Set<string>();
  const operators = new Set<string>();
  let previous: string | undefined;
  for (const [k, listed] of entries.entries()) {
    const layer = listAsConfig(listed);
    if (functional && masks.take(layer)) continue;
    const { name: kind, config: own } = classOf(layer);
    const name = own.text("name", functional ? layer.text("name") : `layer_${k}`);
    if (names.has(name)) throw damaged(`two layers are called ${JSON.stringify(name)}`);
    names.add(name);
    if (kind === "InputLayer") {
      inputs.push({ name, shape: shapeOf(own), type: "float" });
      previous = name;
      continue;
    }
    const read = readEntry(layer, name, { family, arrays: options.arrays, note });
    if (!functional && previous === undefined) {
      const known = "model" in read && !own.has("batch_input_shape") ? read.model.inputs[0]?.shape : undefined;
      const spec = "layers" in read ? read.layers[0]!.spec : undefined;
      const shape = known ?? firstShape(own, config, spec, { name, inner: options.inner === true });
      previous = `${name}_input`;
      inputs.push({ name: previous, shape, type: "float" });
    }
    const calls: readonly Call[] = functional
      ? readCalls(layer.at(`layer "${name}"`))
      : [{ inputs: [{ layer: previous!, call: 0, output: 0 }] }];
    if ("layers" in read) masks.add(name, read.layers[0]!, calls);
    if (isOperator(layer)) operators.add(name);
    parts.push({ name, calls, ...read });
    previous = name;
  }
  const last = parts.at(-1)?.name ?? inputs[0]?.name ?? "";
  const ends: readonly Endpoint[] = functional
    ? endpoints(config, "output_layers")
    : [{ layer: last, call: 0, output: 0 }];
  const counted = countedFromZero(parts, ends);
  const order = functional ? endpoints(config, "input_layers").map(({ layer }) => layer) : inputs.map((i) => i.name);
  const values = counted.outputs.map(valueName);
  const outputNames = eachOnce(values.map((value, k) => ends[k]!.key ?? value));
  const model = assemble(
    config.text("name", "model"),
    counted.parts,
    masks,
    inputsInOrder(inputs, order),
    values.map((value, k) => ({ name: outputNames[k]!, value })),
  );
  expectOneRank(model, operators);
  return { model, conventions: [...conventions] };
}

/** Names, those that came before with a number, as Keras 2 calls the outputs of a model that gives out one value twice. */
function eachOnce(names: readonly string[]): string[] {
  const taken = new Set(names);
  return names.map((name, k) => {
    if (names.indexOf(name) === k) return name;
    let number = 1;
    while (taken.has(`${name}_${number}`)) number++;
    taken.add(`${name}_${number}`);
    return `${name}_${number}`;
  });
}

/** What an entry of a model's list is: layers (the cells of an RNN are several), or a model that stands in place of one. */
type ReadEntry =
  | { readonly layers: readonly ReadLayer[] }
  | { readonly model: CanonicalModel; readonly counting: OwnCall };

interface EntryContext extends Pick<LayerContext, "family" | "note"> {
  readonly arrays: ModelArrays;
}

function readEntry(entry: Config, name: string, { family, arrays, note }: EntryContext): ReadEntry {
  const { name: kind, config: own } = classOf(entry);
  const where = `layer "${name}"`;
  const key = { name, className: kind, cells: cellClasses(kind, own) };
  const inside = (model: Config): CanonicalModel => {
    const found = readTopology(model.at(where), { family, arrays: arrays.inside(key), inner: true });
    for (const convention of found.conventions) note(convention);
    return found.model;
  };
  if (isModelClass(kind)) {
    const keras3 = kind === "Sequential" ? "never" : "in outputs";
    return { model: inside(entry), counting: family.kind === "keras-3" ? keras3 : "maybe" };
  }
  const wrapped = kind === "TimeDistributed" ? own.object("layer") : undefined;
  if (wrapped && isModelClass(classOf(wrapped).name))
    return { model: forEachStep(where, inside(wrapped)), counting: "never" };
  const taken = new Arrays(arrays.of(key), `${where} (${kind})`);
  const context: LayerContext = { family, arrays: taken, note };
  const read: ReadEntry =
    wrapped && walksOverSteps(wrapped)
      ? { model: forEachStep(where, modelOf(readLayer(wrapped.at(where), context))), counting: "never" }
      : { layers: kind === "RNN" ? readRnnCells(own.at(where), context) : [readLayer(entry.at(where), context)] };
  taken.finish();
  return read;
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
  const [recurrent] = spec ? directionsOf(spec) : [];
  if (recurrent) return [null, recurrent.inputSize];
  // The model around it says it.
  if (inner) return [];
  throw unsupported(`layer "${name}": the model does not say what shape its input has`);
}

/** What a model is given or gives out; in a dictionary with the way to it, `key` or `key/0`. */
interface Endpoint extends Reference {
  readonly key?: string | undefined;
}

/**
 * `[["name", 0, 0], …]`, in Keras 3 whatever a model was made with: `["name", 0, 0]`, and lists and dictionaries of such. Dictionaries are
 * counted in the order of their keys, whatever the file's.
 */
function endpoints(config: Config, key: string): Endpoint[] {
  const where = `${config.where}, ${key}`;
  const inside = (value: StrictJson | undefined, path: readonly string[], named: boolean): Endpoint[] => {
    if (value instanceof Map)
      return [...value.keys()].sort().flatMap((key) => inside(value.get(key), [...path, key], true));
    if (Array.isArray(value) && typeof value[0] !== "string")
      return value.flatMap((one: StrictJson, k) => inside(one, [...path, String(k)], named));
    return [{ ...readReference(value, where), ...(named && { key: path.join("/") }) }];
  };
  return inside(config.get(key), [], false);
}

function inputsInOrder(inputs: readonly CanonicalInput[], order: readonly string[]): CanonicalInput[] {
  return order.map((name) => {
    const input = inputs.find((one) => one.name === name);
    if (!input) throw damaged(`the input ${JSON.stringify(name)} is no input layer`);
    return input;
  });
}
