import { describe, expect, test } from "vitest";
import { readCalls } from "../../../src/formats/keras/calls.ts";
import { Config } from "../../../src/formats/keras/config.ts";
import { Arrays } from "../../../src/formats/keras/layer-reader.ts";
import { Masks } from "../../../src/formats/keras/masks.ts";

const tensor = (name: string) => ({ class_name: "__keras_tensor__", config: { keras_history: [name, 0, 0] } });
const ref = (layer: string, output = 0) => ({ layer, call: 0, output });
const configOf = (value: object) => Config.parse(JSON.stringify(value), "here");
const calls = (nodes: unknown) => readCalls(configOf({ inbound_nodes: nodes }));

describe("what a layer is called with", () => {
  test.each<[string, unknown, unknown]>([
    ["nothing", null, []],
    ["one input", [["a", 0, 0]], [{ inputs: [ref("a")] }]],
    [
      "inputs",
      [
        [
          ["a", 0, 1, {}],
          ["b", 0, 0],
        ],
      ],
      [{ inputs: [ref("a", 1), ref("b")] }],
    ],
    [
      "initial states by name",
      [
        [
          [
            "a",
            0,
            0,
            {
              initial_state: [
                ["h", 0, 0],
                ["c", 0, 0],
              ],
              training: false,
              mask: null,
            },
          ],
        ],
      ],
      [{ inputs: [ref("a"), ref("h"), ref("c")] }],
    ],
    ["one initial state by name", [[["a", 0, 0, { initial_state: ["h", 0, 0] }]]], [{ inputs: [ref("a"), ref("h")] }]],
    ["tensors of Keras 3", [{ args: [[tensor("a"), tensor("b")]] }], [{ inputs: [ref("a"), ref("b")], mask: null }]],
    [
      "states and a mask of Keras 3",
      [{ args: [tensor("a")], kwargs: { initial_state: [tensor("h")], mask: [null, tensor("m")] } }],
      [{ inputs: [ref("a"), ref("h")], mask: ref("m") }],
    ],
  ])("%s", (_, nodes, expected) => {
    expect(calls(nodes)).toEqual(expected);
  });

  test.each<[string, unknown, string]>([
    ["no list", "a", "inbound_nodes: expected a list"],
    ["no reference", [[[0, 0, 0]]], "expected [layer, call, output], got [0,0,0]"],
    ["no call", [[["a", -1, 0]]], 'expected [layer, call, output], got ["a",-1,0]'],
    ["no output", [[["a", 0, 0.5]]], 'expected [layer, call, output], got ["a",0,0.5]'],
    ["a number", [[1]], "expected [layer, call, output], got 1"],
    ["training", [[["a", 0, 0, { training: true }]]], "the layer is called with training"],
    ["something of no effect", [[["a", 0, 0, { other: false }]]], "the layer is called with other"],
    ["two masks", [{ args: [tensor("a")], kwargs: { mask: [tensor("m"), tensor("n")] } }], "called with 2 masks"],
    ["a number, as for x * 2,", [{ args: [tensor("a"), 2] }], "a call with 2 in place of a tensor"],
    ["something else than a tensor", [{ args: [{ class_name: "X" }] }], 'a call with "X" in place of a tensor'],
  ])("%s: refused", (_, nodes, message) => {
    expect(() => calls(nodes)).toThrow(message);
  });
});

describe("masks of Keras 3", () => {
  const operation = (class_name: string, name: string, args: unknown[], more: unknown[] = []) =>
    configOf({ class_name, config: { name }, inbound_nodes: [{ args, kwargs: {} }, ...more] });
  const masking = (value: number) => ({ spec: { kind: "masking", value } as const, weights: {} });
  const embedding = (maskZero: boolean) => ({
    spec: { kind: "embedding", vocabularySize: 2, embeddingSize: 2, maskZero } as const,
    weights: {},
  });

  test("are the value of the layer that makes them", () => {
    const masks = new Masks();
    for (const entry of [
      operation("NotEqual", "a", [tensor("x"), 0.5]),
      operation("Any", "any", [tensor("a")]),
      operation("NotEqual", "b", [tensor("y"), 0]),
      operation("NotEqual", "c", [tensor("z"), 0]),
      operation("OnesLike", "ones", [tensor("z"), 1, null]),
      operation("Concatenate", "same", [[tensor("any"), tensor("a")]]),
      operation("LogicalAnd", "both", [tensor("a"), tensor("b")]),
      operation("LogicalAnd", "none", [tensor("ones"), tensor("c")]),
      operation("Any", "itself", [tensor("itself")]),
    ])
      expect(masks.take(entry)).toBe(true);
    masks.add("masking", masking(0.5), [{ inputs: [ref("x")] }]);
    masks.add("tokens", embedding(true), [{ inputs: [ref("y")] }]);
    masks.add("plain", embedding(false), [{ inputs: [ref("z")] }]);
    expect(["any", "same", "b"].map((name) => masks.of(ref(name), "w"))).toEqual(["masking", "masking", "tokens"]);
    expect(masks.of(ref("ones"), "w")).toBeNull();
    expect(masks.of(ref("none"), "w")).toBeNull();
    for (const name of ["c", "itself", "nowhere"])
      expect(() => masks.of(ref(name), "w")).toThrow(/^w: its mask .* is not that of one layer Masking or Embedding$/);
    expect(() => masks.of(ref("both"), "w")).toThrow(/joined of several/);
  });

  test("are no layers, which may have the same names", () => {
    const masks = new Masks();
    expect(masks.take(operation("Concatenate", "layer", [[tensor("x"), tensor("y")]]))).toBe(false);
    expect(masks.take(operation("Dense", "dense", [tensor("x")]))).toBe(false);
    expect(masks.take(configOf({ class_name: "Any", config: {}, inbound_nodes: [[["x", 0, 0]]] }))).toBe(false);
    expect(() => masks.take(operation("Any", "any", [tensor("x")], [{ args: [] }]))).toThrow(/"any" \(Any\): 2 calls/);
  });
});

test("arrays of a layer are taken in their order, each with its shape", () => {
  const arrays = new Arrays(
    [
      { shape: [2, 3], data: new Float32Array(6) },
      { shape: [3], data: new Float32Array(3) },
    ],
    "l",
  );
  expect(() => new Arrays([], "l").take("kernel", [1])).toThrow("l: the file has no array for kernel; it has 0");
  expect(arrays.take("kernel", ["any", 3]).shape).toEqual([2, 3]);
  expect(() => arrays.finish()).toThrow("l: the file has 2 arrays for this layer, 1 more than it needs");
  expect([arrays.left, arrays.peek(), arrays.peek(1)]).toEqual([1, [3], undefined]);
  expect(() => arrays.take("bias", [3, "any"])).toThrow("l: bias has shape [3], expected [3, any]");
  expect(() => new Arrays([{ shape: [2, 3], data: new Float32Array(6) }], "l").take("bias", [2])).toThrow(
    "l: bias has shape",
  );
  arrays.finish();
});
