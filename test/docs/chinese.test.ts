import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { blocksOf, pages, root, textOf } from "./markdown.ts";

/*
 * Every English guide and cell has its Chinese page, and the two cannot drift apart unnoticed: they have the same headings, tables and
 * blocks of code, and section by section what needs no translation in the English page, its code and figures, is in the Chinese one.
 */

const english = pages.filter((page) => /^docs\/(guide|cells)\//.test(page));
const chineseOf = (page: string): string => page.replace("docs/", "docs/zh/");

interface Section {
  readonly level: number;
  readonly title: string;
  readonly text: string;
}

function sectionsOf(text: string): Section[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "").replace(/<math[\s\S]*?<\/math>|<!--[\s\S]*?-->/g, "");
  const parts = prose.split(/^(#+) (.*)$/m);
  const count = (parts.length - 1) / 3;
  return Array.from({ length: count }, (_, k) => ({
    level: parts[3 * k + 1]!.length,
    title: parts[3 * k + 2]!,
    text: `${parts[3 * k + 2]}\n${parts[3 * k + 3]}`,
  }));
}

const codeOf = (text: string): string[] => [...text.matchAll(/`[^`]*`/g)].map(([code]) => code.replace(/\s+/g, " "));
const figuresOf = (text: string): string[] =>
  [...text.replace(/`[^`]*`/g, "").matchAll(/\d[\d.,]*\d/g)].map(([figure]) => figure);
const rowsOf = (text: string): number => text.match(/^\|/gm)?.length ?? 0;

/** What `own` lacks of `wanted`, each thing as often as it is missing. */
function lacking(wanted: readonly string[], own: readonly string[]): string[] {
  const left = [...own];
  return wanted.filter((thing) => {
    const at = left.indexOf(thing);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** How a Chinese page differs from its English one, in words. */
function differences(en: string, zh: string): string[] {
  const [blocks, own] = [blocksOf(en), blocksOf(zh)];
  const first = (code: string): string => JSON.stringify(code.split("\n")[0]);
  const found = Array.from({ length: Math.max(blocks.length, own.length) }, (_, k) => {
    const [a, b] = [blocks[k], own[k]];
    if (!b) return `block ${k + 1}, ${first(a!.code)}, is missing`;
    if (!a) return `block ${k + 1}, ${first(b.code)}, is not in the English page`;
    return a.code === b.code && a.language === b.language ? "" : `block ${k + 1}, ${first(a.code)}, differs`;
  });
  const [sections, theirs] = [sectionsOf(en), sectionsOf(zh)];
  if (sections.map(({ level }) => level).join() !== theirs.map(({ level }) => level).join())
    return [...found, `${sections.length} headings became ${theirs.length}, or their levels differ`].filter(Boolean);
  for (const [k, section] of sections.entries()) {
    const { title, text } = theirs[k]!;
    const place = `“${section.title}” (${title})`;
    const code = lacking(codeOf(section.text), codeOf(text));
    const figures = lacking(figuresOf(section.text), figuresOf(text));
    if (code.length > 0) found.push(`${place} lacks ${code.join(" ")}`);
    if (figures.length > 0) found.push(`${place} lacks the figures ${figures.join(" ")}`);
    if (rowsOf(section.text) !== rowsOf(text))
      found.push(`${place} has ${rowsOf(text)} rows of tables, not ${rowsOf(section.text)}`);
  }
  return found.filter(Boolean);
}

const hint = (page: string): string =>
  `translate what changed into ${chineseOf(page)}; blocks of code are carried over by \`npm run docs:chinese\``;

describe("every English page has its Chinese page, with the same code, headings, tables and figures", () => {
  test.each(english)("%s", (page) => {
    expect(existsSync(resolve(root, chineseOf(page))), hint(page)).toBe(true);
    expect(differences(textOf(page), textOf(chineseOf(page))), hint(page)).toEqual([]);
  });

  test("and no Chinese page is left of an English one that is gone", () =>
    expect(pages.filter((page) => /^docs\/zh\/(guide|cells)\//.test(page))).toEqual(english.map(chineseOf)));

  test("what differs is named", () => {
    const page = "# A\n\n`x` is 1,000.\n\n| a |\n\n```ts\none\n```\n\n## B\n";
    expect(differences(page, page)).toEqual([]);
    expect(differences(page, page.replace("one", "two"))).toEqual(['block 1, "one", differs']);
    expect(differences(page, page.replace("## B\n", ""))).toEqual(["2 headings became 1, or their levels differ"]);
    expect(differences(page, page.replace("`x` is 1,000", "x 是一千").replace("| a |", ""))).toEqual([
      "“A” (A) lacks `x`",
      "“A” (A) lacks the figures 1,000",
      "“A” (A) has 0 rows of tables, not 1",
    ]);
  });
});

test("the Chinese page of commands and errors names every command and every class of errors", () => {
  const links = (page: string): string[] => [...textOf(page).matchAll(/^\| \[(`[^`]+`)\]/gm)].map((m) => m[1]!);
  const classes = (page: string): string[] => [...textOf(page).matchAll(/^\| (`\w+Error`)/gm)].map((m) => m[1]!);
  expect(links("docs/zh/reference.md")).toEqual(links("docs/reference/commands.md"));
  expect(classes("docs/zh/reference.md")).toEqual(classes("docs/reference/errors.md"));
});
