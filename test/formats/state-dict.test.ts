import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { loadStateDict, matchStateDict } from "../../src/formats/state-dict.ts";
import { Recurrent } from "../../src/layers/recurrent.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

const folder = fileURLToPath(new URL("../golden/torch-pt/", import.meta.url));
const expected = readSafetensors(Uint8Array.from(readFileSync(`${folder}lstm.expect.safetensors`))).tensors;

/** The layer that the file was saved of; its sizes are read off its weights. */
async function bidirectional() {
  const [rows, inputSize] = expected.get("weight_ih_l0")!.shape as [number, number];
  const layer = new Recurrent({ cell: lstm(), inputSize, hiddenSize: rows / 4, numLayers: 2, bidirectional: true });
  const parameters = await createParameters({
    machine: openReference(),
    layout: layoutParameters(layer),
    initialize: false,
  });
  return { layer, parameters };
}

describe("a state dict of PyTorch", () => {
  test("of an nn.LSTM is loaded as it is: names, order of gates and layout are the same", async () => {
    const { parameters } = await bidirectional();
    const file = await readPyTorch(`${folder}lstm.pt`);
    const match = await loadStateDict(parameters, file.tensors);
    await file.close();
    expect(match).toMatchObject({ prefix: "", missing: [], unexpected: [] });
    expect([...parameters.names].sort()).toEqual([...expected.keys()].sort());
    for (const [name, tensor] of expected) expect(await parameters.read(name), name).toEqual(tensor.toFloat64());
  });

  test.each(["module.", "model_state_dict.encoder."])("is found behind %s", async (prefix) => {
    const { parameters } = await bidirectional();
    const tensors = new Map([...expected].map(([name, tensor]) => [prefix + name, tensor]));
    tensors.set("head.weight", safeTensor("F32", [1], [1]));
    const file = await readPyTorch(writePyTorch(tensors));
    expect((await loadStateDict(parameters, file.tensors)).prefix).toBe(prefix);
    expect(await parameters.read("bias_hh_l1_reverse")).toEqual(expected.get("bias_hh_l1_reverse")!.toFloat64());
  });

  test("reports what is missing and what is too much", async () => {
    const { parameters } = await bidirectional();
    const tensors = new Map(expected);
    tensors.delete("weight_hh_l1");
    tensors.set("weight_hr_l0", safeTensor("F32", [1], [1]));
    await expect(loadStateDict(parameters, tensors)).rejects.toMatchObject({
      code: "missing-parameter",
      message: expect.stringContaining("weight_hh_l1"),
    });
    const match = await loadStateDict(parameters, tensors, { strict: false });
    expect(match).toMatchObject({ missing: ["weight_hh_l1"], unexpected: ["weight_hr_l0"] });
    tensors.set("weight_hh_l1", expected.get("weight_hh_l1")!);
    await expect(loadStateDict(parameters, tensors)).rejects.toMatchObject({ code: "unexpected-parameter" });
    tensors.delete("weight_hr_l0");
    tensors.set("bias_ih_l0", safeTensor("F32", [1], [1]));
    await expect(loadStateDict(parameters, tensors)).rejects.toMatchObject({ code: "shape-mismatch" });
  });

  test("whole numbers that would be rounded are refused", async () => {
    const { parameters } = await bidirectional();
    const tensors = new Map(expected);
    const { shape } = expected.get("bias_ih_l0")!;
    const bytes = new Uint8Array(new BigInt64Array(shape[0]!).fill(2n ** 60n + 1n).buffer);
    for (const dtype of ["I64", "U64"] as const) {
      tensors.set("bias_ih_l0", new SafeTensor(dtype, shape, bytes));
      await expect(loadStateDict(parameters, tensors)).rejects.toMatchObject({ code: "lossy" });
    }
    const fractions = new Float64Array(shape[0]!).fill(0.1);
    tensors.set("bias_ih_l0", safeTensor("F64", shape, fractions));
    await loadStateDict(parameters, tensors);
    expect(await parameters.read("bias_ih_l0")).toEqual(fractions);
  });

  test("names are matched by what stands before them", () => {
    expect(matchStateDict(["rnn.a", "rnn.b"], ["a", "b"], { into: "rnn." })).toMatchObject({ prefix: "", missing: [] });
    expect(matchStateDict(["rnn.a", "0000a"], ["a"], { into: "rnn." }).missing).toEqual(["0000a"]);
    expect(matchStateDict(["a", "b"], ["x.a", "x.b", "y.a"]).prefix).toBe("x.");
    expect(matchStateDict(["a"], ["x.a", "x.c", "y.d"])).toMatchObject({ prefix: "x.", unexpected: ["x.c"] });
    expect(() => matchStateDict(["a"], ["model.a", "ema.a"])).toThrow(/"model\." and "ema\."/);
    expect(matchStateDict(["a"], ["model.a", "ema.a"], { prefix: "ema." }).names).toEqual(new Map([["a", "ema.a"]]));
    expect(matchStateDict(["a"], ["z"])).toMatchObject({ prefix: "", missing: ["a"], unexpected: ["z"] });
  });
});

test("the file in the place of its tensors, and an object in that of a Map, are told what to give", async () => {
  const { parameters } = await bidirectional();
  const file = await readPyTorch(`${folder}lstm.pt`);
  await expect(loadStateDict(parameters, file as never)).rejects.toThrow(
    "loadStateDict: tensors: expected a Map from names to tensors, such as `tensors` of what a reader gives, got an object",
  );
  await file.close();
  expect(() => writePyTorch({ a: { shape: [1], data: [1] } } as never)).toThrow("new Map(Object.entries(…))");
  expect(() => writePyTorch(new Map([["a", [1, 2]]]) as never)).toThrow(
    'tensor "a": expected { shape, data }, got an array of 2',
  );
});
