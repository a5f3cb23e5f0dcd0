import { html, type TemplateResult } from "lit";
import { say } from "../language.ts";
import { trainOwnCell } from "../training/train-own.ts";
import { update } from "../update.ts";
import { MOST_CHARACTERS, ownCell, PRESETS, putIntoAddress, takeFromAddress, write } from "./own-cell.ts";

let copied = false;

/** Where a visitor writes a cell of their own. */
export function editor(part: string | undefined): TemplateResult {
  takeFromAddress(part);
  const { text, error } = ownCell;
  const change = (next: string): void => {
    copied = false;
    write(next);
    putIntoAddress();
  };
  const lines = Math.min(18, Math.max(6, text.split("\n").length + 1));
  return html`<section class="editor" aria-labelledby="editor-title">
    <div class="editor-head">
      <h2 id="editor-title">${say("Your equations", "你的方程")}</h2>
      <div class="segmented" role="group" aria-label=${say("Start from", "从这里开始")}>${PRESETS.map(
        ([title, preset]) =>
          html`<button aria-pressed=${text.trim() === preset.trim()} @click=${() => change(preset)}>${title}</button>`,
      )}</div>
    </div>
    <textarea id="equations" spellcheck="false" autocapitalize="off" autocomplete="off" dir="ltr" lang="en" rows=${lines} maxlength=${MOST_CHARACTERS}
      aria-label=${say("Equations, one a line", "方程，每行一个")} aria-invalid=${error ? "true" : "false"} aria-describedby="equations-said"
      .value=${text} @input=${(e: Event) => change((e.target as HTMLTextAreaElement).value)}></textarea>
    <div id="equations-said" class="said" aria-live="polite">${
      error
        ? html`<p class="error" data-line=${error.line} data-column=${error.column}><span>${
            // The library's words; the place in the language of the page.
            say(`Line ${error.line}, column ${error.column}`, `第 ${error.line} 行第 ${error.column} 列`)
          }: <span lang="en">${error.message.replace(/^line \d+, column \d+: /, "")}</span></span>
          <button class="link" @click=${show}>${say("show the place", "定位")}</button></p>`
        : html`<p class="hint"><code>W_z x</code> ${say("is what gate z sees of the input,", "是门 z 对输入的线性变换，")} <code>U_z h[t-1]</code> ${say("its recurrent matrix times the state before; biases are included. The rest is arithmetic, unit by unit:", "是它的循环矩阵乘上一步的状态，偏置都已包含在内。其余是逐单元的算术：")} <code>+ - * /</code>, <code>sigmoid</code>, <code>tanh</code>, <code>relu</code>, <code>exp</code>, <code>min(a, b)</code>, <code>if(a &lt; b, c, d)</code> …</p>`
    }</div>
    <div class="player">
      <button class="primary" ?disabled=${error !== undefined} @click=${() => trainOwnCell(ownCell.good)}>▶ ${say("Train it in the third room", "到训练室去训练")}</button>
      <button class="quiet" ?disabled=${error !== undefined} @click=${copy}>${copied ? say("Copied", "已复制") : say("Copy the link to this cell", "复制这个单元的链接")}</button>
      <span class="hint">${say("Weights are drawn at random: nothing has been learned yet.", "权重是随机的，还没有学过任何东西。")}</span>
    </div>
  </section>`;
}

/** Selects what the error is about. */
function show(): void {
  const field = document.getElementById("equations") as HTMLTextAreaElement;
  const { line, column, length } = ownCell.error!;
  const before = field.value.split("\n").slice(0, line - 1);
  const from = before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
  field.focus();
  field.setSelectionRange(Math.min(from, field.value.length), Math.min(from + length, field.value.length));
}

async function copy(): Promise<void> {
  putIntoAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    copied = true;
  } catch {
    // The address line has it all the same.
  }
  update();
}
