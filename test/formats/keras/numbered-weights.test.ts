import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { type Hdf5Tree, writeHdf5 } from "../../../src/formats/hdf5/write.ts";
import { readKeras, readKerasTensors } from "../../../src/formats/keras/read.ts";
import { openZip } from "../../../src/formats/zip.ts";
import { writeZip } from "../../../src/formats/zip-write.ts";

/*
 * Archives of Keras 2.12 to 2.15 have the layers under another name than those of Keras 3. Before 2.14 layers with weights were counted
 * twice (dense, dense_2, dense_4), and on Windows a path was the name of one group.
 */
const folder = new URL("../../golden/keras/", import.meta.url);
const source = (name: string) => bytesSource(new Uint8Array(readFileSync(new URL(name, folder))));

/** The archive with every group of arrays at another path. */
async function moved(name: string, place: (steps: readonly string[]) => readonly string[]): Promise<Uint8Array> {
  const zip = await openZip(source(name));
  const members = new Map<string, Hdf5Tree>();
  for (const [path, tensor] of await readKerasTensors(await zip.open("model.weights.h5"))) {
    const steps = path.split("/");
    let at = members as Map<string, unknown>;
    for (const step of [...place(steps.slice(0, -2)), "vars"]) {
      if (!at.has(step)) at.set(step, { members: new Map() });
      at = (at.get(step) as { members: Map<string, unknown> }).members;
    }
    at.set(steps.at(-1)!, { shape: tensor.shape, data: tensor.toFloat32() });
  }
  const files = new Map<string, Uint8Array>();
  for (const entry of ["metadata.json", "config.json"]) files.set(entry, await zip.read(entry));
  return writeZip(files.set("model.weights.h5", writeHdf5({ members })));
}

const inKeras2 = (steps: readonly string[]) =>
  steps.map((step) => (step === "layers" ? "_layer_checkpoint_dependencies" : step));
const countedTwice = (steps: readonly string[]) =>
  inKeras2(steps).map((step, k) =>
    steps[k - 1] === "layers" ? step.replace(/_(\d+)$/, (_, number) => `_${2 * Number(number)}`) : step,
  );

test.each(["stack.keras", "inner.keras", "calls.keras", "branches.keras", "decoder.keras"])(
  "%s, as Keras 2 places its weights",
  async (name) => {
    const { model } = await readKeras(source(name));
    expect(model.weights.size).toBeGreaterThan(2);
    for (const place of [inKeras2, countedTwice, (steps: readonly string[]) => [countedTwice(steps).join("\\")]]) {
      const archive = await moved(name, place);
      expect((await readKeras(archive)).model.weights).toEqual(model.weights);
      const zip = await openZip(bytesSource(archive));
      const text = new TextDecoder().decode(await zip.read("config.json"));
      const config = JSON.stringify({ ...JSON.parse(text), keras_version: "3.3.3" });
      const alone = await readKeras(await zip.read("model.weights.h5"), { config });
      expect(alone.model.weights).toEqual(model.weights);
    }
  },
);
