import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { open } from "../../../src/formats/open.ts";
import { difference } from "../../support/difference.ts";
import { describeOnMachines } from "../../support/machines.ts";

/*
 * Files that Keras 3 wrote (`test/golden/keras/make.py`), and what it gives for them: masks, which it writes out as operations between
 * the layers, and stacks of cells of several kinds.
 */
interface Array {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const folder = new URL("../../golden/keras/", import.meta.url);
const expected: Record<string, { inputs: Record<string, Array>; outputs: Array[] }> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);

describeOnMachines("files of Keras", (m) => {
  test.each(Object.entries(expected))("%s", async (name, { inputs, outputs }) => {
    using model = await open(new Uint8Array(readFileSync(new URL(name, folder))), { machine: m.machine });
    const results = await model.run(inputs);
    const given = model.outputs.map((output) => results[output.name]!).slice(0, outputs.length);
    for (const [k, { shape, data }] of outputs.entries()) {
      expect(given[k]!.shape).toEqual(shape);
      expect(difference(given[k]!.data, data), `output ${k}`).toBeLessThan(1e-5);
    }
  });
});
