import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { colorOf, colorTable, inkOn, legendOf, scaleOf } from "../../src/components/color.ts";
import { rangeOf } from "../../src/components/series-canvas.ts";

const page = { documentElement: { dataset: { theme: "light" } } };
beforeEach(() => void vi.stubGlobal("document", page));
afterEach(() => {
  page.documentElement.dataset.theme = "light";
  vi.unstubAllGlobals();
});

describe("a scale", () => {
  test("is 0 to 1 of gates, else the same on both sides of 0 and at least 1", () => {
    expect(scaleOf([0, 0.5, 1])).toEqual({ low: 0, high: 1 });
    expect(scaleOf([])).toEqual({ low: 0, high: 1 });
    expect(scaleOf([-0.5, 0.2])).toEqual({ low: -1, high: 1 });
    expect(scaleOf([0, 3])).toEqual({ low: -3, high: 3 });
    expect(scaleOf([-4, 3])).toEqual({ low: -4, high: 4 });
  });

  test("of many numbers leaves the largest of a hundred out", () => {
    const numbers = Array.from({ length: 1000 }, (_, k) => (k === 7 ? 500 : ((k * 7) % 20) / 10 - 1));
    expect(scaleOf(numbers)).toEqual({ low: -1, high: 1 });
    expect(scaleOf(numbers.slice(0, 200)).high).toBe(500);
    expect(scaleOf(Array.from({ length: 1000 }, (_, k) => (k - 500) / 10))).toEqual({ low: -48.5, high: 48.5 });
  });

  test("is that of the numbers where some are none", () => {
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(scaleOf([...bad, 2, -1])).toEqual({ low: -2, high: 2 });
    expect(scaleOf([...bad, 0.5])).toEqual({ low: 0, high: 1 });
    expect(scaleOf(Array.from({ length: 400 }, (_, k) => (k % 2 ? Number.NaN : 3)))).toEqual({ low: -3, high: 3 });
    expect(rangeOf([{ data: [Number.NaN, 2, -1] }, { data: [5] }])).toEqual([-1, 5]);
  });
});

/** @see Web Content Accessibility Guidelines 2.2, contrast ratio */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number => {
    const parts = colour.startsWith("#")
      ? colour === "#fff"
        ? [255, 255, 255]
        : [0, 0, 0]
      : colour.match(/\d+/g)!.map(Number);
    const [r, g, bl] = parts.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * bl!;
  };
  const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
  return (x! + 0.05) / (y! + 0.05);
}

describe("colours", () => {
  test.each(["light", "dark"])("can be read on, go from end to end, and stay within: %s", (theme) => {
    page.documentElement.dataset.theme = theme;
    for (const scale of [
      { low: 0, high: 1 },
      { low: -2, high: 2 },
    ]) {
      const table = new Uint8Array(colorTable(scale).buffer);
      for (let n = 0; n <= 255; n++) {
        const value = scale.low + ((scale.high - scale.low) * n) / 255;
        const colour = colorOf(value, scale);
        expect(contrast(colour, inkOn(value, scale))).toBeGreaterThanOrEqual(4.5);
        expect(colour).toBe(`rgb(${[...table.subarray(4 * n, 4 * n + 3)].join(" ")})`);
        expect(table[4 * n + 3]).toBe(255);
      }
      expect(colorOf(99, scale)).toBe(colorOf(scale.high, scale));
      expect(colorOf(Number.NEGATIVE_INFINITY, scale)).toBe(colorOf(scale.low, scale));
      expect(legendOf(scale)).toContain(colorOf(scale.low, scale));
    }
    expect(colorOf(0, { low: -1, high: 1 })).toBe(colorOf(0, { low: 0, high: 1 }));
  });

  test("go in straight lines from paper to ink", () => {
    const shown = [0, 0.125, 0.25, 1].map((value) => colorOf(value, { low: 0, high: 1 }));
    expect(shown).toEqual(["rgb(247 244 236)", "rgb(220 231 225)", "rgb(192 218 214)", "rgb(16 49 89)"]);
    const signed = [-1, 0, 1].map((value) => colorOf(value, { low: -1, high: 1 }));
    expect(signed).toEqual(["rgb(18 70 128)", "rgb(247 244 236)", "rgb(166 74 12)"]);
  });

  test("of what is no number there is none", () => {
    expect(colorOf(Number.NaN, { low: -1, high: 1 })).toBe("transparent");
    expect(inkOn(Number.NaN, { low: -1, high: 1 })).toBe("inherit");
  });
});
