import { html, type TemplateResult } from "lit";
import type { CellNodeEvent } from "longshort/components";
import type { CellGraphNode } from "longshort/explain";
import { say } from "../language.ts";
import { update } from "../update.ts";
import type { Bench } from "./bench.ts";
import { stagesOf } from "./stages.ts";

/** The cell with the numbers of the step, from [x ; h] to the next states. */
export function diagram(bench: Bench): TemplateResult {
  const lit = stagesOf(bench)
    .find(({ key }) => key === bench.stage)
    ?.ids();
  return html`<longshort-cell class="diagram" .cell=${bench.cell} .given=${bench.given()} .joined=${bench.joined()} .override=${new Map(bench.override)}
    .selected=${bench.looked} .lit=${lit}
    .letters=${(node: CellGraphNode) => bench.letter(node)} .label=${say("Diagram of the cell", "单元结构图")}
    @node=${({ detail: { id, picked } }: CustomEvent<CellNodeEvent>) => {
      if (picked) bench.selected = id;
      bench.pointed = id;
      update();
    }} @away=${() => {
      bench.pointed = undefined;
      update();
    }}></longshort-cell>`;
}

/** Which letters the formulas and the diagram are written in. */
export function lettersSwitch(bench: Bench): TemplateResult {
  return html`<label class="letters">${say("Letters", "记号")}
    <select @change=${(e: Event) => {
      bench.letters = (e.target as HTMLSelectElement).value as Bench["letters"];
      update();
    }}>
      <option value="note" .selected=${bench.letters === "note"}>${say("z, zⁱ, zᶠ, zᵒ — one matrix on [x ; h]", "z、zⁱ、zᶠ、zᵒ——一个矩阵乘 [x ; h]")}</option>
      <option value="pytorch" .selected=${bench.letters === "pytorch"}>${say("PyTorch: i, f, g, o — two matrices", "PyTorch：i、f、g、o——两个矩阵")}</option>
    </select></label>`;
}
