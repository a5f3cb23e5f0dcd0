import { expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import type { LayerSpec } from "../../src/formats/canonical.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { Model } from "../../src/formats/open.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { chainOf, fileOf, recurrentSpec } from "./networks.ts";

const machine = openReference();
const one = (reverse: boolean, stateful = false) =>
  recurrentSpec({ cell: { name: "gru" }, inputSize: 3, hiddenSize: 2, reverse, stateful });
const both = (stateful = false): LayerSpec => ({
  ...{ kind: "bidirectional", merge: "sum" },
  ...{ forward: one(false, stateful), backward: one(true, stateful) },
});
const modelOf = (spec: LayerSpec) => new Model(fileOf(chainOf([spec], { width: 3 })), { machine });

test("a layer that reads from the end is not fed in pieces: they would give something else than the whole", async () => {
  for (const spec of [one(true), both()]) {
    using model = modelOf(spec);
    await expect(model.openSession()).rejects.toMatchObject({
      code: "whole-sequence",
      message: /give whole sequences to run/,
    });
  }
  using model = modelOf(both());
  expect(model.states).toEqual([
    { input: "layer0.forward.h", output: "layer0.forward.h_out" },
    { input: "layer0.backward.h", output: "layer0.backward.h_out", backward: true },
  ]);
  const input = { shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] };
  const { "layer0.backward.h_out": after } = await model.run({ input });
  expect(after!.data).toHaveLength(2);
});

test("one that its file calls stateful carries its state, as in Keras; one that reads forward does, too", async () => {
  for (const spec of [both(true), one(true, true), one(false)]) {
    using model = modelOf(spec);
    using session = await model.openSession();
    const input = { shape: [1, 1, 3], data: [1, 2, 3] };
    const { output } = await session.next({ input });
    expect((await session.next({ input })).output!.data).not.toEqual(output!.data);
  }
});

test("a file that was trained on sequences of one length is streamed in pieces of any", async () => {
  const { inputs, ...rest } = chainOf([one(false)], { width: 3 });
  const file = fileOf({ ...rest, inputs: inputs.map((input) => ({ ...input, shape: [4, 3] })) });
  using model = new Model(file, { machine });
  const data = Float64Array.from({ length: 12 }, (_, k) => Math.sin(k));
  const { output } = await model.run({ input: { shape: [1, 4, 3], data } });
  const piece = (from: number, to: number) => ({
    input: { shape: [1, to - from, 3], data: data.slice(3 * from, 3 * to) },
  });
  await expect(model.run(piece(0, 1))).rejects.toMatchObject({ code: "shape-mismatch" });
  using session = await model.openSession();
  const pieces = [await session.next(piece(0, 1)), await session.next(piece(1, 4))];
  expect(pieces.flatMap(({ output }) => [...output!.data])).toEqual([...output!.data]);
  expect(session.inputs[0]!.shape).toEqual(["batch", "time", 3]);
  await expect(session.next({ input: { shape: [2, 2, 3], data } })).rejects.toThrow(
    /input "input": expected 1 on axis 0 \(batch\), the batchSize of openSession, got shape \[2, 2, 3\]/,
  );
});

test.each([true, false])(
  "steps that are left out at the beginning of a piece repeat what was given out before it",
  async (all) => {
    const { wide, last } = {
      wide: { ...one(false), maskedOutput: "previous" },
      last: { ...recurrentSpec({ cell: { name: "lstm" }, inputSize: 2, hiddenSize: 2 }), maskedOutput: "previous" },
    } as const;
    const specs: LayerSpec[] = [{ kind: "masking", value: 0 }, wide, { ...last, returnSequences: all }];
    using model = new Model(fileOf(chainOf(specs, { width: 3 })), { machine });
    const there = [0, 1, 1, 0, 0, 1, 0];
    const data = there.flatMap((is, t) => [0, 1, 2].map((k) => is * Math.cos(3 * t + k)));
    const piece = (from: number, to: number) => ({
      input: { shape: [1, to - from, 3], data: data.slice(3 * from, 3 * to) },
    });
    using session = await model.openSession();
    const given: number[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 3],
      [3, 4],
      [4, 6],
      [6, 7],
    ] as const) {
      given.push(...(await session.next(piece(from, to))).output!.data);
      const whole = [...(await model.run(piece(0, to))).output!.data];
      const told = all ? given : given.slice(-2);
      for (const [k, value] of whole.entries()) expect(told[k]).toBeCloseTo(value, 12);
    }
  },
);

test("a graph whose state starts a layer that reads from the end is refused, through what only moves numbers, too", async () => {
  // An operator, and a scan.
  for (const [options, refused] of [
    [{}, false],
    [{ numLayers: 2 }, false],
    [{ reverse: true }, true],
    [{ bidirectional: true }, true],
    [{ bidirectional: true, numLayers: 2 }, true],
  ] as const)
    for (const cell of [lstm(), minGru()]) {
      const layer = recurrent({ cell, inputSize: 3, hiddenSize: 2, ...options });
      using parameters = await createParameters({ machine, layout: layoutParameters(layer) });
      using program = openOnnx(writeOnnx(layer, await parameters.toTensors()), { machine });
      if (refused) await expect(program.openSession()).rejects.toMatchObject({ code: "whole-sequence" });
      else (await program.openSession()).close();
    }
});
