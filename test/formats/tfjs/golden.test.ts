import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openNetwork } from "../../../src/formats/open-network.ts";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import { writeTensorFlowJs } from "../../../src/formats/tfjs/write.ts";
import { describeOnMachines } from "../../support/machines.ts";

const folder = new URL("../../golden/tfjs/", import.meta.url);

interface ArrayJson {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Case {
  readonly steps: readonly { readonly input: ArrayJson; readonly outputs: readonly ArrayJson[] }[];
}

/**
 * Names and shapes of the weights in a model.json, which TensorFlow.js takes by their names. What a wrapped layer is called is left to who
 * writes it.
 */
const weightsIn = (json: string) => {
  const inner = /"layer":\{"class_?[nN]ame":"\w+","config":\{"name":"(\w+)"/.exec(json)?.[1] ?? "";
  return JSON.parse(json).weightsManifest.flatMap(({ weights }: { weights: { name: string; shape: number[] }[] }) =>
    weights.map(({ name, shape }) => [name.replace(inner, ""), shape]),
  );
};
test.each(readdirSync(folder))("%s: weights have the names that TensorFlow.js gives them", async (name) => {
  const path = new URL(`${name}/model.json`, folder);
  const files = writeTensorFlowJs((await readTensorFlowJs(path)).model, { batchSize: 1 });
  const written = new TextDecoder().decode(files.get("model.json"));
  expect(weightsIn(written)).toEqual(weightsIn(readFileSync(path, "utf8")));
});

describeOnMachines("models of TensorFlow.js", (m) => {
  test.each(readdirSync(folder))("%s", async (name) => {
    const { steps }: Case = JSON.parse(readFileSync(new URL(`${name}/io.json`, folder), "utf8"));
    const { model } = await readTensorFlowJs(new URL(`${name}/model.json`, folder));
    using program = openNetwork(model, { machine: m.machine });
    const stateful = name.endsWith("stateful")
      ? await program.openSession({ batchSize: steps[0]!.input.shape[0]! })
      : undefined;
    const names = model.outputs.map((output) => output.name);
    expect(steps.length).toBeGreaterThan(0);
    for (const { input, outputs } of steps) {
      const given = { [model.inputs[0]!.name]: input };
      const result = stateful ? await stateful.next(given) : await program.run(given);
      expect(names).toHaveLength(outputs.length);
      names.forEach((output, k) => {
        const came = result[output]!;
        expect(came.shape).toEqual(outputs[k]!.shape);
        outputs[k]!.data.forEach((value, i) => {
          expect(Math.abs(came.data[i]! - value), `${output}, element ${i}`).toBeLessThan(1e-5);
        });
      });
    }
  });
});
