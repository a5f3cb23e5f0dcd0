import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, File, type Group, ready } from "h5wasm/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { Hdf5Dataset, Hdf5Group, openHdf5 } from "../../../src/formats/hdf5/read.ts";
import { type Hdf5Tree, writeHdf5 } from "../../../src/formats/hdf5/write.ts";
import type { NamedTensor } from "../../../src/tensor/parameter-store.ts";

/*
 * Ours writes; the HDF Group's own library, in WebAssembly, and ours read.
 */
let folder: string;
beforeAll(async () => {
  await ready;
  folder = mkdtempSync(join(tmpdir(), "longshort-hdf5-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ramp = (shape: readonly number[]): NamedTensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => Math.sin(k)),
});
/** From the last to the first: the file has them sorted, `layer_1` before `layer_10`. */
const many = Array.from({ length: 100 }, (_, k): [string, NamedTensor] => [`layer_${99 - k}`, ramp([k % 5, 3])]);
/** Of a length that is no multiple of 8 bytes. */
const long = "ü".repeat(100_001);
const tree: Hdf5Tree = {
  attributes: { keras_version: "2.15.0", model_config: long, empty: "", layer_names: ["a", "größer", "b/c"] },
  members: new Map<string, Hdf5Tree | NamedTensor>([
    ["number", ramp([])],
    ["matrix", ramp([5, 7])],
    ["none", {}],
    [
      "group",
      {
        attributes: { weight_names: ["x:0"] },
        members: new Map<string, Hdf5Tree>([["deep", { members: new Map(many) }]]),
      },
    ],
  ]),
};

test("the library of the HDF Group reads every name, number and attribute", () => {
  const path = join(folder, "written.h5");
  writeFileSync(path, writeHdf5(tree));
  const file = new File(path, "r");
  expect(file.keys().sort()).toEqual(["group", "matrix", "none", "number"]);
  expect(file.attrs.model_config!.value).toBe(long);
  expect(file.attrs.empty!.value).toBe("");
  expect(file.attrs.layer_names!.value).toEqual(["a", "größer", "b/c"]);
  const matrix = file.get("matrix") as Dataset;
  expect(matrix.shape).toEqual([5, 7]);
  expect(matrix.value).toEqual(ramp([5, 7]).data);
  const deep = file.get("group/deep") as Group;
  expect(deep.keys()).toHaveLength(100);
  for (const [name, { shape, data }] of many) {
    const dataset = file.get(`group/deep/${name}`) as Dataset;
    expect(dataset.shape).toEqual(shape);
    if (data.length > 0) expect(dataset.value).toEqual(data);
  }
  expect((file.get("none") as Group).keys()).toEqual([]);
  file.close();
});

test("so does ours, and the same tree gives the same bytes", async () => {
  const bytes = writeHdf5(tree);
  expect(Buffer.compare(writeHdf5(tree), bytes)).toBe(0);
  const root = await openHdf5(bytesSource(bytes));
  expect(await root.textAttribute("model_config")).toBe(long);
  const deep = await root.get("group/deep");
  if (!(deep instanceof Hdf5Group)) throw new Error("no group");
  expect(deep.names).toHaveLength(100);
  for (const [name, { data }] of many) {
    const dataset = await deep.get(name);
    if (!(dataset instanceof Hdf5Dataset)) throw new Error("no dataset");
    expect((await dataset.read()).toFloat32()).toEqual(data);
  }
});
