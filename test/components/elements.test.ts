import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, test } from "vitest";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { defineCell } from "../../src/cells/define.ts";
import { cellGraph } from "../../src/explain/cell-graph.ts";
import { mul, sigmoid, tanh } from "../../src/math/expression.ts";
import { fromFolder, withPage } from "../package/page.ts";

/*
 * The elements in a page of somebody else's: built files, no bundler, a policy that forbids inline scripts and styles, no style sheet
 * of ours.
 */

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

/** The cell of the page below, here. */
const own = defineCell({
  name: "own",
  gates: { keep: sigmoid, fresh: tanh },
  state: ["m"],
  step: ({ keep, fresh }, previous) => ({ m: mul(keep, mul(previous.m, fresh)) }),
});

const PAGE = `<!doctype html><meta charset="utf-8"><title>elements</title><script type="module" src="/page.mjs"></script>`;
const SCRIPT = `
import { defineCell } from "/cells/define.js";
import { lstm } from "/cells/lstm.js";
import { mul, sigmoid, tanh } from "/math/expression.js";
import { defineCellDiagram, defineGates } from "/components/index.js";
defineCellDiagram();
defineGates();
const cell = document.createElement("longshort-cell");
cell.cell = defineCell({
  name: "own",
  gates: { keep: sigmoid, fresh: tanh },
  state: ["m"],
  step: ({ keep, fresh }, previous) => ({ m: mul(keep, mul(previous.m, fresh)) }),
});
cell.given = { "pre.keep": [0, 2], "pre.fresh": [1, -1], "previous.m": [0.5, 0.25] };
cell.addEventListener("node", (event) => { cell.selected = event.detail.id; document.title = event.detail.node.name; });
document.body.append(cell);
const gates = document.createElement("longshort-gates");
gates.content = {
  tokens: ["a", "b", "\\u202e", "c"],
  bands: [{ name: "f", title: "forget", units: 2, data: Float32Array.from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) }],
};
gates.addEventListener("place", (event) => { document.title = JSON.stringify(event.detail); });
document.body.append(gates);
globalThis.lstm = lstm;
`;

describe("elements for pages", () => {
  beforeEach((context) => {
    if (!chromiumPath || !existsSync(path.join(dist, "components/index.js")))
      context.skip("Chromium is not installed or nothing is built");
  });

  const onPage = (use: (page: Page) => Promise<void>): Promise<void> =>
    withPage((url) => {
      if (url === "/") return { body: PAGE, type: "text/html" };
      if (url === "/page.mjs") return { body: SCRIPT, type: "text/javascript" };
      return fromFolder(dist)(url);
    }, use);

  test("a cell of one's own is drawn from its equations, with values; a trace is looked through by keys", async () => {
    await onPage(async (page) => {
      await page.waitForSelector("longshort-cell .node");
      const graph = cellGraph(own);
      expect(await page.locator("longshort-cell .node").count()).toBe(graph.nodes.length);
      expect(await page.locator("longshort-cell .edge.out").count()).toBe(1);
      const values = graph.evaluate({ "pre.keep": [0, 2], "pre.fresh": [1, -1], "previous.m": [0.5, 0.25] });
      const said = await page
        .locator("longshort-cell .node")
        .evaluateAll((all) => all.map((e) => e.getAttribute("aria-description")));
      for (const [k, { name, symbol }] of graph.nodes.entries()) {
        const shown = Array.from(values[k]!, (v) => v.toFixed(3).replace("-", "−")).join(", ");
        expect(said[k]).toBe(`${name ?? symbol}: ${shown}`);
      }
      // Gates of other names have colours of their own, not ink.
      const strokes = await page
        .locator("longshort-cell .node.operation .body")
        .evaluateAll((all) => all.map((e) => getComputedStyle(e).stroke));
      expect(new Set(strokes).size).toBeGreaterThan(2);
      const keep = graph.nodes.findIndex(({ name }) => name === "keep");
      await page.locator("longshort-cell .node").nth(keep).focus();
      expect(await page.title()).toBe("keep");
      await page.waitForSelector("longshort-cell .node.selected");
      // Squares follow the numbers.
      const fill = () => page.locator("longshort-cell .node").nth(keep).locator(".unit").first().getAttribute("fill");
      const before = await fill();
      await page.evaluate(() => {
        Object.assign(document.querySelector("longshort-cell")!, {
          given: { "pre.keep": [-9, 2], "pre.fresh": [1, -1], "previous.m": [0.5, 0.25] },
        });
      });
      expect(await fill()).not.toBe(before);

      // What a property does not take is said.
      const refused = (tag: string, property: string, value: unknown): Promise<string> =>
        page.evaluate(
          ([tag, property, value]) => {
            try {
              Object.assign(document.querySelector(tag as string)!, { [property as string]: value });
              return "";
            } catch (error) {
              return String(error);
            }
          },
          [tag, property, value] as const,
        );
      expect(await refused("longshort-cell", "cell", "lstm")).toContain("<longshort-cell> cell: expected a cell");
      expect(await refused("longshort-cell", "given", { "pre.keep": [1], "pre.fresh": [1, 2] })).toMatch(
        /lists of 1 and 2$/,
      );
      expect(await refused("longshort-cell", "given", { "pre.keep": [1] })).toMatch(/numbers for previous.m as well/);
      expect(await refused("longshort-gates", "content", null)).toContain("expected { tokens, bands }");
      const short = { tokens: ["a"], bands: [{ name: "f", title: "", units: 2, data: [1] }] };
      expect(await refused("longshort-gates", "content", short)).toContain('2 numbers in the band "f", got 1');
      expect(await refused("longshort-gates", "place", { band: 9, unit: 1e9, step: -4 })).toBe("");
      expect(await page.locator("longshort-gates .value").textContent()).toContain("unit 1 · “a”");
      await page.evaluate(() =>
        Object.assign(document.querySelector("longshort-gates")!, { place: { band: 0, unit: 0, step: 0 } }),
      );
      // What the sums are made of is drawn when it is given.
      await page.evaluate(() =>
        Object.assign(document.querySelector("longshort-cell")!, { joined: { x: [1, -2], h: [0.5, 0] } }),
      );
      await expect
        .poll(() => page.locator("longshort-cell .joined").getAttribute("aria-label"))
        .toBe("[x ; h]: 1.000, −2.000; 0.500, 0.000");
      expect(await page.locator("longshort-cell .edge.seen").count()).toBe(2);

      const scroller = page.locator("longshort-gates .heat-scroll");
      await scroller.focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowDown");
      expect(JSON.parse(await page.title())).toEqual({ band: 0, unit: 1, step: 1 });
      expect(await page.locator("longshort-gates .value").textContent()).toContain("forget · unit 1 · “b” · 0.400");
      // Nothing in a text turns what follows it; the style has arrived without a style sheet of the page's.
      expect(await page.locator("longshort-gates .reading").textContent()).toBe("ab·c");
      expect(await scroller.evaluate((e) => getComputedStyle(e).overflowX)).toBe("auto");
    });
  });

  test("on a narrow page a cell goes down and fits; words stand apart, over columns that they fit into", async () => {
    await onPage(async (page) => {
      await page.setViewportSize({ width: 390, height: 844 });
      await page.waitForSelector("longshort-cell .node");
      await page.evaluate(() => {
        const { lstm } = globalThis as unknown as { lstm: () => unknown };
        Object.assign(document.querySelector("longshort-cell")!, { cell: lstm(), joined: { x: [1], h: [0] } });
        Object.assign(document.querySelector("longshort-gates")!, {
          content: {
            tokens: ["the", "film", "ended"],
            bands: [{ name: "p", title: "first", units: 1, data: Float32Array.of(0.1, 0.2, 0.3) }],
          },
        });
      });
      const cell = page.locator("longshort-cell");
      const sideways = () => cell.evaluate((e) => e.scrollWidth - e.clientWidth);
      /** Of the state that the cell begins with, and of the last box. */
      const boxes = () =>
        cell.evaluate((e) => {
          const all = [...e.querySelectorAll(".node")].map((node) => node.getBoundingClientRect());
          const [first, last] = [all[0]!, all.at(-1)!];
          return { right: last.left > first.right, down: last.top > first.bottom, wide: first.width };
        });
      expect(await sideways()).toBe(0);
      const narrow = await boxes();
      expect(narrow.down).toBe(true);
      // Letters of 15 pixels are no smaller than 9.
      expect(narrow.wide).toBeGreaterThan(84 * 0.6);
      await page.setViewportSize({ width: 1200, height: 844 });
      await expect.poll(async () => (await boxes()).wide).toBeGreaterThan(84);
      expect((await boxes()).right).toBe(true);
      expect(await sideways()).toBe(0);

      expect(await page.locator("longshort-gates .reading").textContent()).toBe("the film ended");
      const map = (await page.locator("longshort-gates .heat-scroll").boundingBox())!;
      const row = map.y + 22 + 26 + 4;
      for (const [k, token] of ["the", "film", "ended"].entries()) {
        await page.mouse.move(map.x + 46 + (k + 0.5) * 76, row);
        await expect.poll(() => page.locator("longshort-gates .value").textContent()).toContain(`“${token}”`);
      }
    });
  });

  test("what is taken out of the page is not held by it, however often it comes and goes", async () => {
    await onPage(async (page) => {
      await page.waitForSelector("longshort-gates ls-heat-map");
      const held = await page.evaluate(() => {
        const { addEventListener: add, removeEventListener: remove } = document;
        let held = 0;
        document.addEventListener = (type: string, ...more: unknown[]): void => {
          if (type === "themechange") held++;
          Reflect.apply(add, document, [type, ...more]);
        };
        document.removeEventListener = (type: string, ...more: unknown[]): void => {
          if (type === "themechange") held--;
          Reflect.apply(remove, document, [type, ...more]);
        };
        const all = [...document.querySelectorAll("longshort-cell, longshort-gates")];
        for (let k = 0; k < 3; k++) {
          for (const element of all) element.remove();
          for (const element of all) document.body.append(element);
        }
        const there = held;
        for (const element of all) element.remove();
        return { there, gone: held };
      });
      // The cell, the gates and the map in them let go of what they had taken before this was counted.
      expect(held).toEqual({ there: 0, gone: -3 });
    });
  });
});
