import { mkdirSync, mkdtempSync, promises, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join, resolve } from "node:path";
import ts from "typescript";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { tinyText } from "../support/tiny-run.ts";
import { type Block, blocksOf, pages, root, textOf } from "./markdown.ts";

/*
 * Code in the pages. A block `ts` runs; `ts no-run` only has to compile; `ts file=PATH`, or a block that is the text of a file in
 * examples/, is that file, which has a test of its own.
 * Blocks of one page run in their order in one empty folder that holds `novel.txt`, a short text.
 */

interface Example extends Block {
  readonly page: string;
  readonly file: string;
  readonly title: string;
}

mkdirSync(resolve(root, "coverage"), { recursive: true });
const folder = mkdtempSync(resolve(root, "coverage", "docs-"));
// The Chinese pages have the code of the English ones (site.test.ts), which runs.
const examples: readonly Example[] = pages
  .filter((page) => !page.startsWith("docs/zh/"))
  .flatMap((page) =>
    blocksOf(textOf(page))
      .filter(({ language }) => language === "ts")
      .map((block, k) => {
        const file = join(folder, `${page.replace(/\W/g, "-")}-${k + 1}.ts`);
        const title = `${page}, block ${k + 1}`;
        return { ...block, page, file, title };
      }),
  );
for (const { file, code } of examples)
  writeFileSync(file, /^(import|export) /m.test(code) ? code : `${code}\nexport {};\n`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("there are examples", () => expect(examples.length).toBeGreaterThan(5));

test("they compile, as a user's strict TypeScript would", () => {
  const { config } = ts.readConfigFile(resolve(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    examples.map(({ file }) => file),
    options,
  );
  const found = examples.flatMap(({ file, title }) => {
    const source = program.getSourceFile(file)!;
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return problems.map((p) => `${title}: ${ts.flattenDiagnosticMessageText(p.messageText, " ")}`);
  });
  expect(found).toEqual([]);
});

const programs = readdirSync(resolve(root, "examples")).filter((name) => name.endsWith(".ts"));
const programOf = (code: string): string | undefined =>
  programs
    .map((name) => `examples/${name}`)
    .find((name) => readFileSync(resolve(root, name), "utf8").trim() === code.trim());
const fileOf = ({ words, code }: Block): string | undefined =>
  words.find((word) => word.startsWith("file="))?.slice(5) ?? programOf(code);

test("the README shows the program that trains, saves and writes", () =>
  expect(blocksOf(textOf("README.md")).map(({ code }) => programOf(code))).toContain("examples/train-text.ts"));

describe("copies of files are equal to them", () => {
  const copies = examples.filter((e) => fileOf(e));
  test.each(copies.map((e) => [e.title, e] as const))("%s", (_, e) =>
    expect(e.code.trim()).toBe(readFileSync(resolve(root, fileOf(e)!), "utf8").trim()),
  );
});

const running = examples.filter((e) => !fileOf(e) && !e.words.includes("no-run"));
describe.each([...new Set(running.map((e) => e.page))])("%s runs", (page) => {
  const home = process.cwd();
  let place = "";
  let printed = "";
  let opened: FileHandle[] = [];
  beforeAll(() => {
    place = mkdtempSync(join(folder, "run-"));
    writeFileSync(join(place, "novel.txt"), `The ${tinyText}`.repeat(3));
    process.chdir(place);
  });
  afterAll(() => process.chdir(home));
  beforeEach(() => {
    printed = "";
    const keep = (text: unknown): boolean => {
      printed += String(text);
      return true;
    };
    vi.spyOn(process.stdout, "write").mockImplementation(keep);
    vi.spyOn(console, "log").mockImplementation((...values) => void keep(values.join(" ")));
    opened = [];
    const open = promises.open;
    vi.spyOn(promises, "open").mockImplementation(async (...given) => {
      const file = await open(...given);
      opened.push(file);
      return file;
    });
  });
  afterEach(() => vi.restoreAllMocks());

  test.each(running.filter((e) => e.page === page).map((e) => [e.title, e] as const))("%s", async (_, e) => {
    await import(/* @vite-ignore */ e.file);
    expect(printed, "an example shows something").not.toBe("");
    expect(opened.filter(({ fd }) => fd >= 0).length, "files that an example leaves open").toBe(0);
  });
});
