import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync } from "node:zlib";
import { chromium, type Page } from "playwright-core";
import { expect, test } from "vitest";
import { chromiumPath } from "../../scripts/chromium.mjs";
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
        // What the first page is still loading belongs to it.
        await page.waitForLoadState("networkidle");
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

  test("says what to do where the host cannot be reached any more", async () => {
    const context = await of().browser.newContext({ locale: "en-GB" });
    try {
      const page = await context.newPage();
      await page.goto(`${of().plainUrl}#/lessons/3`);
      await page.waitForSelector("[data-expects]");
      await context.setOffline(true);
      for (const room of ["/cell/gru", "/sequence"]) {
        await page.goto(`${of().plainUrl}#${room}`);
        await page.waitForSelector(".error >> text=The model could not be fetched. Load the page again");
      }
    } finally {
      await context.close();
    }
  });

  test("goes on without a network where somebody asked to keep it, reloaded, in rooms that nobody was in", async () => {
    const context = await of().browser.newContext({ locale: "en-GB" });
    try {
      const page = await context.newPage();
      await page.goto(`${of().plainUrl}#/lessons/1`);
      await page.click("text=Keep for use without a network");
      await page.waitForSelector("text=This page works without a network");
      await context.setOffline(true);
      await page.goto(`${of().plainUrl}#/training`);
      await page.waitForSelector("[data-steps], .gradients svg, figure svg");
      await page.reload();
      await page.goto(`${of().plainUrl}#/sequence`);
      await page.waitForSelector("[data-loss]");
      expect(await page.locator(".error").count()).toBe(0);
      await page.waitForSelector("text=This page works without a network");
    } finally {
      await context.close();
    }
  });

  test("says what is wrong where WebAssembly has no SIMD, and computes small networks all the same", async (context) => {
    // V8 has no SIMD then, in workers neither.
    const args = ["--no-sandbox", "--disable-gpu", "--js-flags=--no-enable-sse4-1"];
    const browser = await chromium.launch({ executablePath: chromiumPath!, args });
    try {
      const page = await browser.newPage({ locale: "en-GB" });
      const simd = await page.evaluate(() =>
        WebAssembly.validate(
          // (func (result v128) (v128.const 0 …))
          new Uint8Array(
            [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12].concat(
              ...[Array.from({ length: 16 }, () => 0), [11]],
            ),
          ),
        ),
      );
      if (simd) context.skip("this Chromium keeps its SIMD with that flag");
      for (const room of ["/sequence", "/training"]) {
        await page.goto(`${of().plainUrl}?${room.length}#${room}`);
        await page.waitForSelector(".error >> text=This browser has no SIMD in WebAssembly");
      }
      await page.goto(`${of().plainUrl}?cell#/cell/lstm`);
      await page.waitForSelector(".timeline [data-expects]");
    } finally {
      await browser.close();
    }
  });

  test("colours of the system leave to see what is chosen, and the colours that are numbers", async () => {
    await of().visit(
      "/sequence",
      async (page) => {
        await page.waitForSelector("[data-loss]");
        const colours = (selector: string): Promise<string[]> =>
          page.locator(selector).evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
        const [on, off] = await colours(".reads .segmented button");
        expect(on).not.toBe(off);
        expect(new Set(await colours(".reading span")).size).toBeGreaterThan(10);
      },
      { forcedColors: "active" },
    );
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
