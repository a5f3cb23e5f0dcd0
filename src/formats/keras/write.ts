import { expectOptions } from "../../shared/options.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { CanonicalModel } from "../canonical.ts";
import { type Hdf5Tree, MOST_BYTES, writeHdf5 } from "../hdf5/write.ts";
import { writeZip } from "../zip-write.ts";
import { kerasFamily } from "./family.ts";
import { groupNames } from "./weights.ts";
import { type WriteKerasOptions, type WrittenModel, writeTopology } from "./write-topology.ts";

const KERAS_3 = "3.3.3";
/** The last of TensorFlow that has Keras 2 inside. */
const KERAS_2 = "2.15.0";

/**
 * Returns the bytes of a `.keras` archive for Keras 3.
 * @throws UsageError "unsupported-keras" for what Keras cannot compute: a conversion that would change the function is refused
 */
export function writeKeras(model: CanonicalModel, options: WriteKerasOptions = {}): OwnBytes {
  expectOptions("writeKeras", options, { batchSize: 1 });
  const written = writeTopology(model, kerasFamily(KERAS_3), options);
  const encoder = new TextEncoder();
  // A day that never changes: the same model has the same bytes.
  const metadata = { keras_version: KERAS_3, date_saved: "2020-01-01@00:00:00" };
  return writeZip(
    new Map([
      ["metadata.json", encoder.encode(JSON.stringify(metadata))],
      ["config.json", encoder.encode(JSON.stringify(written.config))],
      ["model.weights.h5", writeHdf5(numberedWeights(written))],
    ]),
  );
}

/**
 * Returns the bytes of an `.h5` file for Keras 2 (TensorFlow 2.15 and before).
 * @throws as `writeKeras`
 */
export function writeKerasH5(model: CanonicalModel, options: WriteKerasOptions = {}): OwnBytes {
  expectOptions("writeKerasH5", options, { batchSize: 1 });
  const written = writeTopology(model, kerasFamily(KERAS_2), options);
  const attributes = { backend: "tensorflow", keras_version: KERAS_2 };
  const weights = namedWeights(written);
  return writeHdf5({
    attributes: { ...attributes, model_config: JSON.stringify(written.config) },
    members: new Map([
      ["model_weights", { members: weights.members, attributes: { ...weights.attributes, ...attributes } }],
    ]),
  });
}

/** A tree that grows by paths. */
class Tree {
  readonly members = new Map<string, Tree | NamedTensor>();
  attributes: Record<string, string | readonly string[]> = {};

  group(path: string): Tree {
    return path
      .split("/")
      .filter(Boolean)
      .reduce<Tree>((at, name) => {
        const known = at.members.get(name);
        if (known instanceof Tree) return known;
        const made = new Tree();
        at.members.set(name, made);
        return made;
      }, this);
  }

  /** @param path of at least one group and the array's name */
  put(path: string, tensor: NamedTensor): void {
    const cut = path.lastIndexOf("/");
    this.group(path.slice(0, cut)).members.set(path.slice(cut + 1), tensor);
  }
}

/** `layers/lstm_1/cell/vars/0`: layers by class and number, arrays by number. */
function numberedWeights({ layers }: WrittenModel): Hdf5Tree {
  const root = new Tree();
  root.group("vars");
  const next = groupNames();
  for (const { className, arrays } of layers) {
    const group = root.group(`layers/${next(className)}`);
    group.group("vars");
    const within = new Map<string, number>();
    for (const { part, tensor } of arrays) {
      const number = within.get(part) ?? 0;
      within.set(part, number + 1);
      group.put(`${part}/vars/${number}`, tensor);
    }
  }
  return root;
}

/** `lstm/lstm/kernel:0`, and lists of the names. */
function namedWeights({ layers }: WrittenModel): Tree {
  const root = new Tree();
  root.attributes = namesInParts(
    "layer_names",
    layers.map(({ name }) => name),
  );
  for (const { name, arrays } of layers) {
    const group = root.group(name);
    const names = arrays.map((array) => `${name}/${array.name}:0`);
    group.attributes = namesInParts("weight_names", names);
    arrays.forEach(({ tensor }, k) => {
      group.put(names[k]!, tensor);
    });
  }
  return root;
}

/** A list that one attribute cannot hold is cut into NAME0, NAME1, …, as Keras does. */
function namesInParts(name: string, values: readonly string[]): Record<string, readonly string[]> {
  const size = Math.max(1, ...values.map((value) => value.length));
  const each = Math.max(1, Math.floor(MOST_BYTES / size));
  if (values.length <= each) return { [name]: values };
  const parts: Record<string, readonly string[]> = {};
  for (let k = 0; k * each < values.length; k++) parts[`${name}${k}`] = values.slice(k * each, (k + 1) * each);
  return parts;
}
