import { expect, test } from "vitest";
import { Config } from "../../../src/formats/keras/config.ts";
import { kerasFamily } from "../../../src/formats/keras/family.ts";
import { readTopology } from "../../../src/formats/keras/topology.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import type { ModelResult } from "../../../src/formats/plans.ts";
import {
  type KerasArray,
  type KerasCall,
  type KerasCase,
  type KerasRecurrent,
  keras2Cases,
  keras3Cases,
} from "../../support/keras.ts";
import { describeOnMachines, type Opened } from "../../support/machines.ts";
import { describeWithReferenceData } from "../../support/reference-data.ts";
import { arraysBy } from "./arrays.ts";

/*
 * What Keras' own tests expect, of models as Keras writes them: the layer of a case becomes a functional model with its configuration,
 * a mask comes from a layer of masking before it, and states that are given are inputs.
 */

/** Stands in the input where a step is masked. */
const MASKED = -12_345;

type Json = Record<string, unknown>;

const layerConfig = (layer: KerasRecurrent, version: 2 | 3): Json => ({
  class_name: layer.class,
  config: {
    ...{ name: layer.class.toLowerCase(), units: layer.units, activation: layer.activation },
    ...(layer.recurrentActivation && { recurrent_activation: layer.recurrentActivation }),
    ...(layer.class === "GRU" && { reset_after: layer.resetAfter }),
    ...{ use_bias: layer.bias !== undefined, unit_forget_bias: true, go_backwards: layer.goBackwards },
    ...{ return_sequences: layer.returnSequences, return_state: layer.returnState, stateful: layer.stateful },
    ...(version === 3 && { zero_output_for_mask: layer.zeroOutputForMask }),
  },
});

const arraysOf = ({ kernel, recurrentKernel, bias }: KerasRecurrent): KerasArray[] => [
  kernel,
  recurrentKernel,
  ...(bias ? [bias] : []),
];

/** The functional model of a case, in the words of its version. */
function modelOf({ layer, version }: KerasCase, call: KerasCall): { config: Json; arrays: KerasArray[] } {
  const states = (call.initialState ?? []).map((_, k) => `state_${k}`);
  const both = layer.class === "Bidirectional";
  const one = both ? layer.forward : layer;
  const entry: Json = both
    ? {
        class_name: "Bidirectional",
        config: {
          name: "layer",
          layer: layerConfig(layer.forward, version),
          backward_layer: layerConfig(layer.backward, version),
          merge_mode: layer.mergeMode,
        },
      }
    : layerConfig(layer, version);
  const count =
    (both && layer.mergeMode === null ? 2 : 1) +
    (one.returnState ? (one.class === "LSTM" ? 2 : 1) * (both ? 2 : 1) : 0);
  const input = (name: string, shape: readonly (number | null)[]): Json => ({
    class_name: "InputLayer",
    config: { name, [version === 3 ? "batch_shape" : "batch_input_shape"]: [null, ...shape] },
    inbound_nodes: [],
  });
  const tensor = (name: string): unknown => ({
    class_name: "__keras_tensor__",
    config: { shape: [null], dtype: "float32", keras_history: [name, 0, 0] },
  });
  const calls = ([name, ...given]: readonly string[], mask?: string): unknown[] =>
    version === 2
      ? [[name, ...given].map((one) => [one, 0, 0, {}])]
      : [
          {
            args: [tensor(name!)],
            kwargs: {
              ...(given.length > 0 && { initial_state: given.map(tensor) }),
              ...(mask !== undefined && { mask: tensor(mask) }),
            },
          },
        ];
  const operation = (className: string, name: string, args: unknown[], options: Json = {}): Json => ({
    ...{ class_name: className, config: { name, ...options }, inbound_nodes: [{ args, kwargs: {} }] },
  });
  // As Keras 3 lists what it works a mask out with.
  const operations = [
    operation("NotEqual", "not_equal", [tensor("x"), MASKED]),
    operation("Any", "any", [tensor("not_equal")], { axis: -1, keepdims: false }),
  ];
  const inner = { ...(entry.config as Json), name: "layer" };
  const layers = [
    input("x", [null, call.x.shape[2]!]),
    ...states.map((name) => input(name, [one.units])),
    ...(call.mask
      ? [
          { class_name: "Masking", config: { name: "masking", mask_value: MASKED }, inbound_nodes: calls(["x"]) },
          ...(version === 3 ? operations : []),
        ]
      : []),
    {
      ...{ ...entry, config: inner },
      inbound_nodes: calls([call.mask ? "masking" : "x", ...states], call.mask && "any"),
    },
  ];
  const config = {
    ...{ name: "case", layers: layers.map((one) => ({ ...one, name: (one.config as Json).name })) },
    input_layers: ["x", ...states].map((name) => [name, 0, 0]),
    output_layers: Array.from({ length: count }, (_, k) => ["layer", 0, k]),
  };
  const arrays = both ? [...arraysOf(layer.forward), ...arraysOf(layer.backward)] : arraysOf(layer);
  return { config: { class_name: "Functional", config }, arrays };
}

function masked({ x, mask }: KerasCall): KerasArray {
  const width = x.shape[2]!;
  return mask ? { ...x, data: x.data.map((v, k) => (mask.data[Math.floor(k / width)] === 1 ? v : MASKED)) } : x;
}

async function check(m: Opened, one: KerasCase): Promise<void> {
  const first = one.calls.find((call) => call !== "reset_state")! as KerasCall;
  const { config, arrays } = modelOf(one, first);
  const version = one.version === 3 ? "3.3.3" : "2.1.6";
  const { model } = readTopology(Config.parse(JSON.stringify(config), "case"), {
    family: kerasFamily(version),
    arrays: arraysBy(({ name }) => (name === "layer" ? arrays : [])),
  });
  using program = openNetwork(model, { machine: m.machine });
  const inner = one.layer.class === "Bidirectional" ? one.layer.forward : one.layer;
  const session = inner.stateful ? await program.openSession({ batchSize: first.x.shape[0]! }) : undefined;
  let results: Record<string, ModelResult> = {};
  for (const call of one.calls) {
    if (call === "reset_state") {
      session?.reset();
      continue;
    }
    const states = Object.fromEntries((call.initialState ?? []).map((state, k) => [`state_${k}`, state]));
    const inputs = { x: masked(call), ...states };
    results = session ? await session.next(inputs) : await program.run(inputs);
  }
  const { take, expected } = one;
  const part = results[model.outputs[take.kind === "part" ? take.index : 0]!.name]!;
  const length = expected.data.length;
  const all = Array.from(part.data);
  const came = take.kind === "row" ? all.slice(take.index * length, (take.index + 1) * length) : all;
  expect(came).toHaveLength(length);
  const rounding = m.outputs * Math.max(...expected.data.map(Math.abs));
  came.forEach((value, i) => {
    const want = expected.data[i]!;
    const near = one.atol + one.rtol * Math.abs(want) + rounding;
    expect(Math.abs(value - want), `element ${i}`).toBeLessThanOrEqual(near);
  });
}

describeWithReferenceData("models of Keras 3", "keras/keras3_cases.json", (file) => {
  describeOnMachines("read", (m) => {
    test.each(keras3Cases(file))("$name", (one) => check(m, one));
  });
});

describeWithReferenceData("models of Keras 2", "keras/keras2_cases.json", (file) => {
  describeOnMachines("read", (m) => {
    test.each(keras2Cases(file))("$name", (one) => check(m, one));
  });
});
