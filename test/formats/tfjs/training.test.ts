import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Network } from "../../../src/formats/canonical/network.ts";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import { meanSquaredError } from "../../../src/losses/mean-squared-error.ts";
import { adam } from "../../../src/optimizers/adam.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { openTrainingStep } from "../../../src/train/step.ts";
import { describeOnMachines } from "../../support/machines.ts";

const folder = new URL("../../golden/tfjs/", import.meta.url);

interface ArrayJson {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Training {
  readonly input: ArrayJson;
  readonly target: ArrayJson;
  readonly losses: readonly number[];
  readonly final: Readonly<Record<string, ArrayJson>>;
}

// A layer with one bias must train one: with two that share the gradient each step would move twice as far.
describeOnMachines("training goes on where TensorFlow.js saved", (m) => {
  test.each(["26_lstm_train_adam", "40_gru_train_adam"])("%s", async (name) => {
    const { train }: { train: Training } = JSON.parse(readFileSync(new URL(`${name}/io.json`, folder), "utf8"));
    const { model } = await readTensorFlowJs(new URL(`${name}/model.json`, folder));
    const network = new Network(model);
    const { machine } = m;
    using parameters = await createParameters({ machine, layout: layoutParameters(network), initialize: false });
    network.load(parameters);
    const step = await openTrainingStep({
      ...{ machine, parameters, optimizer: adam({ epsilon: 1e-7 }) },
      record(graph) {
        const x = graph.input("x", train.input.shape);
        const y = graph.input("y", train.target.shape);
        const { outputs } = network.forward({ [model.inputs[0]!.name]: x });
        return { loss: meanSquaredError(outputs[model.outputs[0]!.name]!, y) };
      },
    });
    step.executable.write("x", train.input.data);
    step.executable.write("y", train.target.data);
    expect(train.losses).toHaveLength(20);
    for (const [k, loss] of train.losses.entries()) {
      step.run(k + 1, 0.02);
      const read = await step.read();
      expect(read.lossSum, `loss ${k}`).toBeCloseTo(loss, 4);
      expect(read.loss).toBe(read.lossSum);
    }
    step.close();
  });
});
