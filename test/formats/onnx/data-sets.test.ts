import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { describeOnMachines } from "../../support/machines.ts";
import { checkDataSets, foldersIn } from "../../support/onnx-data-sets.ts";
import { describeWithReferenceData } from "../../support/reference-data.ts";

/** Of models whose expected numbers are float32. */
const tolerance = 1e-5;
const golden = (folder: string): string => fileURLToPath(new URL(`../../golden/${folder}/`, import.meta.url));

for (const [title, folder] of [
  ["ONNX Runtime's recurrent nodes", golden("onnx-ort")],
  ["what PyTorch exports", golden("torch-onnx")],
] as const)
  describeOnMachines(title, (m) => {
    test.each(foldersIn(folder))("%s", (name) => checkDataSets(`${folder}${name}`, m.machine, tolerance));
  });

describeWithReferenceData("ONNX' own node tests", "onnx-node", (folder) => {
  describeOnMachines("", (m) => {
    const names = foldersIn(folder).filter((name) => existsSync(`${folder}/${name}/model.onnx`));
    test.each(names)("%s", (name) => checkDataSets(`${folder}/${name}`, m.machine, tolerance));
  });
});
