import { describe, expect, test } from "vitest";
import { type MachineName, openMachine } from "../../src/compute/open.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { TokenSequence } from "../../src/text/token-sequence.ts";
import { trainText } from "../../src/train/train-text.ts";
import { difference } from "../support/difference.ts";
import { type Golden, golden, goldenNames } from "../support/golden.ts";

// 48 steps of stateful truncated backpropagation by PyTorch: the same tokens, weights and optimizer must give the same
// losses and the same weights at the end.

const names = goldenNames("lm");

/** Rows that do not follow on each other, as the streams of one text: windows never reach from one row into the next. */
function textOf({ tensors }: Golden): TokenSequence {
  const { data: x, shape } = tensors.tokens_x!;
  const y = tensors.tokens_y!.data;
  const [rows, columns] = shape as [number, number];
  return {
    length: rows * columns + 1,
    copyTo(target, at, start, count) {
      // T inputs and the target of the last one.
      const last = start + count - 2;
      expect(Math.floor(start / columns)).toBe(Math.floor(last / columns));
      target.set([...x.slice(start, last + 1), y[last]!], at);
    },
  };
}

async function trainLike(file: Golden, machineName: MachineName) {
  const { config, tensors } = file;
  const machine = await openMachine(machineName);
  const model = languageModel({
    vocabularySize: config.vocab,
    embeddingSize: config.embedding,
    cell: config.kind.toLowerCase(),
    hiddenSize: config.hidden_size,
    numLayers: config.num_layers,
  });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), initialize: false });
  const inFile = (name: string): string => name.replace("embedding.", "emb.");
  parameters.loadTensors(new Map(parameters.names.map((name) => [name, tensors[`init.${inFile(name)}`]!])));
  const { trainer } = await trainText({
    ...{
      model,
      machine,
      parameters,
      train: textOf(file),
      batchSize: config.batch,
      sequenceLength: config.bptt,
      epochs: 1,
      logEvery: 1,
    },
    ...{ learningRate: 0.01, clipNorm: config.clip_grad_norm },
  });
  const losses: number[] = [];
  for await (const event of trainer) if (event.type === "progress") losses.push(event.loss);
  const worst = { weights: 0 };
  for (const [name, { data }] of await parameters.toTensors())
    if (`final.${inFile(name)}` in tensors)
      worst.weights = Math.max(worst.weights, difference(data, tensors[`final.${inFile(name)}`]!.data));
  trainer.close();
  machine.close();
  return { losses: difference(losses, tensors["out.loss"]!.data), ...worst, steps: losses.length };
}

describe("training a language model as PyTorch does", () => {
  test("the files are there", () => expect(names).toEqual(["gru.f32", "gru.f64", "lstm.f32", "lstm.f64"]));

  test.each(names.filter((name) => name.endsWith("f64")))("reference: %s", async (name) => {
    const result = await trainLike(golden(`lm/${name}`), "reference");
    expect(result.steps).toBe(48);
    expect(result.losses).toBeLessThan(1e-10);
    expect(result.weights).toBeLessThan(1e-10);
  });

  // The files in f32 have losses only; those in f64 also the weights at the end.
  test.each(names)("wasm: %s", async (name) => {
    const result = await trainLike(golden(`lm/${name}`), "wasm");
    expect(result.steps).toBe(48);
    expect(result.losses).toBeLessThan(1e-5);
    if (name.endsWith("f64")) expect(result.weights).toBeLessThan(1e-4);
  });
});
