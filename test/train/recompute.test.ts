import { describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { openWasm } from "../../src/compute/wasm/machine.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { adam } from "../../src/optimizers/adam.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { openTrainingStep } from "../../src/train/step.ts";

const [D, H, T, B] = [4, 16, 400, 4];

/** Weights after two steps of two layers, and what the training kept, on a machine of so many bytes. */
async function train(o: { recompute?: number; bytes?: number; steps?: number }) {
  const { recompute, bytes = 2 ** 26, steps = T } = o;
  const machine = await openWasm({ threads: 1, maxBytes: bytes });
  try {
    const layers = recurrent({ cell: lstm(), inputSize: D, hiddenSize: H, numLayers: 2 });
    const parameters = await createParameters({ machine, layout: layoutParameters(layers) });
    const step = await openTrainingStep({
      ...{ machine, parameters, optimizer: adam(), recompute },
      record: (graph) => {
        const x = graph.input("x", [steps, B, D]);
        const { output } = layers.forward(x);
        return {
          loss: meanSquaredError(output, graph.constant(output.shape, new Float32Array(steps * B * H).fill(0.3))),
        };
      },
    });
    step.executable.write(
      "x",
      Float32Array.from({ length: steps * B * D }, (_, k) => Math.sin(k)),
    );
    for (const number of [1, 2]) step.run(number, 0.01);
    return { weights: [...(await parameters.toTensors()).values()].map(({ data }) => data), bytes: step.bytes };
  } finally {
    machine.close();
  }
}

describe("a training that is short of memory", () => {
  test("keeps less and learns the same bits", async () => {
    const [kept, parts] = [await train({}), await train({ recompute: 8 })];
    expect(parts.weights).toEqual(kept.weights);
    expect(parts.bytes).toBeLessThan(0.55 * kept.bytes);
    // More than the parts need, too little to keep everything.
    const bytes = Math.round((parts.bytes + kept.bytes) / 2);
    const short = await train({ bytes });
    expect(short.bytes).toBe(parts.bytes);
    expect(short.weights).toEqual(kept.weights);
    await expect(train({ bytes, recompute: 1 })).rejects.toMatchObject({ code: "out-of-memory" });
  });

  test("is refused with its size where parts do not fit either", async () => {
    const refusal = train({ bytes: 2 ** 20, steps: 4000 });
    await expect(refusal).rejects.toMatchObject({ name: "FailureError", code: "out-of-memory" });
    await expect(refusal).rejects.toThrow(
      /this plan needs [\d.]+ MiB .*recomputed in 8 parts; the machine has 1(\.0)? MiB: lower the batch size, the number of steps/,
    );
  });

  test("says what is wrong with a number of parts", async () => {
    await expect(train({ recompute: 0 })).rejects.toThrow(/recompute: expected a whole number/);
  });
});
