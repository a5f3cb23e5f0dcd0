import { expect, test } from "vitest";
import { difference } from "./difference.ts";
import { golden, goldenJson, goldenNames } from "./golden.ts";

test.each([
  ["rnn", 80],
  ["gates", 2],
  ["layers", 17],
  ["loss", 20],
  ["train", 24],
  ["lm", 4],
])("every file of %s loads: %i", (folder, count) => {
  const names = goldenNames(folder);
  expect(names).toHaveLength(count);
  for (const name of names) {
    const { config, tensors } = golden(`${folder}/${name}`);
    expect(config).toBeTypeOf("object");
    expect(Object.keys(tensors).length).toBeGreaterThan(1);
    for (const { shape, data } of Object.values(tensors)) {
      expect(data.length).toBe(shape.reduce((product, extent) => product * extent, 1));
    }
  }
});

test("numbers and shapes come out as PyTorch wrote them", () => {
  const { config, tensors } = golden("gates/lstm.f64");
  expect(config).toMatchObject({ kind: "lstm", batch: 3, seq: 11, hidden_size: 6 });
  const gate = (name: string): Float64Array => tensors[`gate.${name}`]!.data as Float64Array;
  const hidden = gate("o").map((o, i) => o * Math.tanh(gate("c")[i]!));
  expect(difference(hidden, tensors["out.output"]!.data)).toBeLessThan(1e-12);
  const single = golden("rnn/024_gru_l2_bi.f32.safetensors").tensors;
  expect(single.weight_hh_l0).toMatchObject({ shape: [30, 10], dtype: "F32", data: expect.any(Float32Array) });
  expect(golden("train/adam.f64").tensors.target).toMatchObject({ dtype: "I64", data: expect.any(Int32Array) });
  expect(Object.keys(goldenJson("schedules.json").schedules)).toHaveLength(9);
});
