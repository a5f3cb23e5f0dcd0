import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type File, type LIBVER_BOUNDS, ready } from "h5wasm/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { Hdf5Dataset, type Hdf5Group, openHdf5 } from "../../../src/formats/hdf5/read.ts";

/*
 * The HDF Group's own library, in WebAssembly, writes; ours reads.
 */
let folder: string;
beforeAll(async () => {
  await ready;
  folder = mkdtempSync(join(tmpdir(), "longshort-hdf5-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function written(fill: (file: File) => void, libver?: LIBVER_BOUNDS): Promise<Uint8Array> {
  const { File: Hdf5File } = await import("h5wasm/node");
  const path = join(folder, `${Math.random()}.h5`);
  const file = new Hdf5File(path, "w", libver ? { libver } : {});
  fill(file);
  file.close();
  return readFileSync(path);
}
const open = (bytes: Uint8Array): Promise<Hdf5Group> => openHdf5(bytesSource(bytes));
async function dataset(root: Hdf5Group, path: string): Promise<number[]> {
  const object = await root.get(path);
  if (!(object instanceof Hdf5Dataset)) throw new Error(`${path} is no dataset`);
  return [...(await object.read()).toFloat64()];
}

const ramp = (count: number): number[] => Array.from({ length: count }, (_, k) => Math.fround(Math.sin(k)));

test("numbers of every type, in one piece", async () => {
  const root = await open(
    await written((file) => {
      for (const dtype of ["<f", "<d", "<i", "<h", "<b", "<q", "<H", "<B"])
        file.create_dataset({ name: `d${dtype}`, data: [1, 2, 3, 100, 5, 6], shape: [2, 3], dtype });
    }),
  );
  expect(root.names).toHaveLength(8);
  for (const name of root.names) expect(await dataset(root, name), name).toEqual([1, 2, 3, 100, 5, 6]);
});

test("chunks that do not fit the shape, packed and shuffled", async () => {
  const data = ramp(7 * 11 * 5);
  const root = await open(
    await written((file) => {
      const common = { data: new Float32Array(data), shape: [7, 11, 5], dtype: "<f" };
      file.create_dataset({ name: "plain", ...common, chunks: [3, 4, 5] });
      file.create_dataset({ name: "gzip", ...common, chunks: [2, 5, 2], compression: 9 });
      file.create_dataset({ name: "one", ...common, chunks: [7, 11, 5], compression: "gzip", compression_opts: [4] });
    }),
  );
  for (const name of ["plain", "gzip", "one"]) expect(await dataset(root, name), name).toEqual(data);
});

/** Shapes and chunks for every index that newer files have; an axis of `null` grows without limit. */
const indices: Readonly<
  Record<string, readonly (readonly [shape: number[], chunks: number[], most?: (number | null)[]])[]>
> = {
  "one chunk": [
    [
      [7, 5],
      [7, 5],
    ],
    [[6], [9], [9]],
  ],
  "a fixed array": [
    [
      [7, 11, 5],
      [3, 4, 5],
    ],
    [
      [7, 3],
      [2, 2],
      [20, 9],
    ],
    // More entries than a page has.
    [[1100], [1]],
  ],
  "an array that grows": [
    [
      [7, 3],
      [2, 2],
      [null, 3],
    ],
    [
      [3, 7, 2],
      [2, 2, 1],
      [5, null, 4],
    ],
    // Blocks of several generations.
    [[1500], [1], [null]],
  ],
  "a tree": [
    [
      [9, 7],
      [2, 3],
      [null, null],
    ],
    [
      [40, 30],
      [1, 1],
      [null, null],
    ],
  ],
};

// The HDF5 2.0 that is the latest writes layouts of version 5.
describe.each(["v110", "latest"] as const)("chunks as libver %s has them", (libver) => {
  test.each(Object.entries(indices))("found by %s", async (_, datasets) => {
    for (const [shape, chunks, maxshape = shape] of datasets) {
      const data = ramp(shape.reduce((a, b) => a * b, 1));
      const common = { data: new Float32Array(data), shape, dtype: "<f", chunks, maxshape };
      const root = await open(
        await written((file) => {
          file.create_dataset({ name: "plain", ...common });
          file.create_dataset({ name: "gzip", ...common, compression: 6 });
        }, libver),
      );
      for (const name of ["plain", "gzip"]) expect(await dataset(root, name), `${name} [${shape}]`).toEqual(data);
    }
  });
});

test("the same indexes as h5py 3.7 writes them, with its filters", async () => {
  const root = await open(readFileSync(new URL("../../golden/hdf5/chunk-indexes.h5", import.meta.url)));
  expect(root.names).toEqual(["one", "fixed", "grows", "tree"]);
  for (const name of root.names) {
    const numbers = await dataset(root, name);
    numbers.forEach((x, k) => {
      expect(x, `${name}, element ${k}`).toBeCloseTo(Math.sin(k), 6);
    });
    expect(numbers).toHaveLength(35);
  }
});

// Written by h5py 3.7 with room allocated early (`set_alloc_time`), which no option of the library above does; at most [6, 10].
test("chunks one after the other, without an index", async () => {
  const root = await open(readFileSync(new URL("../../golden/hdf5/implicit-index.h5", import.meta.url)));
  expect(await dataset(root, "d")).toEqual(Array.from({ length: 35 }, (_, k) => k));
});

// From more than 8 members on, links lie in a heap behind a tree; 300 take a tree of two levels and blocks of several sizes.
test.each([7, 20, 300])("a group of %i members with as many attributes", async (count) => {
  const root = await open(
    await written((file) => {
      const group = file.create_group("a");
      for (let k = 0; k < count; k++) group.create_dataset({ name: `m${k}`, data: [k, 2], shape: [2], dtype: "<f" });
      for (let k = 0; k < Math.min(count, 100); k++) group.create_attribute(`t${k}`, `text ${k}`, undefined, undefined);
    }),
  );
  const group = (await root.get("a")) as Hdf5Group;
  const names = Array.from({ length: count }, (_, k) => `m${k}`);
  expect(group.names).toEqual(names.sort());
  for (const name of names) expect(await dataset(group, name)).toEqual([Number(name.slice(1)), 2]);
  for (let k = 0; k < Math.min(count, 100); k++) expect(await group.textAttribute(`t${k}`)).toBe(`text ${k}`);
  expect(await group.attribute("t100")).toBeUndefined();
});

test("an attribute that is too large for a header", async () => {
  const names = Array.from({ length: 9000 }, (_, k) => `layer${k}`);
  const root = await open(await written((file) => file.create_attribute("names", names, [9000], "S9")));
  expect(await root.attribute("names")).toMatchObject({ kind: "strings", shape: [9000], values: names });
});

test("attributes: numbers, strings of a length and of any length, lists of them", async () => {
  const root = await open(
    await written((file) => {
      file.create_attribute("text", "größer", undefined, undefined);
      file.create_attribute("fixed", "abc", [], "S10");
      file.create_attribute("list", ["eins", "zwei", "drei"], [3], undefined);
      file.create_attribute("numbers", [1.5, 2.5], [2], "<d");
    }),
  );
  expect(await root.textAttribute("text")).toBe("größer");
  expect(await root.textAttribute("fixed")).toBe("abc");
  expect(await root.attribute("list")).toMatchObject({ values: ["eins", "zwei", "drei"] });
  expect((await root.attribute("numbers"))!.values).toEqual(new Float64Array([1.5, 2.5]));
  expect(await root.attribute("none")).toBeUndefined();
});

test("links that lead elsewhere are refused", async () => {
  const bytes = await written((file) => {
    file.create_group("a");
    file.create_external_link("/etc/passwd", "/x", "out");
  });
  await expect(open(bytes)).rejects.toMatchObject({ code: "unsupported-hdf5" });
});

test.each([
  ["earliest", null],
  ["v114", [6, 10]],
  ["v114", [null, 10]],
  ["v114", [null, null]],
] as const)("damage ends in an ordinary error: %s, at most %o", async (libver, most) => {
  const good = await written(
    (file) => {
      const group = file.create_group("group");
      const common = { data: ramp(60), shape: [6, 10], dtype: "<f", compression: 5 };
      group.create_dataset({ name: "d", ...common, chunks: [1, 4], ...(most && { maxshape: [...most] }) });
      group.create_attribute("names", ["a", "b"], [2], undefined);
    },
    libver === "earliest" ? undefined : libver,
  );
  let refused = 0;
  for (let k = 0; k < 1500; k++) {
    const bytes = good.slice(0, k % 5 === 0 ? Math.floor((k / 1500) * good.length) : good.length);
    if (bytes.length > 0) bytes[(k * 7919) % bytes.length]! ^= 1 << (k % 8);
    try {
      const root = await open(bytes);
      await dataset(root, "group/d");
      await (await root.get("group")).attribute("names");
    } catch (error) {
      refused++;
      expect(error).toMatchObject({ code: expect.any(String) });
    }
  }
  expect(refused).toBeGreaterThan(300);
});
