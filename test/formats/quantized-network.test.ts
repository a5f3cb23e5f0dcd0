import { expect, test } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { Model } from "../../src/formats/open.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { exportModel } from "../../src/formats/save.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { difference } from "../support/difference.ts";
import { chainOf, fileOf, recurrentSpec } from "./networks.ts";

/** Two recurrent layers and a head, one of them in both directions where a whole sequence is read. */
const model = (bidirectional: boolean) => {
  const first = recurrentSpec({ cell: { name: "lstm" }, inputSize: 5, hiddenSize: 12, biases: 1 });
  const second = recurrentSpec({ cell: { name: "gru" }, inputSize: bidirectional ? 24 : 12, hiddenSize: 9 });
  return chainOf(
    [
      bidirectional
        ? { kind: "bidirectional", forward: first, backward: { ...first, reverse: true }, merge: "concat" }
        : first,
      second,
      { kind: "dense", inputSize: 9, outputSize: 4, bias: true, activation: { name: "softmax" } },
    ],
    { width: 5 },
  );
};
const [B, T] = [2, 7];
const input = {
  shape: [B, T, 5],
  data: Float32Array.from(new RandomStream(3, "x").uniform(B * T * 5), (u) => 2 * u - 1),
};

test.each([false, true])(
  "a network of layers computes with 8 bits, near what it did (both directions: %s)",
  async (both) => {
    const machine = await openMachine("wasm");
    using program = new Model(fileOf(model(both)), { machine });
    const { output: before } = await program.run({ input });
    await program.quantize();
    const { output: after } = await program.run({ input });
    expect(program.parameters.quantized!.size).toBe(both ? 7 : 5);
    const lost = difference(after!.data as Float32Array, before!.data as Float32Array);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(0.02);
    // Another network with the numbers that the 8 bits stand for: activations alone are rounded.
    using numbers = new Model(fileOf(model(both)), { machine });
    numbers.parameters.loadTensors(await program.parameters.toTensors());
    const { output: right } = await numbers.run({ input });
    expect(difference(after!.data as Float32Array, right!.data as Float32Array)).toBeLessThan(5e-4);
    // What is written holds these numbers, and rounding them again gives the same bits.
    const { bytes } = await exportModel(program, { to: "keras" });
    using again = new Model(await readModel(bytes, {}), { machine });
    await again.quantize();
    const [name] = again.inputs.map((port) => port.name);
    const { [again.outputs[0]!.name]: written } = await again.run({ [name!]: input });
    expect(written!.data).toEqual(after!.data);
    await expect(program.quantize()).rejects.toThrow(/already 8-bit/);
    machine.close();
  },
);

test("a stream goes on with 8 bits; traces show the gates of the numbers", async () => {
  const machine = await openMachine("wasm");
  using program = new Model(fileOf(model(false)), { machine });
  await program.quantize();
  const { output: whole } = await program.run({ input });
  const session = await program.openSession({ batchSize: B });
  for (let t = 0; t < T; t++) {
    const step = Float32Array.from({ length: B * 5 }, (_, k) => input.data[(Math.floor(k / 5) * T + t) * 5 + (k % 5)]!);
    const { output } = await session.next({ input: { shape: [B, 1, 5], data: step } });
    for (let b = 0; b < B; b++)
      expect(
        difference(
          output!.data.slice(b * 4, b * 4 + 4) as Float32Array,
          whole!.data.slice((b * T + t) * 4, (b * T + t) * 4 + 4) as Float32Array,
        ),
      ).toBeLessThan(5e-4);
  }
  const { values, outputs } = await program.trace({ input }, { names: ["f", "h"] });
  expect(Object.keys(values)).toEqual(expect.arrayContaining(["layer0.f", "layer1.h"]));
  expect(difference(outputs.output!.data as Float32Array, whole!.data as Float32Array)).toBeLessThan(5e-4);
  machine.close();
});

test("a graph of operators says why it cannot", async () => {
  const machine = await openMachine("wasm");
  const { bytes } = await (async () => {
    using program = new Model(fileOf(model(false)), { machine });
    return exportModel(program, { to: "onnx" });
  })();
  using program = openOnnx(bytes, { machine });
  await expect(program.quantize()).rejects.toThrow(/a graph of operators.*Keras, PyTorch, TensorFlow.js/);
  machine.close();
});
