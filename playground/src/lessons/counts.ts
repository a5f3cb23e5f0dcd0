import { html, type TemplateResult } from "lit";
import { type Cell, gru, lstm, rnn } from "longshort";
import { say } from "../language.ts";
import { update } from "../update.ts";

/** Parameters of one layer for an input and a state of the same width: G · (H·D + H·H + 2·H). */
let width = 128;
export function counts(): TemplateResult {
  const of = (cell: Cell): number => cell.gates.length * (2 * width * width + 2 * width);
  const most = of(lstm());
  const cells = [
    ["RNN", rnn()],
    ["GRU", gru()],
    ["LSTM", lstm()],
  ] as const;
  return html`<div class="counts"><label>${say("Units", "单元数")} <output>${width}</output><input type="range" min="4" max="512" step="4" .value=${String(width)} @input=${(
    e: Event,
  ) => {
    width = Number((e.target as HTMLInputElement).value);
    update();
  }} /></label>
    ${cells.map(([name, cell]) => html`<div class="count"><span>${name}</span><i style="--p:${of(cell) / most}"></i><b data-count=${of(cell)}>${of(cell).toLocaleString("en")}</b></div>`)}</div>`;
}
