import type { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../../platform/platform.ts";
import { few, UsageError } from "../../shared/errors.ts";
import { expectOptions } from "../../shared/options.ts";
import { type ByteInput, withBytes } from "../byte-source.ts";
import { Network } from "../canonical/network.ts";
import type { OpenedModel } from "../canonical.ts";
import { isHdf5 } from "../hdf5/header.ts";
import { Hdf5Group, openHdf5 } from "../hdf5/read.ts";
import { openZip } from "../zip.ts";
import { isZip } from "../zip-directory.ts";
import { Config, damaged } from "./config.ts";
import { kerasFamily } from "./family.ts";
import { type ModelArrays, readTopology } from "./topology.ts";
import { type LayerArrays, namedArrays, numberedSince, readNamedWeights, readNumberedWeights } from "./weights.ts";

/** Options of `readKeras`. */
export interface ReadKerasOptions {
  /** The result of `model.to_json()` in Keras, for files that hold only weights (`save_weights`). */
  readonly config?: string | undefined;
}

const MAXIMUM_JSON = 64 * 2 ** 20;

/**
 * Reads a Keras model: `.keras`, or `.h5` of Keras 2 or 3, Sequential or functional; or only weights, with the model's configuration.
 * @example
 * ```ts
 * const { model } = await readKeras("model.keras");
 * const { model } = await readKeras("weights.h5", { config: json });
 * ```
 * @throws UsageError "unsupported-keras" that names the layer, "no-topology"; FailureError "damaged-keras", "damaged-hdf5", "bad-zip"
 */
export async function readKeras(input: ByteInput, options: ReadKerasOptions = {}): Promise<OpenedModel> {
  expectOptions("readKeras", options, { config: 1 });
  return withBytes(input, async (source) => {
    const start = await source.read(0, Math.min(8, source.size));
    if (isHdf5(start)) return readH5(source, options);
    if (isZip(start)) return readArchive(source);
    throw damaged(`${source.name} is neither an archive (.keras) nor an HDF5 file (.h5)`);
  });
}

async function readArchive(source: ByteSource): Promise<OpenedModel> {
  const zip = await openZip(source);
  const json = async (name: string): Promise<Config> => {
    const entry = zip.entries.get(name);
    if (!entry) throw damaged(`${source.name} holds no ${name}; it is no archive of Keras`);
    if (entry.size > MAXIMUM_JSON) throw damaged(`${name} has ${entry.size} bytes`);
    return Config.parse(new TextDecoder().decode(await zip.read(name)), name);
  };
  const version = (await json("metadata.json")).text("keras_version");
  const config = await json("config.json");
  const weights = await openHdf5(await zip.open("model.weights.h5"));
  return checked(config, version, await readNumberedWeights(weights));
}

async function readH5(source: ByteSource, options: ReadKerasOptions): Promise<OpenedModel> {
  const root = await openHdf5(source);
  const inFile = await root.textAttribute("model_config");
  const json = options.config ?? inFile;
  const weights = await weightsGroup(root);
  if (json === undefined) throw noTopology(await listed(weights));
  const config = Config.parse(json, options.config === undefined ? "model_config" : "config");
  const numbered = numberedSince(root);
  const version = (await root.textAttribute("keras_version")) ?? config.text("keras_version", numbered ?? "2.0");
  if (numbered) return checked(config, version, await readNumberedWeights(root));
  return checked(config, version, namedArrays(await readNamedWeights(weights)));
}

function checked(config: Config, version: string, arrays: ModelArrays): OpenedModel {
  const { model, conventions } = readTopology(config, { family: kerasFamily(version), arrays });
  new Network(model);
  return { format: "keras", model, conventions };
}

function noTopology(layers: readonly string[]): UsageError {
  return new UsageError(
    "no-topology",
    `it holds weights alone${layers.length > 0 ? `, of the layers ${few(layers)}` : ""}: save the whole model (model.save in Keras), or give open() what model.to_json() returns as config`,
  );
}

const listed = async (weights: Hdf5Group): Promise<readonly string[]> => [
  ...(numberedSince(weights) ? [] : (await readNamedWeights(weights)).keys()),
];

/**
 * Reads the arrays of an .h5 file of Keras 2 by layer, in Keras' order and layout, without a model.
 * @throws as `readKeras`
 */
export const readKerasWeights = (input: ByteInput): Promise<LayerArrays> =>
  withBytes(input, async (source) => readNamedWeights(await weightsGroup(await openHdf5(source))));

async function weightsGroup(root: Hdf5Group): Promise<Hdf5Group> {
  const weights = root.has("model_weights") ? await root.get("model_weights") : root;
  if (!(weights instanceof Hdf5Group)) throw damaged('"model_weights" is no group');
  return weights;
}

/** The arrays of a file of weights alone by their paths. @throws as `readKeras` */
export async function readKerasTensors(source: ByteSource): Promise<Map<string, SafeTensor>> {
  const tensors = new Map<string, SafeTensor>();
  const seen = new Set<Hdf5Group>();
  const below = async (group: Hdf5Group): Promise<void> => {
    // A name that is empty, or a path, leads somewhere else than to a member of its own.
    if (seen.has(group)) throw damaged(`the group ${JSON.stringify(group.path)} is reached twice`);
    seen.add(group);
    for (const name of group.names) {
      const object = await group.get(name);
      if (object instanceof Hdf5Group) await below(object);
      else tensors.set(object.path, await object.read());
    }
  };
  await below(await openHdf5(source));
  return tensors;
}
