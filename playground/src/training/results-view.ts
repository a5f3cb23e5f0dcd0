import { html, type TemplateResult } from "lit";
import { formatNumber, formatToken, type HeatMapContent } from "longshort/components";
import type { Reading } from "longshort/worker";
import { say } from "../language.ts";
import { curves } from "../views/curves.ts";
import { gateTitle } from "../words.ts";
import { chosen, ofNumbers } from "./choice.ts";
import { live } from "./live.ts";

/** What comes of it. Each part has its place before anything is there, so that nothing moves when it comes. */
export function results(): TemplateResult {
  const { losses, sample, reading } = live;
  const first = losses[0]?.step ?? 0;
  const last = losses.at(-1)?.step ?? 1;
  const there = losses.length > 1;
  const said = ofNumbers() ? say("It says", "它的回答") : say("It writes", "它写道");
  const chart = (label: string, view: () => TemplateResult): TemplateResult =>
    there ? view() : html`<div class="curves empty"><span>${label}</span></div>`;
  return html`<div class="results">
    ${chart(say("The loss, as it falls", "损失曲线"), () =>
      curves({
        label: say("Loss over steps", "各步损失"),
        curves: [{ label: say("loss", "损失"), colour: "var(--accent)", values: losses.map((l) => l.loss) }],
        ...{ x: [first, last], xLabel: say("step", "步"), height: 220 },
        yLabel: ofNumbers() ? say("mean squared error", "均方误差") : say("nats per character", "奈特 / 字符"),
      }),
    )}
    ${chart(say("The length of the gradient, before clipping", "裁剪前的梯度长度"), () =>
      curves({
        label: say("Length of the gradient before clipping", "裁剪前梯度的长度"),
        curves: [
          {
            label: say("length of the gradient, before clipping", "裁剪前的梯度长度"),
            ...{ colour: "var(--cell-gru)", values: losses.map((l) => l.norm) },
          },
        ],
        ...{ x: [first, last], logarithmic: true, xLabel: say("step", "步"), yLabel: "‖g‖", height: 220 },
      }),
    )}
    <div class="sample"><h2>${said}</h2><pre lang="en" data-waits=${say("Samples appear here while it learns", "训练时，样例会出现在这里")} tabindex="0" role="region" aria-label=${said}>${sample}</pre></div>
    <div class="gates ${reading ? "" : "waiting"}" data-waits=${say("Its gates and states, while they form", "门和状态，看它们逐渐成形")}><h2>${say("Its values while it reads the beginning", "它读开头一段时的各个数值")} ${reading?.loss === undefined ? "" : html`<small>${formatNumber(reading.loss)} ${ofNumbers() ? say("squared error", "平方误差") : say("nats", "奈特")}</small>`}</h2>
      <ls-heat-map .label=${say("Heat maps of the training model", "训练中模型的热图")} .content=${mapOf(reading)}></ls-heat-map></div>
  </div>`;
}

const none: ReadonlySet<number> = new Set();
const nothingRead: HeatMapContent = { tokens: [], bands: [], order: [], cut: none };

/** What the heat map shows of the last layer. */
function mapOf(read: Reading | undefined): HeatMapContent {
  if (!read) return nothingRead;
  const bands = read.values
    .filter((v) => v.layer === chosen.settings.numLayers - 1)
    .map((v) => ({ ...v, title: gateTitle(v.name) }));
  return { tokens: read.tokens.map(formatToken), bands, order: orderOf(read.values.at(-1)!.units), cut: none };
}

const orders = new Map<number, number[]>();
/** The same array for the same size, so that the heat map need not compare. */
function orderOf(units: number): number[] {
  let order = orders.get(units);
  if (!order) {
    order = Array.from({ length: units }, (_, k) => k);
    orders.set(units, order);
  }
  return order;
}
