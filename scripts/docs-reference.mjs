/** `npm run docs:reference`: prints docs/reference/ from the definitions of the commands and the errors in the source. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureReady, root } from "./bootstrap.mjs";

ensureReady();

const { commandPages } = await import("./docs/command-page.mjs");
const folder = path.join(root, "docs", "reference");
mkdirSync(folder, { recursive: true });
const pages = await commandPages((name) => import(new URL(`../dist/${name}.js`, import.meta.url).href));
pages.set("errors.md", (await import("./docs/error-page.mjs")).errorPage());
for (const [name, text] of pages) writeFileSync(path.join(folder, name), text);
console.log(`${pages.size} files in docs/reference`);
