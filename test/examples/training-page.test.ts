import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examplesOf } from "../../examples/training-page/examples.ts";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { fromFolder, withPage } from "../package/page.ts";

const example = fileURLToPath(new URL("../../examples/training-page/", import.meta.url));

it("lines are examples; the one that is none is named", () => {
  expect(examplesOf("time: 7:45 pm\n\n  a b :  x \r\n")).toEqual({ inputs: ["7:45 pm", "x"], labels: ["time", "a b"] });
  for (const bad of ["no kind", "kind:", ": text"])
    expect(() => examplesOf(`a: b\n${bad}`)).toThrow(`Line 2: expected “kind: text”, got “${bad}”.`);
});

const reason = chromiumPath ? "" : " (skipped: no Chromium here; install Debian's or name one in CHROMIUM)";
describe.skipIf(chromiumPath === undefined)(`in Chromium${reason}`, () => {
  const outDir = mkdtempSync(join(tmpdir(), "longshort-training-page-"));
  beforeAll(async () => {
    const configFile = join(example, "vite.config.ts");
    await build({ configFile, logLevel: "warn", build: { outDir, emptyOutDir: true } });
  });
  afterAll(() => rmSync(outDir, { recursive: true, force: true }));

  /** Waits until an element says it. */
  const said = (page: Page, id: string, text: RegExp) =>
    page.waitForFunction(
      ([id, text]) => new RegExp(text!).test(document.getElementById(id!)?.textContent ?? ""),
      [id, text.source],
      { timeout: 50_000 },
    );
  /** Types it, and waits for the kind that the page thinks likeliest. */
  const taken = async (page: Page, text: string, kind: string) => {
    await page.fill("#text", text);
    await page.waitForFunction((kind) => document.querySelector("#kinds .best span")?.textContent === kind, kind);
  };

  it("learns in a worker, shows how far it is, answers meanwhile, stops, and learns other kinds", {
    timeout: 90_000,
  }, async () => {
    await withPage(fromFolder(outDir), async (page) => {
      await page.setViewportSize({ width: 390, height: 844 });
      await page.click("#learn:not([disabled])");
      await said(page, "figures", /^Step \d+ of \d{3,}; \d+\s% of the validation examples are correct\.$/);
      for (const [text, kind] of [
        ["ada@lovelace.example", "email"],
        ["7:45 pm", "time"],
        ["£12.50", "amount"],
      ] as const)
        await taken(page, text, kind);
      const shares = (await page.locator("#kinds output").allTextContents()).map(Number.parseFloat);
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(100, 0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      expect(await page.textContent("#learn")).toBe("Stop");
      await page.click("#learn");
      await said(page, "status", /^Stopped after \d+\.\d s of learning\.$/);
      const share = await page.evaluate(() => (document.getElementById("progress") as HTMLProgressElement).value);
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(1);
      // What it has learned by then it knows.
      await taken(page, "grace@hopper.example", "email");

      await page.fill("#lines", "a: b\nno kind");
      await page.click("#learn");
      await said(page, "status", /^Line 2: expected “kind: text”, got “no kind”\.$/);
      await taken(page, "9:15 am", "time");

      const own = Array.from(
        { length: 20 },
        (_, k) => `up: ${"ab".repeat(1 + (k % 7))}\ndown: ${"ba".repeat(1 + (k % 7))}`,
      );
      await page.fill("#lines", own.join("\n"));
      await page.click("#learn");
      await said(page, "status", /^Done after/);
      expect(await page.textContent("#figures")).toContain("100\u00a0% of the validation examples");
      await taken(page, "abababababababab", "up");
      await taken(page, "babababa", "down");
      expect(await page.locator("#kinds span").allTextContents()).toEqual(["down", "up"]);
    });
  });

  it("learns from lines of one's own where the examples cannot be loaded, and says when the worker cannot", {
    timeout: 90_000,
  }, async () => {
    const files = fromFolder(outDir);
    await withPage(
      (url) => (/examples/.test(url) ? undefined : files(url)),
      async (page) => {
        await said(page, "status", /^The examples could not be loaded: write lines of your own\.$/);
        await page.fill("#lines", "up: abab\nup: ab\ndown: baba\ndown: ba");
        await page.click("#learn:not([disabled])");
        await said(page, "status", /^Done after/);
      },
    );
    await withPage(
      (url) => (/worker/.test(url) ? undefined : files(url)),
      async (page) => {
        await said(page, "status", /^The worker failed\. Load the page again\.$/);
        await page.waitForSelector("#lines:not([disabled])");
        expect(await page.locator("#learn").isDisabled()).toBe(true);
      },
    );
  });
});
