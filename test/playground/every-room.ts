import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { taskText } from "../../playground/src/training/task-text.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { trace } from "../../src/explain/trace.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { numbers, type Playground, shipped, tabTo, violations } from "./playground.ts";

/** In each room: by keys alone, on a host that isolates nothing, light and English, dark and Chinese. */
export function everyRoom(of: () => Playground): void {
  /** By keys: axe finds nothing in the room as it is, nor dark, nor in Chinese; and nothing in it moved by itself. */
  async function looksRight(page: Page, title: string): Promise<void> {
    expect(await violations(page)).toEqual([]);
    const moved = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
              if (!entry.hadRecentInput) sum += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 50);
        }),
    );
    expect(moved).toBeLessThan(0.03);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await tabTo(page, ".switches button[aria-label]");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`h1:has-text("${title}"), h2:has-text("${title}")`);
    expect(await page.locator("html").getAttribute("lang")).toBe("zh-Hans");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    expect(await violations(page)).toEqual([]);
  }

  const visit = (hash: string, act: (page: Page) => Promise<void>): Promise<void> =>
    of().visit(
      hash,
      async (page) => {
        expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
        await act(page);
      },
      { host: of().plainUrl },
    );

  test("the cell by keys, not isolated: steps, a box, its slider; [x ; h] and what is put in place of a gate are the library's", async () => {
    await shipped("recall-gru", async (opened) => {
      const data = opened.tokenizer.encode("A....?A\n");
      const { values } = await trace(opened, { data });
      await visit("/cell/gru", async (page) => {
        await page.waitForSelector("[data-expects]");
        await tabTo(page, ".player button:nth-of-type(3)");
        for (let k = 0; k < 2; k++) await page.keyboard.press("Enter");
        await expect.poll(() => page.url()).toContain("step=2");
        const h = Array.from(values.h_l0!.data.slice(4, 8), (v) => v.toFixed(3).replace("-", "−"));
        await expect.poll(() => page.locator(".joined").getAttribute("aria-label")).toContain(`; ${h.join(", ")}`);
        const z = page.locator("longshort-cell .node.operation", { has: page.locator("text=/σ/") });
        expect(await z.count()).toBe(2);
        await tabTo(page, ".node.operation.selected, .node.operation[aria-description^=z]");
        await page.keyboard.press("Enter");
        // The sliders are those of the picked box with the next frame.
        await page.waitForSelector(".sliders input[aria-label^=z]");
        const shown = await numbers(page, ".sliders output", "data-value");
        for (const [unit, v] of shown.entries()) expect(v).toBeCloseTo(values.z_l0!.data[2 * 4 + unit]!, 5);
        // What is picked stays so while other boxes are passed on the way to its sliders.
        await tabTo(page, ".sliders input");
        // Those of the box that was passed last become those of the picked one with the next frame.
        await page.waitForSelector(".sliders input[aria-label^=z]:focus");
        await page.keyboard.press("Home");
        await page.waitForSelector(".what-if");
        // From this step on, as if z of unit 0 were 0 in it.
        const until = await trace(opened, { data: data.slice(0, 2) }, { names: [] });
        const held = await trace(
          opened,
          { data: data.slice(2, 3), initial: until.final },
          { names: [], hold: [{ name: "z_l0", unit: 0, value: 0 }] },
        );
        const rest = await trace(opened, { data: data.slice(3), initial: held.final }, { names: ["h"] });
        const last = async () => page.locator(".timeline tbody tr").first().locator("td").last().getAttribute("title");
        const wanted = rest.values.h_l0!.data.at(-4)!.toFixed(3).replace("-", "−");
        await expect.poll(last).toContain(wanted);
        // The address has it all.
        await expect.poll(() => page.url()).toContain("set=z");
        await page.reload();
        await page.waitForSelector(".what-if");
        await expect.poll(last).toContain(wanted);
        await looksRight(page, "单元");
      });
    });
  });

  test("the sequence by keys, not isolated: a text, a unit, a cut; an address that says all of it", async () => {
    await shipped("text-lstm", async (opened) => {
      const text = "f(x) = g(y)\n";
      const tokens = opened.tokenizer.encode(text);
      const { values } = await trace(opened, { data: tokens });
      await visit("/sequence", async (page) => {
        await page.waitForSelector("[data-loss]");
        await tabTo(page, ".sequence textarea");
        await page.keyboard.press("ControlOrMeta+A");
        await page.keyboard.type("f(x) = g(y)");
        await page.keyboard.press("Enter");
        await tabTo(page, ".heat-scroll");
        await expect.poll(() => page.locator("longshort-gates .reading").textContent()).toBe("f(x) = g(y)↵");
        await page.keyboard.press("Home");
        for (let k = 0; k < 4; k++) await page.keyboard.press("ArrowRight");
        const unit = Number(await page.locator("[data-unit]").textContent());
        const value = async () => (await numbers(page, "[data-value]", "data-value"))[0]!;
        await expect.poll(value).toBeCloseTo(values.c_l0!.data[4 * 96 + unit]!, 4);
        await page.keyboard.press("Enter");
        await page.waitForSelector("[data-without]");
        const ablation = await openAblation({ ...opened, tokens });
        const without = await ablation.loss([{ layer: 0, unit }]);
        ablation.close();
        const shown = async () => (await numbers(page, "[data-without]", "data-without"))[0]!;
        expect(await shown()).toBeCloseTo(without, 4);
        await expect.poll(() => page.url()).toContain(`cut=${unit}`);
        await page.reload();
        await page.waitForSelector("[data-without]");
        expect(await shown()).toBeCloseTo(without, 4);
        expect(await value()).toBeCloseTo(values.c_l0!.data[4 * 96 + unit]!, 4);
        await looksRight(page, "序列");
      });
    });
  });

  test("training by keys, not isolated: begun, paused, one step; what is shown of the model is what its file gives in Node", async () => {
    const machine = await openMachine("wasm");
    await visit("/training?data=copy&cell=gru&units=8&rate=0.02&clip=no", async (page) => {
      await page.waitForSelector("[data-flow=gru]");
      expect(await page.locator(".controls select").first().inputValue()).toBe("copy");
      expect(await page.locator("input[type=checkbox]").first().isChecked()).toBe(false);
      await tabTo(page, ".player .primary");
      await page.keyboard.press("Enter");
      const step = async () => (await numbers(page, "[data-step]", "data-step"))[0] ?? 0;
      await expect.poll(step, { timeout: 20_000 }).toBeGreaterThan(20);
      await tabTo(page, ".player .primary");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "One step" }).waitFor();
      await page.waitForTimeout(400);
      const paused = await step();
      await tabTo(page, ".player .primary + button");
      await page.keyboard.press("Enter");
      await expect.poll(step).toBe(paused + 1);
      await tabTo(page, ".player button:last-of-type");
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      const opened = await loadRun(new Uint8Array(readFileSync(await download.path())), { machine });
      const probe = taskText("copy", 12).split("\n").slice(0, 4).join("\n");
      const tokens = opened.tokenizer.encode(probe);
      const { loss } = await trace(opened, { data: tokens }, { gradients: true });
      const said = (await page.locator(".gates h2 small").textContent())!;
      expect(Number.parseFloat(said)).toBeCloseTo(loss! / (tokens.length - 1), 2);
      opened.parameters.close();
      await looksRight(page, "现场训练");
      await tabTo(page, ".player .primary ~ button:nth-of-type(3)");
      await page.keyboard.press("Enter");
    });
    machine.close();
  });

  test("the lessons by keys, not isolated: on to the next stop; its numbers, and the state of a room that it points at", async () => {
    await shipped("recall-lstm", async (opened) => {
      const data = opened.tokenizer.encode("A....?A\n");
      const { values } = await trace(opened, { data });
      await visit("/lessons/4", async (page) => {
        await page.waitForSelector("[data-sum]");
        await tabTo(page, ".turn .on");
        await page.keyboard.press("Enter");
        await page.waitForSelector("text=5 / 8");
        await tabTo(page, ".there a");
        await page.keyboard.press("Enter");
        await page.waitForSelector(".room.cell .sliders");
        await expect.poll(() => page.locator(".timeline th.now").textContent()).toBe("?");
        const shown = await numbers(page, ".sliders output", "data-value");
        for (const [unit, v] of shown.entries()) expect(v).toBeCloseTo(values.f_l0!.data[5 * 4 + unit]!, 5);
        expect(await page.getByRole("button", { name: "1 · forget" }).getAttribute("aria-pressed")).toBe("true");
        await page.goBack();
        await page.waitForSelector("text=5 / 8");
        await looksRight(page, "第一阶段：遗忘");
      });
    });
  });
}
