import { expect, test } from "vitest";
import { Config } from "../../../src/formats/keras/config.ts";
import { kerasFamily } from "../../../src/formats/keras/family.ts";
import { Arrays } from "../../../src/formats/keras/layer-reader.ts";
import { readLayer } from "../../../src/formats/keras/layers.ts";

/*
 * Layers one by one: what each option says, what it means where a configuration leaves it out, and which ones are refused.
 */
type Json = Record<string, unknown>;
type Shapes = readonly (readonly number[])[];
const entry = (class_name: string, config: Json) => ({ class_name, config });

function read(class_name: string, config: Json, shapes: Shapes = [], version = "2.15.0") {
  const notes: string[] = [];
  const list = shapes.map((shape) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }));
  const arrays = new Arrays(list, "layer");
  const context = { family: kerasFamily(version), arrays, note: (note: string) => notes.push(note) };
  const { spec } = readLayer(Config.parse(JSON.stringify(entry(class_name, config)), "layer"), context);
  arrays.finish();
  return { spec, notes };
}

const identity = { name: "identity" };
const tanh = { name: "tanh" };
const sigmoid = { name: "sigmoid" };
const recurrent = {
  ...{ kind: "recurrent", inputSize: 2, hiddenSize: 1, biases: 1, reverse: false, outputOrder: "computed" },
  ...{ returnSequences: false, returnState: false, stateful: false, maskedOutput: "previous", dropout: 0 },
};
const lstm = { ...recurrent, cell: { name: "lstm", options: { gate: sigmoid, candidate: tanh, output: tanh } } };
const ofLstm = [[2, 4], [1, 4], [4]];
const ofGru = [[2, 3], [1, 3], [3]];
const dense = { kind: "dense", inputSize: 3, outputSize: 2, bias: true, activation: identity };
const convolution = {
  ...{ kind: "convolution", inputSize: 4, outputSize: 2, kernelSize: 3, padding: "valid", bias: true },
  ...{ stride: 1, dilation: 1, activation: identity },
};
const pooling = (of: string, size: number, stride: number) => ({
  ...{ kind: "pooling", of, window: { size, stride, padding: "valid" } },
});

test.each<[string, Json, Shapes, unknown]>([
  ["Dense", { units: 2 }, [[3, 2], [2]], dense],
  [
    "Dense",
    { units: 2, use_bias: false, activation: "relu" },
    [[3, 2]],
    { ...dense, bias: false, activation: { name: "relu" } },
  ],
  [
    "Embedding",
    { input_dim: 5, output_dim: 2 },
    [[5, 2]],
    { kind: "embedding", vocabularySize: 5, embeddingSize: 2, maskZero: false },
  ],
  ["LayerNormalization", {}, [[3], [3]], { kind: "layer-norm", size: 3, axis: -1, epsilon: 1e-3 }],
  [
    "LayerNormalization",
    { axis: [2], epsilon: 0.5 },
    [[3], [3]],
    { kind: "layer-norm", size: 3, axis: 2, epsilon: 0.5 },
  ],
  ["BatchNormalization", {}, [[3], [3], [3], [3]], { kind: "batch-norm", size: 3, axis: -1, epsilon: 1e-3 }],
  [
    "BatchNormalization",
    { scale: false, center: false },
    [[3], [3]],
    { kind: "batch-norm", size: 3, axis: -1, epsilon: 1e-3 },
  ],
  ["Conv1D", { filters: 2, kernel_size: [3] }, [[3, 4, 2], [2]], convolution],
  [
    "Conv1D",
    { filters: 2, kernel_size: 3, strides: [2], dilation_rate: [4], padding: "causal", use_bias: false },
    [[3, 4, 2]],
    { ...convolution, stride: 2, dilation: 4, padding: "causal", bias: false },
  ],
  ["MaxPooling1D", {}, [], pooling("max", 2, 2)],
  ["AveragePooling1D", { pool_size: [3], strides: null }, [], pooling("mean", 3, 3)],
  ["GlobalMaxPooling1D", {}, [], { kind: "pooling", of: "max", window: "global" }],
  ["GlobalAveragePooling1D", {}, [], { kind: "pooling", of: "mean", window: "global" }],
  ["Concatenate", {}, [], { kind: "concatenate", axis: -1 }],
  ["Masking", {}, [], { kind: "masking", value: 0 }],
  ["Flatten", {}, [], { kind: "flatten" }],
  ["Identity", {}, [], { kind: "identity" }],
  ["LSTM", { units: 1 }, ofLstm, lstm],
  [
    "LSTM",
    {
      ...{ units: 1, recurrent_dropout: 0.25, dropout: 0.5, return_state: true, stateful: true, go_backwards: true },
      ...{ return_sequences: true, use_bias: false, zero_output_for_mask: true, activation: "relu" },
    },
    ofLstm.slice(0, 2),
    {
      ...{ ...lstm, biases: 0, reverse: true, returnSequences: true, returnState: true, stateful: true },
      ...{ maskedOutput: "zero", dropout: 0.5 },
      cell: {
        name: "lstm",
        options: { gate: sigmoid, candidate: { name: "relu" }, output: { name: "relu" }, recurrentDropout: 0.25 },
      },
    },
  ],
  [
    "GRU",
    { units: 1 },
    ofGru,
    { ...recurrent, cell: { name: "gru", options: { gate: sigmoid, candidate: tanh, resetAfter: false } } },
  ],
  [
    "SimpleRNN",
    { units: 1, recurrent_dropout: 0.25 },
    [[2, 1], [1, 1], [1]],
    { ...recurrent, cell: { name: "rnn", options: { activation: tanh, recurrentDropout: 0.25 } } },
  ],
  [
    "Bidirectional",
    { layer: entry("LSTM", { units: 1 }) },
    [...ofLstm, ...ofLstm],
    { kind: "bidirectional", forward: lstm, backward: { ...lstm, reverse: true }, merge: "concat" },
  ],
  [
    "Bidirectional",
    { layer: entry("RNN", { cell: entry("LSTMCell", { units: 1 }), return_sequences: true }), merge_mode: null },
    [...ofLstm, ...ofLstm],
    {
      ...{ kind: "bidirectional", merge: "separate" },
      // Keras overrules what the layers say of masked steps.
      forward: { ...lstm, returnSequences: true, maskedOutput: "zero" },
      backward: { ...lstm, returnSequences: true, maskedOutput: "zero", reverse: true },
    },
  ],
])("%s %j", (class_name, config, shapes, spec) => {
  expect(read(class_name, config, shapes).spec).toEqual(spec);
});

test.each<[string, Json, Shapes, string, string[]]>([
  ["LSTM", { units: 1, recurrent_activation: "sigmoid" }, ofLstm, "2.15.0", []],
  [
    "LSTM",
    { units: 1 },
    ofLstm,
    "3.3.3",
    ["layer, config: no recurrent activation is named; Keras 3.3.3 means sigmoid"],
  ],
  [
    "GRU",
    { units: 1, recurrent_activation: "sigmoid", reset_after: true },
    ofGru,
    "2.15.0",
    ["layer, config: reset_after is false, as the shape of the bias says, not the configuration"],
  ],
  ["GRU", { units: 1, recurrent_activation: "sigmoid", reset_after: false }, ofGru, "2.15.0", []],
  ["BatchNormalization", {}, [[3], [3], [3], [3]], "2.15.0", []],
  [
    "BatchNormalization",
    { scale: false },
    [[3], [3], [3]],
    "2.15.0",
    ["layer, config: a gain of 1 stands for the one that the layer does not have"],
  ],
  [
    "LayerNormalization",
    { center: false },
    [[3]],
    "2.15.0",
    ["layer, config: an offset of 0 stands for the one that the layer does not have"],
  ],
])("of %s %j is said what the file leaves to convention", (class_name, config, shapes, version, notes) => {
  expect(read(class_name, config, shapes, version).notes).toEqual(notes);
});

const twoCells = entry("StackedRNNCells", { cells: ["LSTMCell", "LSTMCell"].map((name) => entry(name, { units: 1 })) });

test.each<[string, Json, Shapes, RegExp]>([
  ["Dense", { units: 2, quantization_mode: "int8" }, [[3, 2], [2]], /quantization_mode "int8"/],
  ["Embedding", { input_dim: 5, output_dim: 2, lora_rank: 4 }, [[5, 2]], /lora_rank 4/],
  ["LayerNormalization", { rms_scaling: true }, [[3], [3]], /rms_scaling/],
  ["LayerNormalization", { scale: false, center: false }, [], /without weights/],
  [
    "LayerNormalization",
    { axis: [1, 2] },
    [
      [2, 3],
      [2, 3],
    ],
    /over the axes \[1,2\]/,
  ],
  ["Conv1D", { filters: 2, kernel_size: 1, data_format: "channels_first" }, [[1, 1, 2], [2]], /channels before steps/],
  ["Conv1D", { filters: 2, kernel_size: 1, groups: 2 }, [[1, 1, 2], [2]], /in groups/],
  ["MaxPooling1D", { data_format: "channels_first" }, [], /channels before steps/],
  ["Flatten", { data_format: "channels_first" }, [], /channels before steps/],
  ["GlobalMaxPooling1D", { keepdims: true }, [], /keepdims/],
  ["Dropout", { rate: 0.5, noise_shape: [null, 1] }, [], /noise_shape/],
  ["TimeDistributed", { layer: entry("Masking", {}) }, [], /masking for each step alone/],
  ["LSTM", { units: 1, time_major: true }, ofLstm, /time_major/],
  ["LSTM", { units: 1, recurrent_activation: "softmax" }, ofLstm, /softmax inside a cell/],
  ["LSTM", { units: 1, activation: "log_softmax" }, ofLstm, /logSoftmax inside a cell/],
  [
    "LSTM",
    { units: 1 },
    [
      [2, 4],
      [1, 4],
      [2, 4],
    ],
    /bias has shape \[2, 4\], expected \[4\]/,
  ],
  ["SimpleRNN", { units: 1 }, [[2, 1], [1, 1], [2]], /bias has shape \[2\], expected \[1\]/],
  ["Bidirectional", { layer: entry("LSTM", { units: 1 }), merge_mode: "max" }, [...ofLstm, ...ofLstm], /merge_mode/],
  [
    "Bidirectional",
    { layer: entry("LSTM", { units: 1 }), backward_layer: entry("LSTM", { units: 1 }) },
    [...ofLstm, ...ofLstm],
    /same direction/,
  ],
  [
    "Bidirectional",
    { layer: entry("RNN", { cell: twoCells }) },
    [...ofLstm, [1, 4], [1, 4], [4]],
    /"RNN" in two directions/,
  ],
  ["Bidirectional", { layer: entry("Dense", { units: 1 }) }, [[2, 1], [1]], /"Dense" in two directions/],
])("%s %j is refused", (class_name, config, shapes, message) => {
  expect(() => read(class_name, config, shapes)).toThrow(message);
});
