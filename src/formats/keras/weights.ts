import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { Hdf5Dataset, Hdf5Group } from "../hdf5/read.ts";
import { damaged } from "./config.ts";
import type { ModelArrays } from "./topology.ts";

/** Arrays of every layer in Keras' order, by the name of the layer. */
export type LayerArrays = ReadonlyMap<string, readonly NamedTensor[]>;

/** An array with its path in the file. */
interface StoredArray extends NamedTensor {
  readonly name: string;
}

const NONE: ModelArrays = { of: () => [], inside: () => NONE };

async function numbers(dataset: unknown, what: string): Promise<NamedTensor> {
  if (!(dataset instanceof Hdf5Dataset)) throw damaged(`${what} is no dataset`);
  const tensor = await dataset.read();
  return { shape: tensor.shape, data: tensor.toFloat32() };
}

/** A list of names, which Keras cuts into `NAME0`, `NAME1`, … when it is longer than an attribute may be. */
async function nameList(group: Hdf5Group, name: string): Promise<readonly string[] | undefined> {
  const one = await group.attribute(name);
  if (one) return one.kind === "strings" ? one.values : [];
  const all: string[] = [];
  for (let k = 0; ; k++) {
    const part = await group.attribute(`${name}${k}`);
    if (part?.kind !== "strings") return k > 0 ? all : undefined;
    all.push(...part.values);
  }
}

/** The weights of an .h5 file: `/model_weights` of a whole model, the root of one with weights alone. */
export async function readNamedWeights(group: Hdf5Group): Promise<ReadonlyMap<string, readonly StoredArray[]>> {
  const layers = await nameList(group, "layer_names");
  if (!layers) throw damaged("it holds no weights as Keras writes them (there is no list layer_names)");
  const arrays = new Map<string, readonly StoredArray[]>();
  for (const layer of layers) {
    if (arrays.has(layer)) throw damaged(`the layer ${JSON.stringify(layer)} is listed twice`);
    const own = await group.get(layer);
    if (!(own instanceof Hdf5Group)) throw damaged(`${JSON.stringify(layer)} is no group`);
    const list: StoredArray[] = [];
    for (const name of (await nameList(own, "weight_names")) ?? [])
      list.push({ name, ...(await numbers(await own.get(name), JSON.stringify(name))) });
    arrays.set(layer, list);
  }
  return arrays;
}

/** Such weights, layer by layer. */
export const namedArrays = (layers: ReadonlyMap<string, readonly StoredArray[]>): ModelArrays => ({
  of: ({ name }) => layers.get(name) ?? [],
  inside: ({ name }) => arraysOfParts(layers.get(name) ?? []),
});

/**
 * The arrays of a model inside another one. They are one list, what is learned first, and only their paths say whose they are:
 * `LAYER/…/kernel:0`, also with the names of models before it.
 */
export const arraysOfParts = (all: readonly StoredArray[]): ModelArrays => {
  const below = (layer: string): StoredArray[] => {
    const found = all.flatMap((array) => {
      const at = `/${array.name}`.indexOf(`/${layer}/`);
      return at < 0 ? [] : [{ at, array: { ...array, name: array.name.slice(at + layer.length + 1) } }];
    });
    // A wrapped layer may have the name of another one: what begins with a name is meant first.
    const first = found.filter(({ at }) => at === 0);
    return (first.length > 0 ? first : found).map(({ array }) => array);
  };
  return { of: ({ name }) => below(name), inside: ({ name }) => arraysOfParts(withOwn(below(name), all)) };
};

/** Where no path has the name of the inner model, its layers lie among those of the outer one. */
const withOwn = (own: readonly StoredArray[], all: readonly StoredArray[]): readonly StoredArray[] =>
  own.length > 0 ? own : all;

/** A part of a model in a file of numbered weights: the group of its own arrays, and what it is made of by name. */
interface Part {
  vars?: Hdf5Group;
  readonly parts: Map<string, Part>;
}

/** Where the layers of a model are: in Keras 3, and in Keras 2 from 2.12 on. */
const LAYERS = ["layers", "_layer_checkpoint_dependencies"] as const;

const layersOf = ({ parts }: Part): ReadonlyMap<string, Part> | undefined =>
  parts.get(LAYERS[0])?.parts ?? (parts.has(LAYERS[1]) ? inSequence(parts.get(LAYERS[1])!.parts) : undefined);

/** Steps of a name: on Windows Keras 2 wrote a path as one name, with that system's sign between its steps. */
const stepsOf = (name: string): string[] => name.split("\\");

/** Which version of Keras at least wrote the weights of a file by number, if they are so. */
export function numberedSince({ names }: Hdf5Group): "3.0" | "2.12" | undefined {
  const first = names.map((name) => stepsOf(name)[0]);
  return first.includes(LAYERS[0]) ? "3.0" : first.includes(LAYERS[1]) ? "2.12" : undefined;
}

/** Numbers behind the names of a class as `groupNames` counts: Keras 2 before 2.14 counted layers with weights twice. */
function inSequence(parts: ReadonlyMap<string, Part>): ReadonlyMap<string, Part> {
  const split = [...parts].map(([name, part]) => {
    const [, kind, number] = /^(.*?)(?:_(\d+))?$/.exec(name)!;
    return { kind: kind!, number: Number(number ?? 0), part };
  });
  const next = groupNames();
  return new Map(split.sort((a, b) => a.number - b.number).map(({ kind, part }) => [next(kind), part]));
}

/** The weights of a .weights.h5 file of Keras 3, or 2.12 and later, where layers are known by class and number and arrays have numbers alone. */
export async function readNumberedWeights(root: Hdf5Group): Promise<ModelArrays> {
  const model: Part = { parts: new Map() };
  // An optimizer, which may lie beside the layers, is left where it is.
  for (const name of root.names)
    if (LAYERS.some((layers) => layers === stepsOf(name)[0])) await addParts(model, name, await root.get(name));
  return arraysOfModel(model);
}

async function addParts(above: Part, name: string, object: Hdf5Group | Hdf5Dataset): Promise<void> {
  if (!(object instanceof Hdf5Group)) throw damaged(`${JSON.stringify(object.path)} is no group`);
  let part = above;
  for (const step of stepsOf(name)) {
    const next = part.parts.get(step) ?? { parts: new Map() };
    part.parts.set(step, next);
    part = next;
  }
  for (const inner of object.names) {
    const group = await object.get(inner);
    if (inner !== "vars") await addParts(part, inner, group);
    else if (group instanceof Hdf5Group) part.vars = group;
    else throw damaged(`${JSON.stringify(group.path)} is no group`);
  }
}

async function arraysOfModel(model: Part): Promise<ModelArrays> {
  const arrays = new Map<string, readonly CellArray[]>();
  const models = new Map<string, ModelArrays>();
  for (const [name, part] of layersOf(model) ?? []) {
    // A model in a wrapper is a part of it.
    const inner = [part, part.parts.get("layer")].find((one) => one && layersOf(one));
    if (inner) models.set(name, await arraysOfModel(inner));
    else arrays.set(name, await arraysBelow(part));
  }
  const next = groupNames();
  return {
    of: ({ className, cells }) => inOrderOf(cells, arrays.get(next(className)) ?? []),
    inside: ({ className }) => models.get(next(className)) ?? NONE,
  };
}

/** An array with the group of the cell that it belongs to, in a stack of cells. */
interface CellArray extends NamedTensor {
  readonly group?: string;
}

/** Keras lists groups by their names, whatever the order of the cells. */
function inOrderOf(cells: readonly string[], arrays: readonly CellArray[]): readonly NamedTensor[] {
  const groups = cells.map(groupNames());
  const place = ({ group = "" }: CellArray): number => groups.indexOf(group);
  return arrays.toSorted((a, b) => place(a) - place(b));
}

/** Parts of a layer that hold weights, in the order in which Keras lists their weights. */
const PARTS = ["cell", "cells", "forward_layer", "backward_layer", "layer"];

async function arraysBelow({ vars, parts }: Part): Promise<CellArray[]> {
  const list: CellArray[] = [];
  for (let k = 0; k < (vars?.names.length ?? 0); k++)
    list.push(await numbers(await vars!.get(String(k)), `${vars!.path}/${k}`));
  for (const name of PARTS) {
    const inner = parts.get(name);
    if (!inner) continue;
    if (name !== "cells") list.push(...(await arraysBelow(inner)));
    else
      for (const [group, cell] of inner.parts)
        for (const array of await arraysBelow(cell)) list.push({ ...array, group });
  }
  return list;
}

/** How Keras 3 names the groups of layers in a file, asked in their order: by class, from the second of a class on with a number. */
export function groupNames(): (className: string) => string {
  const counts = new Map<string, number>();
  return (className) => {
    const plain = snakeCase(className);
    const count = counts.get(plain) ?? 0;
    counts.set(plain, count + 1);
    return count === 0 ? plain : `${plain}_${count}`;
  };
}

/** "SimpleRNN" to "simple_rnn". */
const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
