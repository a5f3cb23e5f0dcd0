import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { openMachine } from "../../src/compute/open.ts";
import { traceText } from "../../src/explain/trace-text.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";
import { type Playground, root } from "./playground.ts";

/** The page that `longshort inspect --html` writes. */
export function inspectReport(of: () => Playground): void {
  test("the report of a classifier: what it says after each token, and both directions", async () => {
    const machine = await openMachine("wasm");
    const { tokenizer, parameters: unused } = await tinyRun(machine);
    const model = sequenceClassifier({
      ...{ vocabularySize: tokenizer.vocabularySize, embeddingSize: 3, hiddenSize: 4, bidirectional: true },
      classes: ["first", "second"],
    });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 5 });
    const run = path.join(of().folder, "run-classifier");
    await saveRun(run, { model, tokenizer, parameters });
    const said = await new Classifier({ model, machine, parameters, tokenizer }).predictEachStep("ab c");
    for (const one of [unused, parameters]) one.close();
    machine.close();
    const file = path.join(of().folder, "classifier.html");
    const command = ["inspect", run, "--text", "ab c", "--html", file];
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, "dist/node/cli.js"), ...command], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const page = await of().browser.newPage();
    try {
      const errors: string[] = [];
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(error.message));
      await page.goto(`file://${file}`);
      await expect.poll(() => page.locator("ls-heat-map canvas").count()).toBe(4);
      const { label, probabilities } = said[3]!;
      expect(await page.locator(".said").textContent()).toBe(
        `Prediction: ${label} (probability ${probabilities[label]!.toFixed(3)})`,
      );
      expect(await page.locator("h2").allTextContents()).toEqual([
        "probability of each class if the input ended here",
        "influence of the state after each step on the prediction: norm of the gradient",
        ...["layer 0: c, h, i, f, g, o", "layer 0, read from the end: c, h, i, f, g, o"],
      ]);
      await page.locator(".heat-scroll").first().focus();
      await page.keyboard.press("ArrowRight");
      const second = said[1]!.probabilities.first!.toFixed(3);
      await expect.poll(() => page.locator(".value").first().textContent()).toContain(`first · “b” · ${second}`);
      expect(errors).toEqual([]);
    } finally {
      await page.close();
    }
  });

  test("the report of inspect: one page without anything else, values as traced, runs side by side", async () => {
    const machine = await openMachine("wasm");
    const runs: string[] = [];
    let traced: ReadonlyMap<string, ArrayLike<number>> = new Map();
    for (const cell of ["lstm", "gru"]) {
      const run = await tinyRun(machine, { cell });
      runs.push(path.join(of().folder, `run-${cell}`));
      await saveRun(runs.at(-1)!, { config: { model: run.model.config }, ...partsOf(run) });
      if (cell === "lstm") {
        const { values } = await traceText({ ...partsOf(run), machine, text: "ab c" });
        traced = new Map(Object.values(values).map(({ name, data }) => [name, data]));
      }
      run.parameters.close();
    }
    machine.close();
    const file = path.join(of().folder, "report.html");
    const corpus = path.join(of().folder, "corpus.txt");
    writeFileSync(corpus, "ab cc bab c");
    const command = ["inspect", runs[0]!, "--text", "ab c", "--html", file, "--compare", runs[1]!, "--nearest", corpus];
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, "dist/node/cli.js"), ...command], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const page = await of().browser.newPage();
    try {
      const said: string[] = [];
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      await page.goto(`file://${file}`);
      await expect.poll(() => page.locator("ls-heat-map canvas").count()).toBe(2);
      await page.locator(".heat-scroll").first().focus();
      await page.keyboard.press("ArrowRight");
      // It begins with the state that is kept, at the unit that varies most.
      const c = traced.get("c")!;
      const spread = Array.from({ length: 6 }, (_, unit) => {
        const series = [0, 1, 2, 3].map((t) => c[t * 6 + unit]!);
        const middle = series.reduce((a, b) => a + b) / 4;
        return series.reduce((sum, v) => sum + (v - middle) ** 2, 0);
      });
      const unit = spread.indexOf(Math.max(...spread));
      const shown = c[6 + unit]!.toFixed(3).replace("-", "−");
      await expect
        .poll(() => page.locator(".value").first().textContent())
        .toContain(`c  cell state · unit ${unit} · “b” · ${shown}`);
      const alike = page.locator(".alike li");
      expect(await page.locator(".alike").count()).toBe(2);
      expect(await alike.first().textContent()).toMatch(/^1\.000ab c/);
      expect(await alike.first().locator("mark").textContent()).toBe("c");
      expect(said).toEqual([]);
    } finally {
      await page.close();
    }
  });
}
