import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import type { ModelArray } from "../../../src/formats/plans.ts";
import { difference } from "../../support/difference.ts";
import { describeOnMachines } from "../../support/machines.ts";
import { bytesOf } from "../../support/onnx-data-sets.ts";
import { describeWithReferenceData } from "../../support/reference-data.ts";

interface Given {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: readonly number[];
}
interface Expected {
  readonly io: readonly {
    readonly inputs: Readonly<Record<string, Given>>;
    readonly outputs: Readonly<Record<string, Given>>;
  }[];
}

const models = [
  ["silero_vad_16k_op15.onnx", "silero_16k.json"],
  ["dtln_1.onnx", "dtln_1.json"],
  ["byte_sb_bidi_lstm.onnx", "byte_sb.json"],
  ["nnsplit_zh.onnx", "nnsplit_zh.json"],
] as const;

describeWithReferenceData("trained models as ONNX Runtime runs them", "models/onnx", (folder) => {
  describeOnMachines("", (m) => {
    test.each(models)("%s", async (file, expectation) => {
      const { io } = JSON.parse(readFileSync(`${folder}/../expect/${expectation}`, "utf8")) as Expected;
      using program = openOnnx(bytesOf(`${folder}/${file}`), { machine: m.machine });
      expect(io.length).toBeGreaterThan(0);
      for (const { inputs, outputs } of io) {
        const came = await program.run(
          Object.fromEntries(
            Object.entries(inputs).map(([name, { dims, data }]): [string, ModelArray] => [name, { shape: dims, data }]),
          ),
        );
        expect(Object.keys(came)).toEqual(expect.arrayContaining(Object.keys(outputs)));
        for (const [name, { dims, data }] of Object.entries(outputs)) {
          expect(came[name]!.shape, name).toEqual(dims);
          expect(difference(came[name]!.data, data), name).toBeLessThanOrEqual(1e-4);
        }
      }
    });
  });
});
