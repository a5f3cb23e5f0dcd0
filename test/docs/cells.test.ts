import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cellPages } from "../../scripts/docs/cell-pages.mjs";

const source = (name: string): string => new URL(`../../src/${name}.ts`, import.meta.url).pathname;
const pages: ReadonlyMap<string, string> = await cellPages((name: string) => import(/* @vite-ignore */ source(name)));
const folder = new URL("../../docs/cells/", import.meta.url);

describe("docs/cells", () => {
  test("has a page for every cell and no other", () =>
    expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort()));

  test.each([...pages.keys()])("%s is what `npm run docs:cells` prints", (name) => {
    const page = readFileSync(new URL(name, folder), "utf8");
    expect(page, "run `npm run docs:cells` and commit what changed").toBe(pages.get(name));
  });
});
