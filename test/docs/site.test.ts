import { describe, expect, test } from "vitest";
import { allPages, chinese, english, missingPages, sidebarOf } from "../../docs/site/pages.mjs";
import { chinesePages, withCodeOf } from "../../scripts/docs/chinese-code.mjs";
import { errorPage, thrownErrors } from "../../scripts/docs/error-page.mjs";
import { textOf } from "./markdown.ts";

const linksOf = (groups: typeof english): string[] =>
  sidebarOf(groups).flatMap(({ items }) => items.map(({ link }) => link.slice(1)));

describe("the sidebar", () => {
  test("names no page that is not there", () => expect(missingPages()).toEqual([]));

  test("leads to every page", () => {
    const reached = [...linksOf(english), ...linksOf(chinese), "index", "zh/index"];
    expect([...new Set(reached)].sort()).toEqual(allPages());
  });

  test.each([
    ["English", english],
    ["Chinese", chinese],
  ])("%s: names no page twice, and each has words", (_, groups) => {
    const links = linksOf(groups);
    expect(links.filter((link, k) => links.indexOf(link) !== k)).toEqual([]);
    for (const { text } of sidebarOf(groups).flatMap(({ items }) => items)) expect(text).toMatch(/\S/);
  });
});

describe("Chinese pages", () => {
  test.each(chinesePages().map((one) => [one.page, one] as const))("%s has the code of its English page", (_, one) =>
    expect(one.text, "run `npm run docs:chinese` and commit what changed").toBe(one.wanted()),
  );

  test("code that differs is replaced, a block that is missing is an error", () => {
    const [a, b] = ["```ts\nconst a = 1;\n```", "```ts\nconst b = 2;\n```"];
    expect(withCodeOf("x.md", `前\n${a}\n后`, `before\n${b}\nafter`)).toBe(`前\n${b}\n后`);
    expect(() => withCodeOf("x.md", "前", `before\n${b}\nafter`)).toThrow("docs/zh/x.md has 0 blocks");
  });
});

describe("docs/reference/errors.md", () => {
  const errors = thrownErrors();

  test("is what `npm run docs:reference` prints", () =>
    expect(textOf("docs/reference/errors.md"), "run `npm run docs:reference` and commit what changed").toBe(
      errorPage(errors),
    ));

  test("knows codes that stand in conditions, constants and functions", () => {
    for (const code of ["file-unreadable", "bad-safetensors", "unknown-choice", "shape-mismatch"])
      expect(errors.has(code), code).toBe(true);
    expect([...errors.get("shape-mismatch")!.messages]).toContain("‹argument›: expected shape …, got …‹transposed›");
  });
});
