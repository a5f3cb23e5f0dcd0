import { html, type TemplateResult } from "lit";
import { aligned, type Cell, equations } from "longshort";
import { formula } from "../views/formula.ts";
import { long } from "./benches.ts";

/** Lines of a cell's equations, as the printer prints them in the chosen letters. */
export function linesOf(cell: Cell, ...names: string[]): TemplateResult {
  const starts = equations(cell);
  const numbers = new Set(names.map((name) => starts.findIndex((line) => line.startsWith(`${name}_t =`))));
  const lines = equations(cell, { notation: long.letters }).filter((_, k) => numbers.has(k));
  return html`<div class="line big">${formula(aligned(lines))}</div>`;
}

/** What is made of h is a layer's, not a cell's: no printer prints it. */
export const predictionLine = (): TemplateResult =>
  html`<div class="line big">${formula(aligned(["y_t = \\operatorname{softmax}(W' h_t + b')"]))}</div>`;

/** What the formulas call the gates of a GRU and its candidate. */
export const gruLetters = (): { readonly r: string; readonly z: string; readonly n: string } =>
  long.letters === "note" ? { r: "zʳ", z: "zᶻ", n: "z" } : { r: "r", z: "z", n: "n" };
