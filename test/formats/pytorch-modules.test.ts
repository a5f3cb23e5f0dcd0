import { expect, test } from "vitest";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { modulesOf } from "../../src/formats/pytorch/modules.ts";
import { multipliedOut } from "../../src/formats/pytorch/reparametrized.ts";
import { size } from "../../src/shared/shapes.ts";

const tensor = (...shape: number[]) => safeTensor("F32", shape, new Float32Array(size(shape)).fill(2));
const named = (...names: string[]) => new Map(names.map((name) => [name, tensor(1)]));

test.each<[string, string[], string[]]>([
  ["a module alone", ["weight_ih_l0", "bias_ih_l0"], [": weight_ih_l0, bias_ih_l0"]],
  ["a module by name", ["lstm.weight_ih_l0", "lstm.bias_ih_l0"], ["lstm: weight_ih_l0, bias_ih_l0"]],
  ["modules in others", ["net.a.b.weight", "net.a.c.weight"], ["b: weight", "c: weight"]],
  ["an optimizer beside them", ["rnn.weight", "head.weight", "optimizer.0.exp_avg"], ["rnn: weight", "head: weight"]],
  ["a state dictionary", ["net_state_dict.rnn.weight", "best", "mean.x"], ["rnn: weight"]],
  ["two of them", ["a_state_dict.x.w", "b_state_dict.x.w", "c.x.w"], ["a_state_dict.x: w", "b_state_dict.x: w"]],
])("modules of %s", (_, names, modules) => {
  expect(modulesOf(named(...names)).map(({ path, tensors }) => `${path}: ${[...tensors.keys()].join(", ")}`)).toEqual(
    modules,
  );
});

test("tensors that only have the names of two that make a weight stay as they are", async () => {
  for (const given of [
    new Map([["w_g", tensor(2)]]),
    new Map([
      ["w_v", tensor(2)],
      ["w_g", tensor(2)],
    ]),
    new Map([
      ["w_v", tensor(1)],
      ["w_g", tensor(1)],
    ]),
    new Map([
      ["w_v", tensor(2, 2)],
      ["w_g", tensor(3, 1)],
    ]),
    new Map([
      ["w_mask", tensor(2)],
      ["w_orig", tensor(2, 1)],
    ]),
    new Map([
      ["w", tensor(2)],
      ["w_mask", tensor(2)],
      ["w_orig", tensor(2)],
    ]),
  ])
    expect(await multipliedOut(given)).toEqual(given);
  const made = await multipliedOut(
    new Map([
      ["a", tensor(1)],
      ["w_mask", tensor(2)],
      ["w_orig", tensor(2)],
      ["b", tensor(1)],
    ]),
  );
  expect([...made.keys()]).toEqual(["a", "w", "b"]);
});
