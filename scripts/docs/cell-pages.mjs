import { readFileSync } from "node:fs";
import { cellPage } from "./cell-page.mjs";
import { cellTexts } from "./cell-texts.mjs";
import { ownPage } from "./own-page.mjs";

const modules = [
  "cells/define",
  "cells/registry",
  "math/expression",
  "print/latex",
  "print/latex-derivatives",
  "print/latex-equations",
  "print/latex-names",
  "scan/lower",
  "scan/widths",
];

/**
 * All pages of docs/cells by their file name.
 *
 * @param load Imports a module by its path without ending, from dist/ or from src/.
 */
export async function cellPages(load) {
  const library = Object.assign({}, ...(await Promise.all(modules.map(load))));
  const missing = library.cellNames.filter((name) => !cellTexts.some((text) => text.name === name));
  if (missing.length > 0) throw new Error(`scripts/docs/cell-texts.mjs has no text for ${missing.join(", ")}`);
  const pages = new Map(cellTexts.map((text) => [`${text.name}.md`, cellPage(text, library)]));
  const source = readFileSync(new URL("../../examples/own-cell.ts", import.meta.url), "utf8");
  pages.set("your-own.md", ownPage(source, ownCell(source, library), library));
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
