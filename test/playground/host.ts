import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync } from "node:zlib";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { Playground } from "./playground.ts";

/** What a visit loads, and hosts and browsers that refuse something. */
export function hosts(of: () => Playground): void {
  test("a visit takes no more than 250 kB compressed, without models, which are small too", async () => {
    for (const hash of ["/lessons/1", "/sequence"]) {
      const files = new Set<string>();
      const listen = (page: Page): void => {
        page.context().on("response", (response) => void files.add(new URL(response.url()).pathname));
      };
      await of().visit("/", async (page) => {
        listen(page);
        await page.goto(`${of().url}?again#${hash}`);
        await page.waitForSelector("[data-expects], [data-loss]");
        await page.waitForTimeout(300);
      });
      const code = [...files].filter((file) => /\.(js|css)$/.test(file));
      expect(code.length).toBeGreaterThan(2);
      const bytes = code.reduce((n, file) => n + brotliCompressSync(readFileSync(of().folder + file)).length, 0);
      expect(bytes, hash).toBeLessThan(250_000);
    }
    for (const file of readdirSync(path.join(of().folder, "models")))
      expect(readFileSync(path.join(of().folder, "models", file)).length, file).toBeLessThan(300_000);
  });

  test("says what is wrong where workers or WebAssembly are refused, in every room that needs them", async () => {
    const { browser, plainUrl } = of();
    const page = await browser.newPage();
    try {
      await page.addInitScript(() => {
        Object.assign(globalThis, {
          Worker: class {
            constructor() {
              throw new Error("refused");
            }
          },
        });
      });
      const goTo = (query: string, hash: string) => page.goto(`${plainUrl}?${query}#${hash}`);
      await goTo("refused", "/sequence");
      await page.waitForSelector("text=This browser refuses workers");
      await goTo("refused", "/lessons/2");
      await page.waitForSelector("text=This browser refuses workers");
      await goTo("refused", "/training");
      await page.getByRole("button", { name: "Train", exact: false }).first().click();
      await expect.poll(() => page.locator(".error").count()).toBeGreaterThan(1);
      // The cell computes on the page itself.
      await goTo("refused", "/cell/gru");
      await page.waitForSelector(".timeline [data-expects]");
      // A script of the page's own frame only: nothing else of the browser is asked.
      await page.addInitScript(() => Reflect.deleteProperty(globalThis, "WebAssembly"));
      await goTo("none", "/sequence");
      await page.waitForSelector("text=This browser refuses WebAssembly");
    } finally {
      await page.close();
    }
  });
}
