/** `npm run docs:cells`: prints docs/cells/ from the cells' equations. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureBuilt, ensureInstalled, orExit, root } from "./bootstrap.mjs";

orExit(() => {
  ensureInstalled();
  ensureBuilt();
});

const { cellPages } = await import("./docs/cell-pages.mjs");
const folder = path.join(root, "docs", "cells");
const pages = await cellPages((name) => import(new URL(`../dist/${name}.js`, import.meta.url).href));
for (const old of existsSync(folder) ? readdirSync(folder) : []) if (!pages.has(old)) rmSync(path.join(folder, old));
for (const [name, text] of pages) writeFileSync(path.join(folder, name), text);
console.log(`${pages.size} pages in docs/cells`);
