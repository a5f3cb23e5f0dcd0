import { html, nothing, type TemplateResult } from "lit";
import { formatNumber } from "longshort/components";
import { pace } from "longshort/explain";
import { say } from "../language.ts";
import { update } from "../update.ts";
import { curves } from "../views/curves.ts";
import type { Bench } from "./bench.ts";

/** How quickly c and h move, as numbers; nothing for a cell without c. */
export function paceNote(bench: Bench): TemplateResult | typeof nothing {
  const { c_l0: c, h_l0: h } = bench.whole!.values;
  if (!c || !h) return nothing;
  const measured = pace(c, h);
  const slower = Math.round(measured.slower * bench.units);
  return html`<p class="note">${say("How quickly do they change? Steps against spread: c", "变化有多快？用步长与离散程度之比来量：c 为")}
    <b data-pace=${measured.c}>${formatNumber(measured.c, 2)}</b>${say(", h", "，h 为")} <b>${formatNumber(measured.h, 2)}</b>${say(".", "。")}
    ${say(
      `c moves more slowly than h in ${slower} of ${bench.units} units, on this line.`,
      `在这一行里，${bench.units} 个单元中有 ${slower} 个的 c 变得比 h 慢。`,
    )}</p>`;
}

/** c and h of one unit over the line, as curves: what was kept, and what was shown of it. */
export function paceCurves(bench: Bench): TemplateResult {
  const { units, unit, tokens } = bench;
  const curve = (name: string): number[] => tokens.map((_, t) => bench.at(name, t)[unit]!);
  const label = say(`c and h of unit ${unit}`, `单元 ${unit} 的 c 和 h`);
  return html`<div class="pace"><label>${say("Unit", "单元")} <select @change=${(e: Event) => {
    bench.unit = Number((e.target as HTMLSelectElement).value);
    update();
  }}>${Array.from({ length: units }, (_, u) => html`<option .selected=${u === unit}>${u}</option>`)}</select></label>
    ${curves({
      label,
      curves: [
        { label: "c", colour: "var(--gate-c)", values: curve("c") },
        { label: "h", colour: "var(--gate-h)", dash: "7 4", values: curve("h") },
      ],
      ...{ xLabel: say("step", "步"), yLabel: label, height: 220 },
    })}</div>`;
}
