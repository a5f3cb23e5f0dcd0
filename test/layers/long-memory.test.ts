import { expect, it } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { type Recurrent, recurrent } from "../../src/layers/recurrent.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

async function beginning(layer: Recurrent) {
  const machine = openReference();
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 4 });
  const read = new Map<string, readonly number[]>();
  for (const name of parameters.layout.names.keys()) read.set(name, [...(await parameters.read(name))]);
  machine.close();
  return read;
}

it("units of every layer and direction begin with memories of all lengths, and nothing else changes", async () => {
  const H = 40;
  const options = {
    cell: lstm(),
    inputSize: 3,
    hiddenSize: H,
    numLayers: 2,
    bidirectional: true,
    initialize: "keras",
  } as const;
  const plain = await beginning(recurrent(options));
  const found = await beginning(recurrent({ ...options, memorySteps: 200 }));
  const drawn = new Set<number>();
  for (const [name, values] of found) {
    const added = values.map((value, k) => value - plain.get(name)![k]!);
    if (!name.startsWith("bias_ih")) {
      expect(
        added.every((value) => value === 0),
        name,
      ).toBe(true);
      continue;
    }
    const [i, f, g, o] = [0, 1, 2, 3].map((k) => added.slice(k * H, (k + 1) * H)) as [
      number[],
      number[],
      number[],
      number[],
    ];
    expect([...g, ...o].every((value) => value === 0)).toBe(true);
    // A forget gate of sigmoid(log(m − 1)) keeps a share 1 − 1/m a step: half of what was there is left after about m steps.
    const lengths = f.map((value) => 1 + Math.exp(value));
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(200);
    expect(Math.max(...lengths)).toBeGreaterThan(150);
    for (const [k, value] of i.entries()) expect(value).toBeCloseTo(-f[k]!, 12);
    for (const value of f) drawn.add(value);
  }
  expect(drawn.size).toBeGreaterThan(3.5 * H);
});

it("refuses a cell that has nothing to keep its state with", () => {
  const make = (cell: ReturnType<typeof rnn>) => () =>
    recurrent({ cell, inputSize: 2, hiddenSize: 3, memorySteps: 100 });
  expect(make(rnn())).toThrow(/memorySteps: cell "rnn" has no gate with a bias that keeps its state/);
  expect(make(layerNormLstm())).toThrow(/memorySteps: cell "layer-norm-lstm"/);
  expect(make(gru({ bias: false }))).toThrow(/memorySteps: cell "gru"/);
  expect(make(gru())).not.toThrow();
});
