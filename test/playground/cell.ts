import { expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { openMachine } from "../../src/compute/open.ts";
import { trace } from "../../src/explain/trace.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { numbers, type Playground, shipped, violations } from "./playground.ts";

/** The room of the cell: numbers, what-ifs and cells of one's own. */
export function cellRoom(of: () => Playground): void {
  test("the cell: its gates are those of a trace, a gate closed by hand changes what follows", async () => {
    await shipped("recall-lstm", async (opened) => {
      const { values } = await trace(opened, { data: opened.tokenizer.encode("A....?A\n") }, { names: ["f"] });
      await of().visit("/cell/lstm", async (page) => {
        expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
        await page.waitForSelector("[data-expects]");
        await page.locator(".timeline thead button").nth(3).click();
        const differences = async (): Promise<number[]> =>
          (await numbers(page, ".sliders output", "data-value")).map((shown, unit) =>
            Math.abs(shown - values.f_l0!.data[3 * 4 + unit]!),
          );
        await expect.poll(async () => Math.max(...(await differences()))).toBeLessThan(5e-6);
        const answer = () => page.locator(".timeline .recall").textContent();
        const before = await answer();
        expect(before).toMatch(/^A/);
        for (let unit = 0; unit < 4; unit++) await page.locator(".sliders input").nth(unit).fill("0");
        await page.waitForSelector(".what-if");
        await expect.poll(answer).not.toBe(before);
        await page.getByRole("button", { name: "Undo changes" }).click();
        await expect.poll(answer).toBe(before);
        expect(await violations(page)).toEqual([]);
        // A field says what is shown, also once something was chosen in it.
        const line = page.getByRole("combobox", { name: "Line" });
        for (const chosen of ["B....?B", "A....?A"]) {
          await line.selectOption(chosen);
          await expect.poll(answer).toMatch(new RegExp(`^${chosen[0]}`));
        }
        await page.goto(`${of().url}#/cell/lstm?line=B....%3FB`);
        await expect.poll(answer).toMatch(/^B/);
        expect(await line.inputValue()).toBe("B....?B");
      });
    });
  });

  test("a cell of one's own: drawn, computed and shared from its text; errors say where; it can be trained", async () => {
    await of().visit("/cell/own", async (page) => {
      const field = page.locator("#equations");
      await page.getByRole("button", { name: "minGRU" }).click();
      await expect.poll(() => field.inputValue()).toBe(cellText(minGru()));
      const text = "a = sigmoid(W_a x)\nkept = a * h[t-1] / 2\nh = kept + p * tanh(W_b x)";
      await field.fill(`${text}\nweight p = 1`);
      expect(await page.locator(".editor .error").getAttribute("data-line")).toBe("3");
      await page.getByRole("button", { name: "show the place" }).press("Enter");
      const chosen = () => field.evaluate((e: HTMLTextAreaElement) => [e.selectionStart, e.selectionEnd]);
      expect(await chosen()).toEqual([52, 53]);
      await field.fill(`weight p = 1\n${text}`);
      await expect.poll(() => page.locator(".editor .error").count()).toBe(0);
      await expect.poll(() => page.locator("longshort-cell .node").count()).toBe(10);
      expect(await violations(page)).toEqual([]);

      // What is shown is what the library computes with the same weights.
      const cell = parseCell(`weight p = 1\n${text}`);
      const machine = await openMachine("reference");
      await shipped("recall-lstm", async ({ tokenizer, model: { config } }) => {
        const { vocabularySize, embeddingSize } = config;
        const model = languageModel({ vocabularySize, embeddingSize, hiddenSize: 4, cell });
        const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
        const { values } = await trace({ model, parameters }, { data: tokenizer.encode("A....?A\n") });
        await page.locator(".timeline thead button").nth(3).click();
        await page.locator("longshort-cell .node").last().click();
        const shown = await numbers(page, ".sliders output", "data-value");
        expect(shown).toHaveLength(4);
        for (const [unit, v] of shown.entries()) expect(v).toBeCloseTo(values.h_l0!.data[3 * 4 + unit]!, 9);
        parameters.close();
      });
      machine.close();

      const address = page.url();
      await page.goto("about:blank");
      await page.goto(address);
      await expect.poll(() => field.inputValue()).toBe(`weight p = 1\n${text}`);
      await page.getByRole("button", { name: "Train it" }).click();
      await expect.poll(() => page.url()).toContain("#/training");
      await page.getByRole("button", { name: "Train", exact: false }).first().click();
      await expect.poll(() => page.locator("[data-step]").count(), { timeout: 20_000 }).toBe(1);
      await page.getByRole("button", { name: "Stop" }).click();
    });
  });
}
