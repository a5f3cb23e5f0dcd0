import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { open } from "../../src/formats/open.ts";
import type { ModelArray } from "../../src/formats/plans.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { loadStateDict } from "../../src/formats/state-dict.ts";
import { linear } from "../../src/layers/linear.ts";
import { Recurrent } from "../../src/layers/recurrent.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { difference } from "../support/difference.ts";

/*
 * What PyTorch's modules are saved as once other programs had a hand in them (`test/golden/pytorch/make.py`): a checkpoint of PyTorch
 * Lightning beside numbers of NumPy, weights that were pruned or normalized.
 */
interface Expected {
  readonly x: ModelArray;
  readonly y: ModelArray;
  readonly weights: Readonly<Record<string, ModelArray>>;
}
const folder = new URL("../golden/pytorch/", import.meta.url);
const expected: Record<string, Expected> = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8"));

describe.each(Object.entries(expected))("%s", (name, { x, y, weights }) => {
  const path = fileURLToPath(new URL(name, folder));

  test("is opened as the network that it is of", async () => {
    using machine = openReference();
    using model = await open(path, { machine });
    expect(difference((await model.run({ input: x })).output!.data, y.data)).toBeLessThan(1e-6);
  });

  test("is loaded into a model of one's own, with the same weights", async () => {
    using machine = openReference();
    const layers = {
      lstm: new Recurrent({ cell: lstm(), inputSize: 4, hiddenSize: 3, bidirectional: true }),
      out: linear({ inputSize: 6, outputSize: 2 }),
    };
    using parameters = await createParameters({ machine, layout: layoutParameters({ parts: layers }) });
    await using file = await readPyTorch(path);
    await loadStateDict(parameters, file.tensors);
    expect([...parameters.names].sort()).toEqual(Object.keys(weights).sort());
    for (const [key, { shape, data }] of Object.entries(weights)) {
      const came = await parameters.read(key);
      expect(came, key).toHaveLength(data.length);
      expect(difference(came, data), `${key} ${shape}`).toBeLessThan(2e-7);
    }
  });
});

test("options of a model of PyTorch Lightning are plain data, numbers of NumPy among them", async () => {
  await using file = await readPyTorch(fileURLToPath(new URL("lightning.ckpt", folder)));
  const value = file.value as ReadonlyMap<string, unknown>;
  expect(value.get("pytorch-lightning_version")).toBe("2.6.6");
  expect(Object.fromEntries(value.get("hyper_parameters") as Map<string, unknown>)).toEqual({
    ...{ width: 3, rate: 0.1, scale: 0.5, depth: 1, small: 2, tied: true },
  });
});
