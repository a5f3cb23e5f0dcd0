import { html, nothing, type TemplateResult } from "lit";
import { formatNumber, formatToken, type HeatMapPlace } from "longshort/components";
import type { Reading } from "longshort/worker";
import { say } from "../language.ts";
import { readsNumbers, type Shipped } from "../models.ts";
import { update } from "../update.ts";
import { gateWord } from "../words.ts";
import { featureTitle } from "./features.ts";
import type { Pane } from "./pane.ts";

const shippedModels = (): readonly (readonly [Shipped, string])[] => [
  ["text-lstm", say("text · LSTM · 96", "文字 · LSTM · 96")],
  ["text-gru", say("text · GRU · 96", "文字 · GRU · 96")],
  ["series-lstm", say("series · LSTM · 24", "序列 · LSTM · 24")],
  ["series-gru", say("series · GRU · 24", "序列 · GRU · 24")],
];

export function paneView(p: Pane): TemplateResult {
  const { reading, facts } = p;
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void p.open([...(event.dataTransfer?.files ?? [])]);
  };
  return html`<article class="pane" @dragover=${(e: DragEvent) => e.preventDefault()} @drop=${drop}>
    <div class="bar">
      <label>${say("Model", "模型")}
        <select @change=${(e: Event) => p.choose((e.target as HTMLSelectElement).value as Shipped)}>
          ${p.source === "own" ? html`<option value="own" selected>${facts?.cell.toUpperCase()} · ${facts?.hiddenSize}</option>` : nothing}
          ${shippedModels().map(([name, label]) => html`<option value=${name} .selected=${p.source === name}>${label}</option>`)}
        </select>
      </label>
      <label class="file quiet" title=${say("PyTorch, ONNX, Keras or safetensors; it stays on your machine", "PyTorch、ONNX、Keras 或 safetensors；文件不会离开你的电脑")}>${say("Open or drop a model of your own…", "打开或拖入自己的模型……")}
        <input type="file" multiple accept=".safetensors,.pt,.pth,.onnx,.keras,.h5,.json,.txt,.csv,.tsv" @change=${(e: Event) => void p.open([...((e.target as HTMLInputElement).files ?? [])])} />
      </label>
      ${layerChoice(p)}
    </div>
    <div class="found">
      ${reading?.loss === undefined || p.error ? nothing : html`<span class="figure" data-loss=${reading.loss}><b>${formatNumber(reading.loss)}</b> ${say("nats per character", "奈特 / 字符")}</span>`}
      ${followerFigure(p)}
      ${paceFigure(p)}
      ${cutFigure(p)}
    </div>
    ${p.error ? html`<p class="error" role="alert">${p.error}</p>` : nothing}
    ${p.source === "own" && facts && facts.format !== "longshort" ? aboutFile(p) : nothing}
    ${reading && !p.error && reading.leftOut.length > 0 ? html`<p class="note">${say("Left out, as the model has never seen it: ", "模型没有见过、因而略去的字符：")}<bdi>${reading.leftOut.slice(0, 12).map(formatToken).join(" ")}</bdi>${reading.leftOut.length > 12 ? " …" : ""}</p>` : nothing}
    ${reading?.cut ? html`<p class="note">${facts?.reads === "text" ? say(`Only the first ${reading.tokens.length.toLocaleString("en")} characters are read.`, `只读前 ${reading.tokens.length} 个字符。`) : say(`Only the first ${reading.tokens.length.toLocaleString("en")} steps are read.`, `只读前 ${reading.tokens.length} 步。`)}</p>` : nothing}
    ${reading ? paneBody(p, reading) : html`<div class="placeholder tall" aria-busy="true">${say("Opening the model…", "正在打开模型……")}</div>`}
  </article>`;
}

function layerChoice(p: Pane): TemplateResult | typeof nothing {
  const layers = p.facts?.layers ?? [];
  if (layers.length < 2) return nothing;
  return html`<label>${say("Layer", "层")}<select @change=${(e: Event) => {
    p.layer = Number((e.target as HTMLSelectElement).value);
    void p.putBack();
    p.arrange();
    update();
  }}>${layers.map((name, k) => html`<option value=${k} .selected=${k === p.layer}>${name}</option>`)}</select></label>`;
}

/** What the unit that is looked at was found for. */
function followerFigure({ follower, place, bands }: Pane): TemplateResult | typeof nothing {
  if (follower?.unit !== place.unit || follower.band !== place.band) return nothing;
  const title = featureTitle(follower.feature);
  const name = bands[follower.band]?.name ?? "";
  return html`<span class="figure" data-follows=${follower.correlation}>${say(`unit ${follower.unit} of ${name} follows ${title}: r =`, `${name} 的单元 ${follower.unit} 跟随“${title}”，r =`)} <b>${formatNumber(follower.correlation, 2)}</b></span>`;
}

/** The claim that c moves slowly and h quickly, counted. */
function paceFigure({ pace, place, bands }: Pane): TemplateResult | typeof nothing {
  if (!pace) return nothing;
  const units = bands[place.band]?.units ?? 0;
  const slower = Math.round(pace.slower * units);
  return html`<span class="figure" data-slower=${slower}>${say("c moves more slowly than h in", "c 变得比 h 慢的单元：")} <b>${slower}</b> ${say(`of ${units} units`, `/ ${units}`)}</span>`;
}

function cutFigure(p: Pane): TemplateResult | typeof nothing {
  const { without } = p;
  if (!without) return nothing;
  const { loss, whole, effects } = without;
  const parts = [
    ...(p.cut.size > 0 ? [`✕ ${p.cut.size}`] : []),
    ...p.gates.map(({ gate, value }) => `${gate} = ${value}`),
  ];
  const back = html`<button class="link" @click=${() => void p.putBack()}>${say("put back", "恢复")}</button>`;
  if (loss !== undefined && whole !== undefined)
    return html`<span class="figure cut" data-without=${loss}>${parts.join(", ")} → <b>${formatNumber(loss)}</b> (${loss >= whole ? "+" : "−"}${formatNumber(Math.abs(loss - whole))}) ${back}</span>`;
  // No loss is known: how far does its answer move?
  const most = effects.toSorted((a, b) => b.largest - a.largest)[0];
  if (!most) return html`<span class="figure cut">${parts.join(", ")} ${back}</span>`;
  return html`<span class="figure cut" data-effect=${most.largest}>${parts.join(", ")} → ${say("its answer moves by up to", "输出最多变化")} <b>${formatNumber(most.largest)}</b>${
    most.divergence === undefined
      ? nothing
      : html`, <b data-divergence=${most.divergence}>${formatNumber(most.divergence)}</b> ${say("nats (Kullback–Leibler)", "奈特（KL 散度）")}`
  } ${back}</span>`;
}

/** What is known of a file of another program, and how it was read. */
function aboutFile(p: Pane): TemplateResult {
  const facts = p.facts!;
  return html`<details class="about"><summary>${facts.format} · ${facts.cell.toUpperCase()} · ${facts.parameters.toLocaleString("en")} ${say("parameters", "个参数")} · ${
    facts.reads === "text"
      ? say("reads text", "读文字")
      : facts.reads === "tokens"
        ? say(
            "reads token numbers; drop its tokenizer.json to give it text",
            "读词元编号；拖入它的 tokenizer.json 就能读文字",
          )
        : say(
            `reads ${facts.channels} number${facts.channels === 1 ? "" : "s"} a step`,
            `每步读 ${facts.channels} 个数`,
          )
  }</summary><ul>${facts.conventions.map((line) => html`<li lang="en">${line}</li>`)}</ul></details>`;
}

function paneBody(p: Pane, reading: Reading): TemplateResult {
  const words = {
    unit: say("unit", "单元"),
    text: say("What was read, coloured by the unit", "按单元数值着色的输入"),
    heatMaps: say(
      "Heat maps of all values. Arrow keys move, Enter cuts the unit.",
      "全部数值的热图。方向键移动，回车切除单元。",
    ),
  };
  return html`
    <longshort-gates class=${p.busy ? "busy" : ""} lang=${p.facts?.reads === "text" ? "en" : nothing} dir="ltr" .words=${words}
      .content=${{ tokens: reading.tokens, bands: p.bands, order: p.order, cut: p.cut, series: p.series }} .place=${p.place}
      @place=${(e: CustomEvent<HeatMapPlace>) => p.look(e.detail)} @pick=${(e: CustomEvent<HeatMapPlace>) => {
        p.look(e.detail);
        void p.toggleCut(e.detail.unit);
      }}></longshort-gates>
    <div class="next">${reading.predictions.length > 0 ? predicted(p, reading) : outputs(p, reading)}${knives(p)}</div>
    ${alike(p)}`;
}

function predicted(p: Pane, reading: Reading): TemplateResult {
  const { step } = p.place;
  const predictions = p.without?.predictions ?? reading.predictions;
  const next = predictions[Math.min(step, predictions.length - 1)];
  return html`<div>
    <h2>${say("What comes next", "下一个字符")} <small>${say("after", "在")} “${formatToken(reading.tokens[step]!)}” ${say("", "之后")}</small></h2>
    <ol>${next?.tokens.map((token, k) => html`<li><code>${formatToken(token)}</code><i style="--p:${next.probabilities[k]}"></i><span data-probability=${next.probabilities[k]!}>${formatNumber(next.probabilities[k]! * 100, 1)}%</span></li>`)}</ol>
    ${next?.actual === undefined || reading.tokens[step + 1] === undefined ? nothing : html`<p>${say("It was", "实际是")} <code>${formatToken(reading.tokens[step + 1]!)}</code>${say(", given", "，概率")} ${formatNumber(next.actual * 100, 1)}%</p>`}
  </div>`;
}

/** What a model of numbers says at the step, or of the whole; behind an arrow what it says with something cut. */
function outputs(p: Pane, { outputs }: Reading): TemplateResult {
  const { step } = p.place;
  const legend = [
    ...(readsNumbers(p.source) ? [say("dashed: the number that it expects next", "虚线：它预计的下一个数")] : []),
    ...(p.without ? [say("coloured: with the cut", "彩色：切除之后")] : []),
  ];
  return html`<div><h2>${say("What the model says", "模型的输出")}${legend.length > 0 ? html` <small>${legend.join(" · ")}</small>` : nothing}</h2>${outputs.map(
    ({ name, width, everyStep, data }) => {
      const from = everyStep ? step * width : 0;
      const numbers = Array.from(data.slice(from, from + Math.min(width, 12)));
      const cut = p.without?.outputs.find((one) => one.name === name)?.data.slice(from, from + numbers.length);
      return html`<p data-output=${numbers[0] ?? ""} data-cut=${cut?.[0] ?? nothing}><code>${name}</code> ${everyStep ? say(`at step ${step}`, `第 ${step} 步`) : say("of the whole", "读完之后")}: ${numbers.map((v) => formatNumber(v)).join(", ")}${width > 12 ? " …" : ""}${cut ? html` → <b>${Array.from(cut, (v) => formatNumber(v)).join(", ")}</b>` : nothing}</p>`;
    },
  )}</div>`;
}

/** A unit cut out, a gate held shut or open. */
function knives(p: Pane): TemplateResult {
  const { unit, band } = p.place;
  const name = p.bands[Math.min(band, p.bands.length - 1)]?.name ?? "";
  const isGate = !["c", "h"].includes(name);
  const held = p.gates.find(({ gate }) => gate === name)?.value;
  const button = (value: number, label: string): TemplateResult =>
    html`<button class="quiet" aria-pressed=${held === value} @click=${() => void p.hold(name, held === value ? undefined : value)}>${label}</button>`;
  return html`<div class="knives">
    <button class="quiet" aria-pressed=${p.cut.has(unit)} @click=${() => void p.toggleCut(unit)}>${p.cut.has(unit) ? say(`Put unit ${unit} back`, `恢复单元 ${unit}`) : say(`Cut unit ${unit}`, `切除单元 ${unit}`)}</button>
    ${isGate ? html`<div class="segmented" role="group" aria-label=${say(`Hold ${name} of all units`, `固定所有单元的 ${name}`)}><span>${gateWord(name) || name}</span>${button(0, say("hold at 0", "固定为 0"))}${button(1, say("hold at 1", "固定为 1"))}</div>` : nothing}
  </div>`;
}

/** Where else the hidden state was like it is here. */
function alike(p: Pane): TemplateResult {
  const text = p.facts?.reads === "text";
  return html`<section class="alike">
    <h2>${say("Where else is its state like this?", "还有哪里的状态和这里最像？")}</h2>
    <div class="bar">
      <button class="quiet" @click=${() => void p.findNearest()}>${text ? say("Search this text", "在这段文字里找") : say("Search this series", "在这条序列里找")}</button>
      <label class="file quiet">${text ? say("Search a text file…", "在文本文件里找……") : say("Search a table…", "在表格文件里找……")}<input type="file" accept=${text ? ".txt,text/plain" : ".csv,.tsv,.txt"} @change=${(
        e: Event,
      ) => {
        const file = (e.target as HTMLInputElement).files?.[0];
        if (file) void p.findNearest(file);
      }} /></label>
      ${p.nearest ? html`<span class="hint">${say(`${p.nearest.steps.toLocaleString("en")} states compared, by the cosine of h`, `比较了 ${p.nearest.steps.toLocaleString("en")} 个状态，按 h 的余弦`)}</span>` : nothing}
    </div>
    ${p.nearest ? html`<ol lang="en">${p.nearest.places.map(({ step, before, here, after, similarity }) => html`<li><span data-similarity=${similarity} data-at=${step}>${formatNumber(similarity, 2)}</span><code>${flat(before)}<mark>${flat(here)}</mark>${flat(after)}</code></li>`)}</ol>` : nothing}
  </section>`;
}

/** A piece of text on one line. */
const flat = (text: string): string => Array.from(text, (c) => (c === " " ? " " : formatToken(c))).join("");
