import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { openMachine } from "../../src/compute/open.ts";
import { gradientFlow } from "../../src/explain/gradient-flow.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { numbers, type Playground, violations } from "./playground.ts";

/** The training room. */
export function trainingRoom(of: () => Playground): void {
  test("training: it learns, pauses, steps, goes back; gradient flow is the library's", async () => {
    const machine = await openMachine("wasm");
    const norms = await gradientFlow({ machine, cell: gru(), hiddenSize: 24, steps: 200, seed: 1, bias: { z: 3 } });
    await of().visit("/training", async (page) => {
      await page.waitForSelector("[data-flow=gru]");
      const shown = Object.fromEntries(
        await Promise.all(
          ["rnn", "lstm", "gru"].map(async (c) => [c, (await numbers(page, `[data-flow=${c}]`, "data-value"))[0]!]),
        ),
      );
      expect(shown.gru! / norms[0]!).toBeCloseTo(1, 2);
      expect(shown.rnn).toBeLessThan(1e-12);
      expect(Math.min(shown.lstm, shown.gru)).toBeGreaterThan(1e-6);
      await page.getByRole("button", { name: "Train" }).click();
      const step = async () => (await numbers(page, "[data-step]", "data-step"))[0] ?? 0;
      await expect.poll(step, { timeout: 20_000 }).toBeGreaterThan(60);
      await page.getByRole("button", { name: "Pause" }).click();
      await page.waitForSelector(".sample pre:not(:empty)");
      await page.waitForTimeout(400);
      const paused = await step();
      await page.getByRole("button", { name: "One step" }).click();
      await expect.poll(step).toBe(paused + 1);
      await page.getByLabel("Back to step").selectOption("0");
      await page.getByRole("button", { name: "One step" }).click();
      await expect.poll(step).toBe(1);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download the model" }).click(),
      ]);
      const opened = await loadRun(new Uint8Array(readFileSync(await download.path())), { machine });
      expect(opened.model.config.hiddenSize).toBe(24);
      opened.parameters.close();
      expect(await violations(page)).toEqual([]);
    });
    machine.close();
  });

  test("training: the adding problem; a tab that is closed in the midst of it is asked about on the next visit", async () => {
    const context = await of().browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
    try {
      const first = await context.newPage();
      await first.goto(`${of().url}#/training`);
      await first.getByRole("combobox", { name: "Data" }).selectOption("adding");
      await first.getByRole("button", { name: "Train" }).click();
      await first.waitForSelector(".sample pre:not(:empty)", { timeout: 20_000 });
      expect(await first.locator(".sample pre").textContent()).toMatch(/ \+ .* = .*→ /s);
      await first.getByRole("button", { name: "Pause" }).click();
      await first.waitForTimeout(600);
      const [step] = await numbers(first, "[data-step]", "data-step");
      await first.close();
      const second = await context.newPage();
      await second.goto(`${of().url}#/training`);
      await second.waitForSelector(".left");
      expect(await violations(second)).toEqual([]);
      await second.getByRole("button", { name: "Go on with it" }).click();
      await second.waitForSelector("[data-step]");
      expect((await numbers(second, "[data-step]", "data-step"))[0]).toBeGreaterThan(step!);
      // What was seen before the tab was closed is on the curve too.
      await second.waitForSelector(".results .curves");
      await second.getByRole("button", { name: "Stop" }).click();
      // It can be begun anew once it is forgotten.
      await second.getByRole("button", { name: "Train" }).waitFor();
      await second.reload();
      await second.waitForSelector("[data-flow=gru]", { timeout: 20_000 });
      expect(await second.locator(".left").count()).toBe(0);
    } finally {
      await context.close();
    }
  });

  test("training: of two tabs the first keeps its training, and the other says that it does not", async () => {
    const context = await of().browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
    try {
      const open = async () => {
        const page = await context.newPage();
        await page.goto(`${of().url}#/training`);
        await page.waitForSelector("[data-flow=gru]", { timeout: 20_000 });
        return page;
      };
      const train = async (units: number) => {
        const page = await open();
        await page.getByRole("spinbutton", { name: "Units" }).fill(String(units));
        await page.getByRole("button", { name: "Train" }).click();
        await page.waitForSelector("[data-step]");
        return page;
      };
      const untold = (page: Page) => page.getByText("Another tab trains as well").count();
      const first = await train(5);
      await first.getByRole("button", { name: "Pause" }).click();
      const second = await train(7);
      expect([await untold(first), await untold(second)]).toEqual([0, 1]);
      expect(await violations(second)).toEqual([]);
      // Both are left as they are when a tab is closed; and who stops in the second takes nothing from the first.
      await second.getByRole("button", { name: "Pause" }).click();
      await second.waitForTimeout(600);
      await second.getByRole("button", { name: "Stop" }).click();
      const third = await open();
      expect(await third.locator(".left").count()).toBe(0);
      await third.close();
      await first.close();
      const last = await open();
      await last.waitForSelector("text=A training (LSTM, 5 units) stood at step");
    } finally {
      await context.close();
    }
  });
}
