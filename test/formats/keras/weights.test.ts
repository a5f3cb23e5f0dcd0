import { describe, expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { type Hdf5Tree, writeHdf5 } from "../../../src/formats/hdf5/write.ts";
import { readKeras, readKerasTensors, readKerasWeights } from "../../../src/formats/keras/read.ts";
import { arraysOfParts } from "../../../src/formats/keras/weights.ts";
import { writeZip } from "../../../src/formats/zip-write.ts";
import type { NamedTensor } from "../../../src/tensor/parameter-store.ts";

const one = (n: number): NamedTensor => ({ shape: [1], data: [n] });
const group = (
  members: NonNullable<Hdf5Tree["members"]>,
  attributes: NonNullable<Hdf5Tree["attributes"]> = {},
): Hdf5Tree => ({
  members,
  attributes,
});
const groups = (members: Record<string, Hdf5Tree | NamedTensor>) => new Map(Object.entries(members));
const key = (name: string) => ({ name, className: "", cells: [] });

describe("weights by name", () => {
  const read = async (root: Hdf5Tree) =>
    [...(await readKerasWeights(writeHdf5(root)))].map(([name, list]) => [name, list.map(({ data }) => data[0])]);

  test("lists that were cut, and a layer without one", async () => {
    const a = group(groups({ x: one(1), y: one(2) }), { weight_names0: ["y"], weight_names1: ["x"] });
    expect(await read(group(groups({ a, b: group(new Map()) }), { layer_names0: ["b"], layer_names1: ["a"] }))).toEqual(
      [
        ["b", []],
        ["a", [2, 1]],
      ],
    );
  });

  test.each<[string, Hdf5Tree, RegExp]>([
    ["no list of layers", group(groups({ a: one(1) })), /there is no list layer_names/],
    ["a layer twice", group(groups({ a: group(new Map()) }), { layer_names: ["a", "a"] }), /"a" is listed twice/],
    ["an array in place of a layer", group(groups({ a: one(1) }), { layer_names: ["a"] }), /"a" is no group/],
    [
      "a group in place of an array",
      group(groups({ a: group(groups({ b: group(new Map()) }), { weight_names: ["b"] }) }), { layer_names: ["a"] }),
      /"b" is no dataset/,
    ],
    ["an array in place of all", group(groups({ model_weights: one(1) })), /"model_weights" is no group/],
  ])("%s: refused", async (_, root, message) => {
    await expect(read(root)).rejects.toThrow(message);
  });
});

test("arrays in one list are told apart by their paths", () => {
  const list = ["a/x/k", "b/x/k", "x/k", "bi/forward_x/k", "c/y/z/k"].map((name, n) => ({ name, ...one(n) }));
  const all = arraysOfParts(list);
  const numbers = (arrays: readonly { readonly data: ArrayLike<number> }[]) => arrays.map(({ data }) => data[0]);
  expect(numbers(all.of(key("x")))).toEqual([2]);
  expect(numbers(all.of(key("b")))).toEqual([1]);
  expect(numbers(all.of(key("forward_x")))).toEqual([3]);
  expect(numbers(all.of(key("k")))).toEqual([]);
  expect(numbers(all.inside(key("b")).of(key("x")))).toEqual([1]);
  expect(numbers(all.inside(key("c")).inside(key("y")).of(key("z")))).toEqual([4]);
  expect(numbers(all.inside(key("none")).of(key("x")))).toEqual([2]);
  expect(numbers(arraysOfParts(list.slice(0, 2)).of(key("x")))).toEqual([0, 1]);
});

describe("weights by number", () => {
  const config = (layers: object[]) => JSON.stringify({ class_name: "Sequential", config: { name: "m", layers } });
  const input = { class_name: "InputLayer", config: { name: "in", batch_shape: [null, 1] } };
  const dense = (name: string) => ({ class_name: "Dense", config: { name, units: 1, use_bias: false } });
  const archive = (layers: object[], weights: Hdf5Tree): Uint8Array => {
    const text = new TextEncoder();
    return writeZip(
      new Map([
        ["metadata.json", text.encode('{"keras_version": "3.3.3"}')],
        ["config.json", text.encode(config(layers))],
        ["model.weights.h5", writeHdf5(weights)],
      ]),
    );
  };
  const vars = (n: number) => group(groups({ vars: group(groups({ 0: { shape: [1, 1], data: [n] } })) }));
  const kernels = async (file: Uint8Array, options = {}) =>
    [...(await readKeras(bytesSource(file), options)).model.weights.values()].map(({ data }) => data[0]);

  test("what has none, and an optimizer beside them", async () => {
    const empty = [input, { class_name: "Dropout", config: { name: "d", rate: 0.5 } }];
    expect(await kernels(archive(empty, group(new Map())))).toEqual([]);
    const inner = { class_name: "Sequential", config: { name: "inner", layers: empty } };
    const beside = group(groups({ layers: group(groups({ dense: vars(3) })), optimizer: one(1) }));
    expect(await kernels(archive([input, inner, dense("a")], beside))).toEqual([3]);
  });

  test("of twelve layers, counted twice by Keras 2.12, in the order of their numbers", async () => {
    const names = Array.from({ length: 12 }, (_, k) => (k === 0 ? "dense" : `dense_${2 * k}`));
    const parts = group(groups(Object.fromEntries(names.map((name, k) => [name, vars(k)]))));
    const file = writeHdf5(group(groups({ _layer_checkpoint_dependencies: parts })));
    const json = config([input, ...names.map(dense)]);
    expect(await kernels(file, { config: json })).toEqual(names.map((_, k) => k));
  });

  test.each<[string, Hdf5Tree | NamedTensor, RegExp]>([
    ["layers", one(1), /"layers" is no group/],
    ["a layer", group(groups({ dense: one(1) })), /"layers\/dense" is no group/],
    ["arrays", group(groups({ dense: group(groups({ vars: one(1) })) })), /"layers\/dense\/vars" is no group/],
    [
      "an array that is a group",
      group(groups({ dense: group(groups({ vars: group(groups({ 0: group(new Map()) })) })) })),
      /"layers\/dense\/vars\/0" is no group|layers\/dense\/vars\/0 is no dataset/,
    ],
  ])("%s in the wrong place: refused", async (_, layers, message) => {
    await expect(kernels(archive([input, dense("a")], group(groups({ layers }))))).rejects.toThrow(message);
  });

  test("a file without a version is of the first that numbers so", async () => {
    const layer = { class_name: "Dense", config: { name: "a", units: 1, use_bias: false, activation: "hard_sigmoid" } };
    const file = writeHdf5(group(groups({ layers: group(groups({ dense: vars(3) })) })));
    const { model } = await readKeras(bytesSource(file), { config: config([input, layer]) });
    expect(model.layers.get("a")).toMatchObject({ activation: { alpha: 1 / 6 } });
    await expect(readKeras(bytesSource(file), { config: "{" })).rejects.toThrow(/^config: /);
    await expect(readKeras(bytesSource(file))).rejects.toThrow(/it holds weights alone: save the whole model/);
  });

  test("tensors are known by their paths", async () => {
    const file = writeHdf5(group(groups({ a: group(groups({ b: one(1) })), c: one(2) })));
    expect([...(await readKerasTensors(bytesSource(file))).keys()]).toEqual(["a/b", "c"]);
  });
});
