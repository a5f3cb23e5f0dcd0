import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cellPages } from "../../scripts/docs/cell-pages.mjs";

const source = (name: string): string => new URL(`../../src/${name}.ts`, import.meta.url).pathname;
const pages: ReadonlyMap<string, string> = await cellPages((name: string) => import(/* @vite-ignore */ source(name)));
const docs = new URL("../../docs/", import.meta.url);
const names = (folder: string): string[] => readdirSync(new URL(folder, docs)).map((name) => folder + name);

describe("docs/cells and docs/zh/cells", () => {
  test("have a page for every cell and no other", () =>
    expect([...names("cells/"), ...names("zh/cells/")].sort()).toEqual([...pages.keys()].sort()));

  test.each([...pages.keys()])("%s is what `npm run docs:cells` prints", (name) => {
    const page = readFileSync(new URL(name, docs), "utf8");
    expect(page, "run `npm run docs:cells` and commit what changed").toBe(pages.get(name));
  });
});
