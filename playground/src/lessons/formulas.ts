import { html, type TemplateResult } from "lit";
import { aligned, type Cell, equations } from "longshort";
import { formula } from "../views/formula.ts";
import { long } from "./benches.ts";

/** Lines of a cell's equations, as the printer prints them in the chosen letters. */
export const linesOf = (cell: Cell, ...names: string[]): TemplateResult => shownLines(linesFor(cell, names));

/** The same, and below them what is made of h: that is a layer's, not a cell's, and no printer prints it. */
export const linesToPrediction = (cell: Cell, ...names: string[]): TemplateResult =>
  shownLines([...linesFor(cell, names), "y_t = \\operatorname{softmax}(W_y h_t + b_y)"]);

const shownLines = (lines: readonly string[]): TemplateResult =>
  html`<div class="line big" style="--lines:${lines.length}">${formula(aligned(lines))}</div>`;

function linesFor(cell: Cell, names: readonly string[]): string[] {
  const starts = equations(cell);
  const numbers = new Set(names.map((name) => starts.findIndex((line) => line.startsWith(`${name}_t =`))));
  return equations(cell, { notation: long.letters }).filter((_, k) => numbers.has(k));
}

/** What the formulas call the gates of a GRU and its candidate. */
export const gruLetters = (): { readonly r: string; readonly z: string; readonly n: string } =>
  long.letters === "note" ? { r: "zʳ", z: "zᶻ", n: "z" } : { r: "r", z: "z", n: "n" };
