import { UsageError } from "../../shared/errors.ts";
import { isChain } from "../canonical/chain.ts";
import { directionsOf } from "../canonical/directions.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "../canonical.ts";
import { unsupported } from "./config.ts";
import type { Family } from "./family.ts";
import { noLengths, writeLayer } from "./write-layer.ts";
import { classEntry, type JsonConfig, type JsonValue, type WrittenLayer } from "./written.ts";

/** Options of `writeKeras` and `writeKerasH5`. */
export interface WriteKerasOptions {
  /** B, which Keras fixes for models with stateful layers; required for these only. */
  readonly batchSize?: number | undefined;
}

export interface WrittenModel {
  /** `{ class_name, config }` */
  readonly config: JsonConfig;
  /** In the order of the configuration, input layers left out. */
  readonly layers: readonly (WrittenLayer & { readonly name: string })[];
}

interface Names {
  /** By value: the layer that makes it, which call of it, which output. */
  readonly references: ReadonlyMap<string, readonly [layer: string, call: number, output: number]>;
  /** By layer of the model. */
  readonly layers: ReadonlyMap<string, string>;
}

/** A canonical model as a configuration of Keras or TensorFlow.js with its arrays. */
export function writeTopology(model: CanonicalModel, family: Family, options: WriteKerasOptions = {}): WrittenModel {
  const batch = batchOf(model, options);
  const used = new Map([...model.layers].filter(([name]) => model.nodes.some(({ layer }) => layer === name)));
  const ofLengths = [...used].find(([, { kind }]) => kind === "lengths");
  if (ofLengths) throw noLengths(ofLengths[0]);
  const names = nameLayers(model, used.keys());
  const masks = [...used.values()].some(
    (spec) => spec.kind === "masking" || (spec.kind === "embedding" && spec.maskZero),
  );
  for (const node of model.nodes) expectMask(node, model.layers.get(node.layer)!, { family, masks });
  const layers = [...used].map(([name, spec]) => {
    const given = model.nodes.some((node) => node.layer === name && node.inputs.length > 1);
    const written = writeLayer(spec, {
      ...{ name: names.layers.get(name)!, family, masks },
      givenStates: given || isStateful(spec),
      weight: (weight) => model.weights.get(`${name}.${weight}`),
    });
    return { ...written, name: names.layers.get(name)! };
  });
  const shape = (input: CanonicalInput): JsonValue[] => [batch, ...input.shape];
  const config = isChain(model)
    ? sequential(model, layers, shape(model.inputs[0]!), family)
    : functional(model, layers, names, shape, family);
  return { config, layers };
}

/** Which mask a layer is called with is never written: it is the one that the family gives. */
function expectMask(
  { name, inputs, mask }: CanonicalNode,
  spec: LayerSpec,
  { family, masks }: { readonly family: Family; readonly masks: boolean },
): void {
  const recurrent = directionsOf(spec).length > 0;
  // Keras 3 gives none to a layer whose initial states are given.
  const none = masks && family.kind === "keras-3" && recurrent && inputs.length > 1;
  if (mask !== undefined ? mask === null && none : !none) return;
  throw unsupported(
    `layer "${name}": ${none ? `with its initial states given ${family.name} does not skip masked steps` : `${family.name} gives it the mask that its sequence carries, here it has ${mask === null ? "none" : "another one"}`}: the function would change`,
  );
}

const isStateful = (spec: LayerSpec): boolean => directionsOf(spec).some(({ stateful }) => stateful);

function batchOf(model: CanonicalModel, { batchSize }: WriteKerasOptions): number | null {
  const stateful = [...model.layers].find(([, spec]) => isStateful(spec));
  if (stateful && batchSize === undefined)
    throw new UsageError(
      "missing-option",
      `batchSize: layer "${stateful[0]}" carries its state from run to run, and Keras fixes the size of the batch then; say which`,
    );
  return stateful ? batchSize! : null;
}

/** Names as Keras and TensorFlow take them: letters, digits and a few signs, each once. */
function nameLayers(model: CanonicalModel, used: Iterable<string>): Names {
  const taken = new Set<string>();
  const free = (name: string): string => {
    const plain = name.replace(/[^A-Za-z0-9_.-]/g, "_").replace(/^[^A-Za-z0-9]+/, "") || "layer";
    let one = plain;
    for (let k = 1; taken.has(one); k++) one = `${plain}_${k}`;
    taken.add(one);
    return one;
  };
  const references = new Map<string, readonly [string, number, number]>();
  const layers = new Map(Array.from(used, (name) => [name, free(name)]));
  for (const { name } of model.inputs) references.set(name, [free(name), 0, 0]);
  const calls = new Map<string, number>();
  for (const { layer, outputs } of model.nodes) {
    const call = calls.get(layer) ?? 0;
    calls.set(layer, call + 1);
    outputs.forEach((value, output) => {
      references.set(value, [layers.get(layer)!, call, output]);
    });
  }
  return { references, layers };
}

const common = (name: string, config: JsonConfig): JsonConfig => ({
  ...{ name, trainable: true, dtype: "float32" },
  ...config,
});

function sequential(
  model: CanonicalModel,
  layers: WrittenModel["layers"],
  shape: readonly JsonValue[],
  family: Family,
): JsonConfig {
  const own = layers.map(({ name, className, config }) => ({ className, config: common(name, config) }));
  if (own.length === 0) throw unsupported("a model without layers");
  const [first, ...others] = own;
  // TensorFlow.js takes the shape of the input from the first layer.
  const entries =
    family.kind === "tfjs"
      ? [{ className: first!.className, config: { ...first!.config, batch_input_shape: shape } }, ...others]
      : [{ className: "InputLayer", config: inputConfig("input_layer", shape, model.inputs[0]!, family) }, ...own];
  const config = {
    name: plainName(model.name),
    layers: entries.map((entry) => classEntry(entry.className, entry.config, family)),
  };
  return modelEntry("Sequential", config, family);
}

const plainName = (name: string): string => name.replace(/[^A-Za-z0-9_.-]/g, "_") || "model";

const modelEntry = (className: string, config: JsonConfig, { kind }: Family): JsonConfig =>
  kind === "keras-3"
    ? {
        module: className === "Functional" ? "keras.src.models.functional" : "keras",
        class_name: className,
        config,
        registered_name: className === "Functional" ? "Functional" : null,
      }
    : { class_name: className, config };

function inputConfig(name: string, shape: readonly JsonValue[], input: CanonicalInput, { kind }: Family): JsonConfig {
  const dtype = input.type === "int" ? "int32" : "float32";
  return kind === "keras-3"
    ? { batch_shape: shape, dtype, sparse: false, name }
    : { batch_input_shape: shape, dtype, sparse: false, name };
}

function functional(
  model: CanonicalModel,
  layers: WrittenModel["layers"],
  { references, layers: names }: Names,
  shape: (input: CanonicalInput) => readonly JsonValue[],
  family: Family,
): JsonConfig {
  const k3 = family.kind === "keras-3";
  const reference = (value: string): JsonValue => [...references.get(value)!];
  const call = ({ layer, inputs }: CanonicalNode): JsonValue => {
    if (!k3) return inputs.map((value) => [...references.get(value)!, {}]);
    const tensor = (value: string): JsonValue => ({
      class_name: "__keras_tensor__",
      // Keras works shapes out anew.
      config: { shape: [], dtype: "float32", keras_history: reference(value) },
    });
    const { kind } = model.layers.get(layer)!;
    if (kind === "combine" || kind === "concatenate") return { args: [inputs.map(tensor)], kwargs: {} };
    const [first, ...states] = inputs.map(tensor);
    return { args: [first!], kwargs: states.length > 0 ? { initial_state: states } : {} };
  };
  const inputs = model.inputs.map((input): JsonConfig => {
    const name = references.get(input.name)![0];
    const config = inputConfig(name, shape(input), input, family);
    return { ...classEntry("InputLayer", config, family), name, inbound_nodes: [] };
  });
  const own = layers.map(({ name, className, config }): JsonConfig => {
    const nodes = model.nodes.filter(({ layer }) => names.get(layer) === name);
    return { ...classEntry(className, common(name, config), family), name, inbound_nodes: nodes.map(call) };
  });
  const config = {
    name: plainName(model.name),
    trainable: true,
    layers: [...inputs, ...own],
    input_layers: model.inputs.map(({ name }) => reference(name)),
    output_layers: model.outputs.map(({ value }) => reference(value)),
  };
  return modelEntry(family.kind === "tfjs" ? "Model" : "Functional", config, family);
}
