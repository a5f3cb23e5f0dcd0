import { html, type TemplateResult } from "lit";
import { formatNumber } from "longshort/components";
import type { Bench } from "../cell/bench.ts";
import { say } from "../language.ts";
import { update } from "../update.ts";

/** One gate's sum computed by both ways of writing it, from the live weights. */
let sums: { key: unknown; step: number; stacked: number[]; split: number[] } | undefined;
export function bothWays(long: Bench): TemplateResult {
  const { whole, step } = long;
  if (sums?.key !== whole || sums?.step !== step) {
    sums = { key: whole, step, stacked: sums?.stacked ?? [], split: sums?.split ?? [] };
    void computeSums(long, step).then((found) => {
      sums = { key: whole, step, ...found };
      update();
    });
  }
  const row = (name: string, values: readonly number[]): TemplateResult =>
    html`<tr><th scope="row">${name}</th>${values.map((v) => html`<td data-sum=${v}>${formatNumber(v, 6)}</td>`)}</tr>`;
  return html`<div><p class="hint">${say(`What the forget gate sees at step ${step + 1}, its four units`, `第 ${step + 1} 步，遗忘门的四个单元看到的和`)}</p><div class="scroll" tabindex="0" role="region" aria-label=${say("The same sums, written in two ways", "同一个和的两种写法")}><table class="plain"><tbody>
    ${row("Wᶠ [x ; h] + bᶠ", sums.stacked)}${row("W x + bˣ + U h + bʰ", sums.split)}</tbody></table></div></div>`;
}

async function computeSums(long: Bench, step: number): Promise<{ stacked: number[]; split: number[] }> {
  const { parameters, tokenizer } = long.opened!;
  const read = async (name: string): Promise<number[]> => Array.from(await parameters.read(name));
  const [E, W, U, bx, bh] = (await Promise.all(
    ["embedding.weight", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0"].map(read),
  )) as [number[], number[], number[], number[], number[]];
  const H = long.units;
  const D = W.length / (4 * H);
  const token = tokenizer.encode(long.line)[step]!;
  const x = E.slice(token * D, (token + 1) * D);
  const h = step === 0 ? new Array<number>(H).fill(0) : Array.from(long.at("h", step - 1));
  const gate = long.cell.gates.findIndex((g) => g.name === "f");
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, k) => sum + v * b[k]!, 0);
  const rows = Array.from({ length: H }, (_, u) => gate * H + u);
  return {
    stacked: rows.map(
      (r) => dot([...W.slice(r * D, (r + 1) * D), ...U.slice(r * H, (r + 1) * H)], [...x, ...h]) + (bx[r]! + bh[r]!),
    ),
    split: rows.map(
      (r) => dot(W.slice(r * D, (r + 1) * D), x) + bx[r]! + (dot(U.slice(r * H, (r + 1) * H), h) + bh[r]!),
    ),
  };
}
