import { readFileSync } from "node:fs";
import { cellPage } from "./cell-page.mjs";
import { cellTexts } from "./cell-texts.mjs";
import { chineseCellTexts } from "./cell-texts-zh.mjs";
import { chinese, english } from "./cell-words.mjs";
import { ownPage } from "./own-page.mjs";

const modules = [
  "cells/define",
  "cells/registry",
  "layers/recurrent",
  "math/expression",
  "print/latex",
  "print/latex-derivatives",
  "print/latex-equations",
  "print/latex-names",
  "scan/lower",
  "scan/widths",
];

/**
 * All pages of docs/cells and docs/zh/cells by their path in docs.
 *
 * @param load Imports a module by its path without ending, from dist/ or from src/.
 */
export async function cellPages(load) {
  const library = Object.assign({}, ...(await Promise.all(modules.map(load))));
  const missing = library.cellNames.filter((name) => !cellTexts.some((text) => text.name === name));
  if (missing.length > 0) throw new Error(`scripts/docs/cell-texts.mjs has no text for ${missing.join(", ")}`);
  const pages = new Map();
  for (const text of cellTexts) pages.set(`cells/${text.name}.md`, cellPage(text, library, english));
  for (const text of chineseCellTexts) pages.set(`zh/cells/${text.name}.md`, cellPage(text, library, chinese));
  const source = readFileSync(new URL("../../examples/own-cell.ts", import.meta.url), "utf8");
  const own = ownCell(source, library);
  pages.set("cells/your-own.md", ownPage(source, own, library, "en"));
  pages.set("zh/cells/your-own.md", ownPage(source, own, library, "zh"));
  return pages;
}

/** The cell of the example, without running the rest of it. */
function ownCell(source, library) {
  const body = /defineCell\((\{[\s\S]*?\n\})\);/.exec(source);
  if (!body) throw new Error("examples/own-cell.ts: no defineCell({ … }) found");
  const names = [
    "add",
    "mul",
    "sub",
    "div",
    "sigmoid",
    "tanh",
    "max",
    "min",
    "split",
    "input",
    "gateOf",
    "mean",
    "square",
  ];
  const make = new Function(...names, `return (${body[1]});`);
  return library.defineCell(make(...names.map((name) => library[name])));
}
