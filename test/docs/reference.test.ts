import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandPages } from "../../scripts/docs/command-page.mjs";

const source = (name: string): string => new URL(`../../src/${name}.ts`, import.meta.url).pathname;
const pages: ReadonlyMap<string, string> = await commandPages(
  (name: string) => import(/* @vite-ignore */ source(name)),
);
const folder = new URL("../../docs/reference/", import.meta.url);

test.each([...pages.keys()])("docs/reference/%s is what `npm run docs:reference` prints", (name) => {
  const page = readFileSync(new URL(name, folder), "utf8");
  expect(page, "run `npm run docs:reference` and commit what changed").toBe(pages.get(name));
});
