/** `npm run docs:cells`: prints docs/cells/ and docs/zh/cells/ from the cells' equations. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureReady, root } from "./bootstrap.mjs";

ensureReady();

const { cellPages } = await import("./docs/cell-pages.mjs");
const docs = path.join(root, "docs");
const pages = await cellPages((name) => import(new URL(`../dist/${name}.js`, import.meta.url).href));
for (const folder of ["cells", "zh/cells"]) {
  rmSync(path.join(docs, folder), { recursive: true, force: true });
  mkdirSync(path.join(docs, folder));
}
for (const [name, text] of pages) writeFileSync(path.join(docs, name), text);
console.log(`${pages.size} pages in docs/cells and docs/zh/cells`);
