import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { tensorSpec } from "../../src/formats/onnx/messages.ts";
import { readOnnx } from "../../src/formats/onnx/model.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { decodeTensor } from "../../src/formats/onnx/tensor-data.ts";
import { readMessage } from "../../src/formats/protobuf.ts";
import { difference } from "./difference.ts";

export const bytesOf = (file: string): Uint8Array => Uint8Array.from(readFileSync(file));
export const foldersIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

/** Runs FOLDER/model.onnx on every FOLDER/test_data_set_* (the layout of ONNX' node tests) and compares all outputs. */
export async function checkDataSets(folder: string, machine: SynchronousMachine, tolerance: number): Promise<void> {
  const model = readOnnx(bytesOf(`${folder}/model.onnx`));
  using program = openOnnx(model, { machine });
  const sets = foldersIn(folder).filter((name) => name.startsWith("test_data_set_"));
  expect(sets.length).toBeGreaterThan(0);
  for (const set of sets) {
    const read = (kind: string, k: number) =>
      decodeTensor(readMessage(bytesOf(`${folder}/${set}/${kind}_${k}.pb`), tensorSpec));
    const inputs = Object.fromEntries(program.inputs.map(({ name }, k) => [name, read("input", k)]));
    const outputs = await program.run(inputs);
    expect(program.outputs.length).toBeGreaterThan(0);
    program.outputs.forEach(({ name }, k) => {
      const expected = read("output", k);
      expect(outputs[name]!.shape, name).toEqual(expected.shape);
      expect(difference(outputs[name]!.data, expected.data), `${set} ${name}`).toBeLessThanOrEqual(tolerance);
    });
  }
}
