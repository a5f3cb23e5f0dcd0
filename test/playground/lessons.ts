import { expect, test } from "vitest";
import { numbers, type Playground, violations } from "./playground.ts";

/** The lessons. */
export function lessonsRoom(of: () => Playground): void {
  test("lessons: eight stops in both languages, by keys alone; the two ways of writing give the same numbers", async () => {
    await of().visit("/lessons/1", async (page) => {
      await page.waitForSelector("[data-expects]");
      expect(await page.locator("html").getAttribute("lang")).toBe("en");
      for (let stop = 1; stop < 8; stop++) {
        await page.locator(".turn .on").focus();
        await page.keyboard.press("Enter");
        await page.waitForSelector(`text=${stop + 1} / 8`);
      }
      const [rnnCount, gruCount, lstmCount] = await numbers(page, "[data-count]", "data-count");
      expect([gruCount! / rnnCount!, lstmCount! / rnnCount!]).toEqual([3, 4]);
      await page.goto(`${of().url}#/lessons/4`);
      await page.waitForSelector("[data-sum]");
      const sums = await numbers(page, "[data-sum]", "data-sum");
      expect(sums).toHaveLength(8);
      for (let k = 0; k < 4; k++) expect(sums[k]).toBeCloseTo(sums[k + 4]!, 9);
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "中文" }).click();
      await page.waitForSelector("text=一个向量，四个值");
      expect(await page.locator("html").getAttribute("lang")).toBe("zh-Hans");
    });
    await of().visit("/lessons/1", (page) => page.waitForSelector("text=顺序有意义").then(() => undefined), {
      locale: "zh-CN",
    });
  });
}
