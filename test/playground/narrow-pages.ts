import { expect, test } from "vitest";
import { comparePage } from "../../src/cli/compare-page.ts";
import { forecastPage } from "../../src/cli/forecast-page.ts";
import type { RunStory } from "../../src/cli/run-story.ts";
import { timeZone } from "../../src/data/time-zone.ts";
import type { Playground } from "./playground.ts";

const curve = Array.from({ length: 40 }, (_, k) => [k, 1 / (k + 1)] as const);
const story = (folder: string): RunStory => ({
  ...{ folder, task: "language-model", model: {}, settings: {}, start: { parameters: 1234 }, best: undefined },
  ...{ step: 39, epoch: 1, seconds: 2, ended: "done", changed: new Date(0), files: [] },
  curves: {
    ...{ "validation loss": curve, "training loss": curve, "learning rate": [], "gradient norm": curve, speed: curve },
  },
});
const settings = Array.from({ length: 12 }, (_, k) => ({ setting: `aSetting${k}`, values: [k, -k] }));

const known = Float64Array.from({ length: 60 }, (_, k) => 1000 * Math.sin(k));
const series = { id: "", length: 60, values: { sales: known }, times: undefined, categories: undefined };
const point = known.slice(0, 14);

const PAGES = {
  compare: comparePage([story("a run with a long name"), story("b")], settings),
  forecast: forecastPage(
    {
      ...{ series: [series], targets: ["sales"], past: [], known: [], categories: undefined },
      ...{ step: undefined, timeZone: timeZone("UTC"), notices: [] },
    },
    [{ ...{ id: "", origin: 60, times: undefined }, targets: { sales: { point, quantiles: [] } } }],
    { past: 28, season: 7 },
  ),
};

const short = { ...story("one epoch"), curves: { ...story("").curves, "validation loss": [[20, 0.5]] as const } };

/** Pages that commands write, on a phone: nothing scrolls them sideways, letters can be read, scales stay in sight. */
export function narrowPages(of: () => Playground): void {
  test("the page of compare shows a run that was measured once", async () => {
    const page = await of().browser.newPage();
    try {
      await page.setContent(comparePage([story("a"), short], []));
      const dots = (name: string) => page.locator(`svg[aria-label="${name}"] circle`).count();
      expect([await dots("validation loss"), await dots("training loss")]).toEqual([1, 0]);
    } finally {
      await page.close();
    }
  });

  test("a picture that goes on beside the screen says so, and only there", async () => {
    const page = await of().browser.newPage();
    try {
      const seen: boolean[] = [];
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        await page.setContent(PAGES.forecast);
        const wider = await page.locator(".plot").evaluate((plot) => plot.scrollWidth > plot.clientWidth);
        expect(await page.getByText("The picture goes on to the left").isVisible()).toBe(wider);
        seen.push(wider);
      }
      expect(seen).toEqual([true, false]);
    } finally {
      await page.close();
    }
  });

  test.each(Object.entries(PAGES))("the page of %s on a phone", async (_, html) => {
    const page = await of().browser.newPage();
    try {
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      await page.setViewportSize({ width: 390, height: 844 });
      await page.setContent(html);
      await page.waitForSelector("svg text");
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      const texts = await page.locator("svg text").evaluateAll((all) =>
        all.map((text) => {
          const { left, height } = text.getBoundingClientRect();
          return { left, height, scale: text.getAttribute("text-anchor") === "end" };
        }),
      );
      // The box of a line of 9 pixels.
      for (const { height } of texts) expect(height).toBeGreaterThan(10);
      const scales = texts.filter(({ scale }) => scale);
      expect(scales.length).toBeGreaterThan(3);
      for (const { left } of scales) expect(left).toBeGreaterThanOrEqual(0);
      expect(errors).toEqual([]);
    } finally {
      await page.close();
    }
  });
}
