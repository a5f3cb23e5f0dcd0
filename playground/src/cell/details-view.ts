import { html, nothing, type TemplateResult } from "lit";
import { formatNumber, gateColor } from "longshort/components";
import type { CellGraphNode } from "longshort/explain";
import { say } from "../language.ts";
import { update } from "../update.ts";
import { formula } from "../views/formula.ts";
import { gateWord } from "../words.ts";
import type { Bench } from "./bench.ts";

/** What is known of the value that is looked at: its formula, its numbers, the weights it comes from. */
export function details(bench: Bench): TemplateResult {
  const id = bench.looked;
  const node = bench.graph!.nodes[id]!;
  const value = bench.values()[id]!;
  const line = bench.lineOf(node);
  const gate = gateOf(node);
  const word = gate ? gateWord(gate) : "";
  const [low, high] = node.symbol === "σ" ? [0, 1] : [-3, 3];
  const title =
    node.kind === "sum"
      ? say(`what ${gate} sees`, `${gate} 的输入和`)
      : node.kind === "previous"
        ? say(`${word} of the step before`, `上一步的${word}`)
        : word || say("in between", "中间结果");
  const sum = node.kind === "sum" ? node.name!.slice(4) : node.name;
  return html`<aside class="details" aria-live="polite" style="--line:${gateColor(gate)}">
    <h2><span>${letterOf(bench, node)}</span> ${title}</h2>
    ${line ? html`<div class="line">${formula(line)}</div>` : nothing}
    <div class="sliders">${Array.from(
      value,
      (v, unit) => html`<label><span>${unit}</span>
      <input type="range" min=${low} max=${high} step="0.01" .value=${String(v)} aria-label=${`${node.name ?? node.symbol} ${unit}`}
        @input=${(e: Event) => bench.setValue(id, unit, Number((e.target as HTMLInputElement).value))} />
      <output data-value=${v}>${formatNumber(v)}</output></label>`,
    )}</div>
    <p class="hint">${say("Drag a value: what follows from it is computed anew, to the end of the line. A click on a box keeps it here.", "拖动数值：由它决定的一切都会重新计算，直到行末。点击方框，就停在它上面。")}</p>
    ${bench.cell.gates.some(({ name }) => name === gate) && node.kind !== "previous" ? weightRow(bench, sum!) : nothing}
  </aside>`;
}

/** The gate or the state that a value belongs to. */
const gateOf = ({ name }: CellGraphNode): string | undefined =>
  name?.replace(/^(pre|previous)\./, "").replace(/\.[xh]$/, "");

function letterOf(bench: Bench, node: CellGraphNode): TemplateResult {
  if (node.kind === "previous") return html`${node.symbol}<sub>t−1</sub>`;
  const [base, above, below] =
    bench.letter(node) ?? (node.kind === "sum" ? ["W", "", gateOf(node)!] : [node.symbol, ""]);
  return html`${base}${above ? html`<sup>${above}</sup>` : nothing}${below ? html`<sub>${below}</sub>` : nothing}`;
}

const weights = new WeakMap<Bench, { key: unknown; values: ReadonlyMap<string, ArrayLike<number>> }>();

/** The rows of both matrices that belong to a gate and a unit, to be dragged, beside what they are multiplied with. */
function weightRow(bench: Bench, sum: string): TemplateResult {
  const gate = sum.replace(/\.[xh]$/, "");
  const known = weights.get(bench);
  if (!known || known.key !== bench.whole) {
    const key = bench.whole;
    void bench.opened!.parameters.toTensors().then((tensors) => {
      weights.set(bench, { key, values: new Map([...tensors].map(([name, { data }]) => [name, data])) });
      update();
    });
    if (!known) return html``;
  }
  const { gates } = bench.cell;
  // The matrix over h has rows of those gates only that see it.
  const rowIn = (of: typeof gates): number => of.findIndex((g) => g.name === gate) * bench.units + bench.unit;
  const { x, h } = bench.joined();
  const parts = [
    ["x", "rnn.weight_ih_l0", x, rowIn(gates)],
    ["h", "rnn.weight_hh_l0", h, rowIn(gates.filter((g) => g.recurrent))],
  ] as const;
  return html`<div class="weights"><h3>${say("Its row of weights, unit", "对应的权重行，单元")}
      <select aria-label=${say("unit", "单元")} @change=${(e: Event) => {
        bench.unit = Number((e.target as HTMLSelectElement).value);
        update();
      }}>${Array.from({ length: bench.units }, (_, u) => html`<option .selected=${u === bench.unit}>${u}</option>`)}</select>
      <small>${say("weight × what it sees", "权重 × 它看到的数")}</small></h3>
    ${parts
      .filter(([, , , row]) => row >= 0)
      .filter(([part]) => !sum.includes(".") || sum.endsWith(part))
      .map(([part, name, seen, row]) =>
        Array.from(seen, (input, k) => {
          const index = row * seen.length + k;
          const value = weights.get(bench)!.values.get(name)![index]!;
          return html`<label><span>${part}${k}</span><input type="range" min="-6" max="6" step="0.05" .value=${String(value)} aria-label=${`${name} ${row} ${k}`}
        @input=${(e: Event) => void bench.setWeight(name, index, Number((e.target as HTMLInputElement).value))} /><output>${formatNumber(value, 2)} <small>× ${formatNumber(input, 2)}</small></output></label>`;
        }),
      )}</div>`;
}
