import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, File, type Group, ready } from "h5wasm/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { Hdf5Dataset, Hdf5Group, openHdf5 } from "../../../src/formats/hdf5/read.ts";
import { type Hdf5Tree, MOST_BYTES, writeHdf5 } from "../../../src/formats/hdf5/write.ts";
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
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => k / 7),
});
/** From the last to the first: the file has them sorted, `layer_1` before `layer_10`. */
const many = Array.from({ length: 101 }, (_, k): [string, NamedTensor] => [`layer_${100 - k}`, ramp([k % 5, 3])]);
/** Of a length that is no multiple of 8 bytes. */
const long = "ü".repeat(100_001);
const tree: Hdf5Tree = {
  attributes: { keras_version: "2.15.0", model_config: long, empty: "", layer_names: ["a", "größer", "b/c"] },
  members: new Map<string, Hdf5Tree | NamedTensor>([
    ["number", { shape: [], data: [1.5] }],
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
  expect((file.get("number") as Dataset).value).toBe(1.5);
  const matrix = file.get("matrix") as Dataset;
  expect(matrix.shape).toEqual([5, 7]);
  expect(matrix.value).toEqual(ramp([5, 7]).data);
  const deep = file.get("group/deep") as Group;
  expect(deep.keys()).toHaveLength(101);
  for (const [name, { shape, data }] of many) {
    const dataset = file.get(`group/deep/${name}`) as Dataset;
    expect(dataset.shape).toEqual(shape);
    if (data.length > 0) expect(dataset.value).toEqual(data);
  }
  expect((file.get("none") as Group).keys()).toEqual([]);
  // Text of any length ends with a zero, that of a list is filled up with zeros; what is more than ASCII is UTF-8.
  const { attrs } = file.get("group") as Group;
  expect(file.attrs.model_config!.metadata).toMatchObject({ vlen: true, cset: 1, strpad: 0 });
  expect(file.attrs.layer_names!.metadata).toMatchObject({ vlen: false, cset: 1, strpad: 1, size: 8 });
  expect(attrs.weight_names!.metadata).toMatchObject({ vlen: false, cset: 0, strpad: 1, size: 3 });
  file.close();
});

test("numbers have the type that the library itself writes", () => {
  const path = join(folder, "theirs.h5");
  const file = new File(path, "w");
  file.create_dataset({ name: "matrix", data: ramp([5, 7]).data as Float32Array, shape: [5, 7], dtype: "<f4" });
  file.close();
  const typeIn = (bytes: Uint8Array): string => {
    const hex = Buffer.from(bytes).toString("hex");
    const at = hex.indexOf("11201f00");
    return hex.slice(at, at + 40);
  };
  expect(typeIn(writeHdf5(tree))).toBe(typeIn(readFileSync(path)));
});

test("a list of strings takes what an attribute can hold, and not more", () => {
  const names = (length: number): string[] => Array.from({ length: MOST_BYTES / 100 }, () => "n".repeat(length));
  const path = join(folder, "full.h5");
  writeFileSync(path, writeHdf5({ attributes: { names: names(100) } }));
  const file = new File(path, "r");
  expect(file.attrs.names!.value).toEqual(names(100));
  file.close();
  expect(() => writeHdf5({ attributes: { names: names(101) } })).toThrow(
    'the list "names" takes 64640 bytes; an attribute holds 64000',
  );
});

// Other versions of the library look at bytes that these two readers pass over. h5py 3.16 reads this file, too; a change has to be read by it anew.
test("every byte is as the library of the HDF Group read it", () => {
  expect(createHash("sha256").update(writeHdf5(tree)).digest("hex")).toBe(
    "d059e0b6a0efee4d2cc88f22ef6ae0e48d48a949cf962fdf2d17ee2b8c0f0411",
  );
});

test("so does ours, and the same tree gives the same bytes", async () => {
  const bytes = writeHdf5(tree);
  expect(Buffer.compare(writeHdf5(tree), bytes)).toBe(0);
  const root = await openHdf5(bytesSource(bytes));
  expect(await root.textAttribute("model_config")).toBe(long);
  const deep = await root.get("group/deep");
  if (!(deep instanceof Hdf5Group)) throw new Error("no group");
  expect(deep.names).toHaveLength(101);
  for (const [name, { data }] of many) {
    const dataset = await deep.get(name);
    if (!(dataset instanceof Hdf5Dataset)) throw new Error("no dataset");
    expect((await dataset.read()).toFloat32()).toEqual(data);
  }
});
