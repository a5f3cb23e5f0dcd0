import { describe, expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { defineCell } from "../../src/cells/define.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { cellNames } from "../../src/cells/registry.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { tanh } from "../../src/math/expression.ts";
import { type LanguageModelOptions, languageModel, languageModelFromConfig } from "../../src/models/language-model.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters, namedParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { tinyModel } from "../support/tiny-run.ts";

const elman = () => defineCell({ name: "own", gates: { a: tanh }, state: ["h"], step: ({ a }) => ({ h: a }) });
const shapes = (options: Partial<LanguageModelOptions>) =>
  Object.fromEntries([...namedParameters(tinyModel(options))].map(([name, { shape }]) => [name, shape]));

describe("languageModel", () => {
  test("has PyTorch's names and shapes", () => {
    expect(shapes({ numLayers: 2 })).toEqual({
      "embedding.weight": [5, 4],
      "rnn.weight_ih_l0": [24, 4],
      "rnn.weight_hh_l0": [24, 6],
      "rnn.bias_ih_l0": [24],
      "rnn.bias_hh_l0": [24],
      "rnn.weight_ih_l1": [24, 6],
      "rnn.weight_hh_l1": [24, 6],
      "rnn.bias_ih_l1": [24],
      "rnn.bias_hh_l1": [24],
      "head.weight": [5, 6],
      "head.bias": [5],
    });
  });

  test("a tied head shares the embedding's vectors, which are then as wide as its input", () => {
    const tied = languageModel({ vocabularySize: 5, hiddenSize: 6, tied: true });
    const names = [...namedParameters(tied).keys()];
    expect(names).toContain("head.bias");
    expect(names).not.toContain("head.weight");
    expect(tied.config.embeddingSize).toBe(6);
    expect(() => tinyModel({ tied: true })).toThrow(/embeddingSize must be 6 .* got 4/);
  });

  test.each(cellNames)("runs with the cell %s, in one and two layers", async (cell) => {
    const machine = openReference();
    const model = tinyModel({ cell, numLayers: 2 });
    const parameters = await createParameters({ machine, layout: layoutParameters(model) });
    const graph = new Graph({ machine, parameters: parameters.layout });
    const tokens = graph.input("tokens", [3, 2], { type: "int", below: 5 });
    const { logits, final } = model.forward(tokens);
    graph.output("logits", logits);
    expect(logits.shape).toEqual([3, 2, 5]);
    expect(Object.fromEntries(Object.entries(final).map(([name, t]) => [name, t.shape]))).toEqual(model.stateShapes(2));
    const executable = await compile(graph, { machine, arenas: parameters.arenas });
    executable.write("tokens", [0, 1, 2, 3, 4, 0]);
    executable.run();
    const numbers = await executable.read("logits");
    expect(new Set(numbers).size).toBe(30);
    expect(numbers.every(Number.isFinite)).toBe(true);
    machine.close();
  });

  test("a config makes the same model again, through JSON", () => {
    const options: Partial<LanguageModelOptions>[] = [
      {},
      { cell: { name: "lstm", options: { peephole: true, projection: true } }, projectionSize: 3, numLayers: 2 },
      { cell: { name: "gru", options: { resetAfter: false } }, dropout: 0.2, initialize: "keras" },
      { cell: { name: "rnn", options: { activation: { name: "leakyRelu", alpha: 0.1 } } } },
      { cell: lstm(), embeddingSize: 6, tied: true },
    ];
    for (const option of options) {
      const model = tinyModel(option);
      const again = languageModelFromConfig(JSON.parse(JSON.stringify(model.config)));
      expect(again.config).toEqual(model.config);
      expect(again.cell.next).toEqual(model.cell.next);
      expect([...namedParameters(again).keys()]).toEqual([...namedParameters(model).keys()]);
    }
  });

  test("a cell of one's own is its equations in a config, and must be given again", () => {
    const cell = elman();
    const { config } = tinyModel({ cell });
    expect(config.cell).toEqual({ name: "own", options: { text: cellText(cell) }, custom: true });
    expect(() => languageModelFromConfig(config)).toThrow(/cell of your own, "own": give it again/);
    expect(languageModelFromConfig(config, { cells: { own: cell } }).cell).toBe(cell);
    // A built-in cell with options, given as a value, is not taken for the one without.
    const coupled = lstm({ coupled: true });
    const text = cellText(coupled);
    expect(tinyModel({ cell: coupled }).config.cell).toEqual({ name: "lstm", options: { text }, custom: true });
  });

  test.each<[string, Partial<LanguageModelOptions>, RegExp]>([
    ["no vocabulary", { vocabularySize: 0 }, /vocabularySize.*at least 1.*0/],
    ["hidden size 0", { hiddenSize: 0 }, /hiddenSize.*at least 1.*got 0/],
    ["hidden size as a string", { hiddenSize: "128" as never }, /hiddenSize.*the string "128"/],
    ["no layers", { numLayers: 0 }, /numLayers/],
    ["half a layer", { numLayers: 1.5 }, /numLayers.*1.5/],
    ["an embedding of none", { embeddingSize: 0 }, /embeddingSize/],
    ["an unknown cell", { cell: "lstn" }, /did you mean "lstm"/],
    ["a cell that is none", { cell: 5 as never }, /cell.*got 5/],
    ["dropout of everything", { dropout: 1 }, /dropout.*from 0 to below 1/],
    ["tied as a word", { tied: "yes" as never }, /tied.*true or false/],
    ["an unknown initialisation", { initialize: "tensorflow" as never }, /initialize/],
  ])("%s is refused", (_, options, message) => {
    expect(() => tinyModel(options)).toThrow(message);
    expect(() => tinyModel(options)).toThrow(expect.objectContaining({ code: expect.any(String), name: "UsageError" }));
  });

  test.each<[string, unknown]>([
    ["nothing", null],
    ["another kind", { kind: "classifier" }],
    ["no cell", { kind: "language-model", vocabularySize: 5 }],
    ["an unknown field", { ...tinyModel().config, layers: 3 }],
    ["a wrong size", { ...tinyModel().config, hiddenSize: -1 }],
    ["a cell with an unknown option", { ...tinyModel().config, cell: { name: "gru", options: { peephole: true } } }],
    ["options that are a list", { ...tinyModel().config, cell: { name: "gru", options: [1] } }],
  ])("a config with %s is refused", (_, config) => {
    expect(() => languageModelFromConfig(config)).toThrow(expect.objectContaining({ name: "UsageError" }));
  });
});
