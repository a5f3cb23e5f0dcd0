import { expect, test } from "vitest";
import { safeTensor, type WritableTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { loadStateDict } from "../../src/formats/state-dict.ts";
import { linear } from "../../src/layers/linear.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

const machine = openReference();
const layout = layoutParameters(linear({ inputSize: 3, outputSize: 2 }));

test("numbers with their shape are written as they are, in the type of their array", async () => {
  const shared = { shape: [2], data: Float32Array.of(0.1, -2) };
  const given = new Map<string, WritableTensor>([
    ["float32", shared],
    ["the same", shared],
    ["float64", { shape: [1, 2], data: Float64Array.of(0.1, Math.PI) }],
    ["int32", { shape: [], data: Int32Array.of(-7) }],
    ["list", { shape: [2], data: [0.1, 3] }],
    ["stored", safeTensor("F16", [1], [0.5])],
  ]);
  const types: Record<string, string> = {
    float32: "F32",
    "the same": "F32",
    float64: "F64",
    int32: "I32",
    list: "F64",
    stored: "F16",
  };
  const [safetensors, npz] = [readSafetensors(writeSafetensors(given)).tensors, await readNpz(writeNpz(given))];
  for (const file of [safetensors, npz])
    for (const [name, tensor] of given) {
      const read = file.get(name)!;
      expect([name, read.dtype, read.shape]).toEqual([name, types[name], tensor.shape]);
      expect(read.toFloat64()).toEqual("data" in tensor ? Float64Array.from(tensor.data) : Float64Array.of(0.5));
    }
  const wrong = new Map<string, WritableTensor>([["x", { shape: [3], data: [1] }]]);
  for (const write of [writeSafetensors, writeNpz, writePyTorch])
    expect(() => write(wrong)).toThrow(/1 values do not fill the shape \[3\]/);
});

test("parameters go to a state dict and come back as they are, each with its name", async () => {
  const parameters = await createParameters({ machine, layout, seed: 3 });
  const bytes = writePyTorch(await parameters.toTensors());
  await using file = await readPyTorch(bytes);
  const again = await createParameters({ machine, layout, initialize: false });
  await loadStateDict(again, file.tensors);
  expect(await again.toTensors()).toEqual(await parameters.toTensors());
});
