import { expect, test } from "vitest";
import { SIMPLE } from "../../src/text/segments.ts";

test("every code unit of the fast path is a grapheme by itself, next to any other", () => {
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
  // The rules look at classes of characters, so one of each script stands for all: each code unit before and after these.
  const neighbours = ["a", " ", "\n", "é", "秦", "か", "я", "，", "©"];
  let count = 0;
  let block = "";
  for (let unit = 0; unit < 0xd800; unit++) {
    const character = String.fromCharCode(unit);
    if (!SIMPLE.test(character)) continue;
    count++;
    for (const neighbour of count % 50 === 0 || unit < 0x3100 ? neighbours : ["a"]) block += character + neighbour;
    if (block.length > 1000) {
      expect(Array.from(segmenter.segment(block)).length).toBe(block.length);
      block = "";
    }
  }
  expect(Array.from(segmenter.segment(block)).length).toBe(block.length);
  expect(count).toBeGreaterThan(27_000);
});

test("what combines is not on the fast path", () => {
  for (const text of ["\r", "\u0301", "\u200d", "\u1100", "\u0600", "ﾞ", "\ud83d\ude00", "\u3099", "\u302a", "\u00ad"]) {
    expect(SIMPLE.test(text)).toBe(false);
  }
});
