import { html, nothing, type TemplateResult } from "lit";
import { colorOf, formatNumber, formatToken, gateColor, inkOn, scaleOf } from "longshort/components";
import { say } from "../language.ts";
import { update } from "../update.ts";
import type { Bench } from "./bench.ts";

/** Lines that the networks can be given. */
export const LINES = ["A....?A", "B....?B", "A.......?A", "B.?B"] as const;

/** Milliseconds of a step while it plays. */
const STEP_EVERY = 900;
let playing: ReturnType<typeof setInterval> | undefined;
const probabilities = new WeakMap<Bench, { key: unknown; step: number; values: number[][] }>();

/** The line with what comes next, and the states below it: where the letter is kept. */
export function timeline(bench: Bench): TemplateResult {
  const { tokens } = bench;
  const all = predicted(bench);
  const known = bench.opened!.tokenizer.vocabulary;
  const states = bench.cell.states.map((s) => s.name).toReversed();
  const changed = bench.override.size > 0;
  const cellOf = (name: string, t: number, unit: number): TemplateResult => {
    const value = bench.at(name, t)[unit]!;
    const scale = scaleOf([-1, ...bench.whole!.values[`${name}_l0`]!.data]);
    return html`<td class=${t === bench.step ? "now" : ""} style="background-color:${colorOf(value, scale)};color:${inkOn(value, scale)}" title=${`${name} ${unit}, ${t}: ${formatNumber(value)}`} @click=${() => bench.goTo(t)}>${formatNumber(value, 1)}</td>`;
  };
  return html`<div class="timeline">
    <div class="player">
      <button aria-label=${say("Step back", "后退一步")} ?disabled=${bench.step === 0} @click=${() => bench.goTo(bench.step - 1)}>◀</button>
      <button class="primary" aria-label=${playing ? say("Pause", "暂停") : say("Play", "播放")} @click=${() => play(bench)}>${playing ? "❚❚" : "▶"}</button>
      <button aria-label=${say("Step on", "前进一步")} ?disabled=${bench.step >= tokens.length - 1} @click=${() => bench.goTo(bench.step + 1)}>▶▏</button>
      <label>${say("Line", "输入行")} <select aria-label=${say("Line", "输入行")} @change=${(e: Event) => {
        bench.line = `${(e.target as HTMLSelectElement).value}\n`;
        bench.override.clear();
        void bench.refresh();
      }}>${LINES.map((line) => html`<option .selected=${bench.line === `${line}\n`}>${line}</option>`)}</select></label>
      <button class="quiet" @click=${() => void bench.reset()}>${say("Undo changes", "撤销改动")}</button>
    </div>
    <p class="hint ${changed ? "what-if" : ""}" role="status">${changed ? say("What if: from this step on, with your values", "假如：从这一步起，用你改的数值") : say("As the network computes it", "网络自己算出来的")}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${say("Steps", "各步")}><table>
      <thead><tr><th scope="row">${say("reads", "读入")}</th>${tokens.map((token, t) => html`<th scope="col" class=${t === bench.step ? "now" : ""}><button @click=${() => bench.goTo(t)} aria-pressed=${t === bench.step}>${formatToken(token)}</button></th>`)}</tr></thead>
      ${states.map((name) => html`<tbody>${Array.from({ length: bench.units }, (_, u) => html`<tr><th scope="row">${u === 0 ? html`<b style="color:${gateColor(name)}">${name}</b>` : nothing} ${u}</th>${tokens.map((_, t) => cellOf(name, t, u))}</tr>`)}</tbody>`)}
      <tbody>
        <tr class="says"><th scope="row">${say("expects", "预期")}</th>${tokens.map((_, t) => {
          const p = all?.[t];
          if (!p) return html`<td></td>`;
          const best = p.indexOf(Math.max(...p));
          const isRecall = tokens[t] === "?";
          return html`<td class="${t === bench.step ? "now" : ""} ${isRecall ? "recall" : ""}" data-expects=${formatToken(known[best]!)}><b>${formatToken(known[best]!)}</b><small>${Math.round(p[best]! * 100)}%</small></td>`;
        })}</tr>
      </tbody></table></div>
  </div>`;
}

function predicted(bench: Bench): number[][] | undefined {
  const key = bench.whole;
  const found = probabilities.get(bench);
  if (found && found.key === key && found.step === bench.step) return found.values;
  const step = bench.step;
  void Promise.all(bench.tokens.map((_, t) => bench.probabilities(t))).then((values) => {
    probabilities.set(bench, { key, step, values });
    update();
  });
  return found?.values.length === bench.tokens.length ? found.values : undefined;
}

function play(bench: Bench): void {
  if (playing) {
    clearInterval(playing);
    playing = undefined;
    update();
    return;
  }
  if (bench.step >= bench.tokens.length - 1) bench.step = -1;
  bench.goTo(bench.step + 1);
  playing = setInterval(() => {
    if (bench.step >= bench.tokens.length - 1) play(bench);
    else bench.goTo(bench.step + 1);
  }, STEP_EVERY);
}
