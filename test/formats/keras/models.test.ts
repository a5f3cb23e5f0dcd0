import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CanonicalModel } from "../../../src/formats/canonical.ts";
import { readKeras, readKerasWeights } from "../../../src/formats/keras/read.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import { describeOnMachines } from "../../support/machines.ts";
import { describeWithReferenceData } from "../../support/reference-data.ts";

interface Expected {
  readonly input: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly output: { readonly shape: readonly number[]; readonly data: readonly number[] };
}
const expectation = (name: string): Expected =>
  JSON.parse(readFileSync(new URL(`../../golden/models/expect/${name}.json`, import.meta.url), "utf8"));

const lstm = (name: string) => ({
  class_name: "LSTM",
  config: {
    ...{ name, units: 128, activation: "tanh", recurrent_activation: "sigmoid", return_sequences: true },
    batch_input_shape: [null, null, name === "lstm" ? 257 : 128],
  },
});
/** What `to_json` would say of the two layers that the expected output was made with. */
const half = { class_name: "Sequential", config: { name: "half", layers: [lstm("lstm"), lstm("lstm_1")] } };

for (const { file, expect: name, config } of [
  { file: "circuit_lstm.h5", expect: "circuit_lstm" },
  { file: "circuit_gru.h5", expect: "circuit_gru" },
  { file: "market_lstm.keras", expect: "market_lstm" },
  { file: "DTLN_norm_40h.h5", expect: "dtln_lstm", config: JSON.stringify(half) },
])
  describeWithReferenceData(file, `models/keras/${file}`, (path) => {
    describeOnMachines("its outputs", (m) => {
      test("equal what NumPy computed in float64", async () => {
        const { input, output } = expectation(name);
        const { model }: { model: CanonicalModel } = await readKeras(path, { config });
        using program = openNetwork(model, { machine: m.machine });
        const result = await program.run({ [model.inputs[0]!.name]: input });
        const came = result[model.outputs[0]!.name]!;
        expect(came.shape).toEqual(output.shape);
        output.data.forEach((value, i) => {
          expect(Math.abs(came.data[i]! - value), `element ${i}`).toBeLessThan(m.name === "reference" ? 1e-6 : 1e-4);
        });
      });
    });
  });

describeWithReferenceData("weights alone", "models/keras/DTLN_norm_40h.h5", (path) => {
  test("are listed by layer", async () => {
    const weights = await readKerasWeights(path);
    expect(weights.get("lstm")!.map(({ shape }) => shape)).toEqual([[257, 512], [128, 512], [512]]);
    await expect(readKeras(path)).rejects.toMatchObject({ code: "no-topology" });
  });
});
