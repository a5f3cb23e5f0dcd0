import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { readKeras, readKerasTensors } from "../../../src/formats/keras/read.ts";
import { writeKeras } from "../../../src/formats/keras/write.ts";
import { writeNetworkOnnx } from "../../../src/formats/onnx/write-network.ts";
import { open } from "../../../src/formats/open.ts";
import { openZip } from "../../../src/formats/zip.ts";
import { difference } from "../../support/difference.ts";
import { describeOnMachines } from "../../support/machines.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../../support/onnxruntime.ts";

/*
 * Files that Keras 3 wrote (`test/golden/keras/make.py`), and what it gives for them: masks, which it writes out as operations between
 * the layers, stacks of cells of several kinds, and layers that are not recurrent, joined with what has fewer axes.
 */
interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const folder = new URL("../../golden/keras/", import.meta.url);
const expected: Record<string, { inputs: Record<string, Numbers>; outputs: Numbers[] }> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);

describeOnMachines("files of Keras", (m) => {
  test.each(Object.entries(expected))("%s", async (name, { inputs, outputs }) => {
    using model = await open(new Uint8Array(readFileSync(new URL(name, folder))), { machine: m.machine });
    const results = await model.run(inputs);
    const given = model.outputs.map((output) => results[output.name]!).slice(0, outputs.length);
    for (const [k, { shape, data }] of outputs.entries()) {
      expect(given[k]!.shape).toEqual(shape);
      expect(difference(given[k]!.data, data), `output ${k}`).toBeLessThan(1e-5);
    }
  });
});

/** The arrays of an archive by their paths. */
async function arraysIn(archive: Uint8Array): Promise<Record<string, { shape: readonly number[]; data: number[] }>> {
  const zip = await openZip(bytesSource(archive));
  const tensors = await readKerasTensors(await zip.open("model.weights.h5"));
  return Object.fromEntries(
    [...tensors].map(([path, tensor]) => [path, { shape: tensor.shape, data: Array.from(tensor.toFloat32()) }]),
  );
}

test.each(["wrapped.keras", "decoder.keras"])("%s: arrays lie where Keras puts them", async (name) => {
  const theirs = new Uint8Array(readFileSync(new URL(name, folder)));
  expect(await arraysIn(writeKeras((await readKeras(theirs)).model))).toEqual(await arraysIn(theirs));
});

/** The classes of a configuration, those inside others too, each with its module and the names of its options. */
function* classesIn(value: unknown): Generator<{ name: string; module: unknown; options: string[] }> {
  if (typeof value !== "object" || value === null) return;
  const { class_name: name, module, config } = value as Record<string, unknown>;
  if (typeof name === "string") yield { name, module, options: Object.keys(config as object) };
  for (const inner of Object.values(value)) yield* classesIn(inner);
}
const classesOf = async (archive: Uint8Array) => {
  const zip = await openZip(bytesSource(archive));
  return [...classesIn(JSON.parse(new TextDecoder().decode(await zip.read("config.json"))))];
};

test("Keras knows every class and every option that is written for it", async () => {
  const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
  const known = new Map<string, { module: unknown; options: Set<string> }>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".keras")))
    for (const { name, module, options } of await classesOf(bytesOf(file)))
      known.set(name, { module, options: new Set([...(known.get(name)?.options ?? []), ...options]) });
  for (const file of ["plain.keras", "wrapped.keras", "decoder.keras", "stack.keras"])
    for (const { name, module, options } of await classesOf(writeKeras((await readKeras(bytesOf(file))).model))) {
      const theirs = known.get(name)!;
      expect(module, name).toBe(theirs.module);
      expect(
        options.filter((option) => !theirs.options.has(option)),
        name,
      ).toEqual([]);
    }
});

test.skipIf(!onnxRuntime)(`layers of Keras as ONNX are the same functions${withoutOnnxRuntime}`, async () => {
  const { InferenceSession, Tensor } = onnxRuntime!;
  const { model } = await readKeras(new Uint8Array(readFileSync(new URL("plain.keras", folder))));
  const session = await InferenceSession.create(writeNetworkOnnx(model), { logSeverityLevel: 3 });
  const { inputs, outputs } = expected["plain.keras"]!;
  const given = ({ shape, data }: Numbers) => new Tensor("float32", Float32Array.from(data), shape);
  const results = await session.run({
    x: given(inputs.x!),
    "gru.h": given({ shape: [6, 2], data: Array(12).fill(0) }),
  });
  await session.release();
  for (const [k, { shape, data }] of outputs.entries()) {
    const came = results[model.outputs[k]!.name]!;
    expect(came.dims).toEqual(shape);
    expect(difference(Array.from(came.data as Float32Array), data), `output ${k}`).toBeLessThan(1e-5);
  }
});
