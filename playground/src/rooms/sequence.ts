import { html, nothing, type TemplateResult } from "lit";
import type { Band, HeatMapPlace } from "longshort/components";
import { colourOf, inkOn, legendOf, scaleOf, shown, shownToken } from "longshort/components";
import { changeRate } from "longshort/explain";
import type { ModelFacts, Prediction, Reading } from "longshort/worker";
import { say } from "../language.ts";
import { type Shipped, shippedModel, worker } from "../models.ts";
import { update } from "../update.ts";
import { gateTitle } from "../words.ts";

type Order = "change" | "cluster" | "number";

/** One model that reads the text. */
interface Pane {
  source: Shipped | "own";
  facts?: ModelFacts;
  reading?: Reading;
  bands: Band[];
  order: number[];
  cut: Set<number>;
  /** What the text is predicted like without the cut units. */
  without?: { readonly loss: number; readonly whole: number; readonly predictions: readonly Prediction[] } | undefined;
  place: HeatMapPlace;
  error?: string | undefined;
  busy: boolean;
}

const START =
  'export function lstm({ hiddenSize, numLayers = 1 }: Options): Cell { // "gates"\n  return defineCell({ name: "lstm", state: ["h", "c"] });\n}\n';
const pane = (source: Pane["source"]): Pane => ({
  ...{ source, bands: [], order: [], cut: new Set(), busy: false },
  place: { band: 0, unit: 0, step: 0 },
});

let text = START;
let sort: Order = "change";
let panes: Pane[] = [pane("text-lstm")];
let started = false;
let timer: ReturnType<typeof setTimeout> | undefined;

const names: Readonly<Record<Shipped, string>> = {
  "text-lstm": "LSTM · 96",
  "text-gru": "GRU · 96",
  "recall-lstm": "LSTM · 4",
  "recall-gru": "GRU · 4",
  "recall-rnn": "RNN · 4",
};

async function read(p: Pane): Promise<void> {
  p.busy = true;
  p.error = undefined;
  update();
  const asked = text;
  try {
    if (asked.trim() === "" && asked === "")
      throw new Error(say("Type or paste some text first.", "请先输入或粘贴一段文字。"));
    if (p.source !== "own") p.facts = await shippedModel(p.source);
    const reading = await worker().call("read", { id: p.facts!.id, text: asked });
    if (asked !== text) return;
    p.reading = reading;
    p.without = undefined;
    p.bands = reading.values
      .filter(({ layer }) => layer === p.facts!.layers.length - 1)
      .map(({ name, units, data }) => ({ name, units, data, title: gateTitle(name) }))
      // What is kept first, then what decides over it.
      .sort(
        (a, b) => Number(b.name === "c") - Number(a.name === "c") || Number(b.name === "h") - Number(a.name === "h"),
      );
    p.order = ordered(p);
    const units = p.order.length;
    const clamp = (v: number, n: number): number => Math.min(Math.max(0, n - 1), v);
    const first = p.place.step === 0 && p.place.unit === 0;
    p.place = {
      band: first
        ? Math.max(
            0,
            p.bands.findIndex((b) => b.name === "c" || b.name === "h"),
          )
        : clamp(p.place.band, p.bands.length),
      unit: first ? p.order[0]! : clamp(p.place.unit, units),
      step: first ? Math.min(18, reading.tokens.length - 1) : clamp(p.place.step, reading.tokens.length),
    };
    await cutAgain(p);
  } catch (error) {
    p.error = (error as Error).message;
  }
  p.busy = false;
  update();
}

async function cutAgain(p: Pane): Promise<void> {
  if (p.cut.size === 0 || (p.reading?.tokens.length ?? 0) < 2) {
    p.without = undefined;
    return;
  }
  const layer = p.facts!.layers.length - 1;
  p.without = await worker().call("cut", { id: p.facts!.id, text, units: [...p.cut].map((unit) => ({ layer, unit })) });
}

async function toggleCut(p: Pane, unit: number): Promise<void> {
  p.cut = new Set(p.cut);
  if (!p.cut.delete(unit)) p.cut.add(unit);
  try {
    await cutAgain(p);
  } catch (error) {
    p.error = (error as Error).message;
  }
  update();
}

/** Units of the last band (the output) by how much they move, by likeness, or by number. */
function ordered(p: Pane): number[] {
  const band = p.bands.find((b) => b.name === "c") ?? p.bands.at(-1);
  if (!band) return [];
  const steps = p.reading!.tokens.length;
  const all = Array.from({ length: band.units }, (_, unit) => unit);
  if (sort === "number") return all;
  // Slowest first, of those that move at all; a unit that only counts up is not what one looks for.
  const level = withoutDrift(band, steps);
  const rates = changeRate({ shape: [steps, 1, band.units], data: level });
  if (sort === "change") return all.sort((a, b) => (rates[a]! || 9) - (rates[b]! || 9));
  return clustered(band, steps, all);
}

/** The values less the straight line from the first to the last of each unit. */
function withoutDrift({ data, units }: Band, steps: number): Float64Array {
  const last = Math.max(1, steps - 1);
  return Float64Array.from(data, (v, k) => {
    const [t, unit] = [Math.floor(k / units), k % units];
    const [from, to] = [data[unit]!, data[last * units + unit] ?? 0];
    return v - (from + ((to - from) * t) / last);
  });
}

/** A chain in which each unit is followed by the one left that is most like it (by correlation). */
function clustered({ data, units }: Band, steps: number, all: number[]): number[] {
  const every = Math.max(1, Math.floor(steps / 200));
  const rows = all.map((unit) => {
    const row: number[] = [];
    for (let t = 0; t < steps; t += every) row.push(data[t * units + unit]!);
    const middle = row.reduce((a, b) => a + b, 0) / row.length;
    const centred = row.map((v) => v - middle);
    const norm = Math.hypot(...centred) || 1;
    return centred.map((v) => v / norm);
  });
  const left = new Set(all);
  const chain = [0];
  left.delete(0);
  while (left.size > 0) {
    const last = rows[chain.at(-1)!]!;
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const unit of left) {
      const likeness = rows[unit]!.reduce((sum, v, k) => sum + v * last[k]!, 0);
      if (likeness > most) [best, most] = [unit, likeness];
    }
    chain.push(best);
    left.delete(best);
  }
  return chain;
}

function typed(next: string): void {
  text = next;
  clearTimeout(timer);
  timer = setTimeout(() => panes.forEach((p) => void read(p)), 250);
}

async function openFile(file: File | undefined, p: Pane): Promise<void> {
  if (!file) return;
  p.error = undefined;
  try {
    if (file.size > 2 ** 28)
      throw new Error(
        say("This file is larger than 256 MiB; use the command line for it.", "文件超过 256 MiB，请改用命令行。"),
      );

    p.facts = await worker().call("open", { file, name: file.name });
    p.source = "own";
    p.cut = new Set();
    await read(p);
  } catch (error) {
    p.error = `${file.name}: ${(error as Error).message}`;
    update();
  }
}

export function sequenceRoom(): TemplateResult {
  if (!started) {
    started = true;
    panes.forEach((p) => void read(p));
  }
  return html`<section class="room sequence">
    <header class="lead">
      <h1>${say("The sequence", "序列")}</h1>
      <p>${say(
        "A trained network reads your text one character at a time. Each row below is one unit, each column one step. Point at a unit and its value is laid over the text; click it to cut it out of the network and see what the predictions lose.",
        "训练好的网络逐个字符地读这段文字。下面每一行是一个单元，每一列是一步。把指针移到某个单元上，它的数值就铺在文字上；点一下就把它从网络里切掉，看看预测会差多少。",
      )}</p>
    </header>
    <div class="controls">
      <label class="wide">${say("Text", "文字")}
        <textarea rows="3" spellcheck="false" .value=${text} @input=${(e: Event) => typed((e.target as HTMLTextAreaElement).value)}></textarea>
      </label>
      <label>${say("Order of units", "单元顺序")}
        <select @change=${(e: Event) => {
          sort = (e.target as HTMLSelectElement).value as Order;
          for (const p of panes) if (p.reading) p.order = ordered(p);
          update();
        }}>
          <option value="change" ?selected=${sort === "change"}>${say("long holders first", "记得久的在前")}</option>
          <option value="cluster" ?selected=${sort === "cluster"}>${say("alike side by side", "相似的排在一起")}</option>
          <option value="number" ?selected=${sort === "number"}>${say("by number", "按编号")}</option>
        </select>
      </label>
      <button class="quiet" aria-pressed=${panes.length > 1} @click=${() => {
        panes =
          panes.length > 1
            ? panes.slice(0, 1)
            : [...panes, pane(panes[0]!.source === "text-gru" ? "text-lstm" : "text-gru")];
        if (panes[1]) void read(panes[1]);
        update();
      }}>${panes.length > 1 ? say("One cell", "只看一个") : say("Two cells side by side", "两个单元并排")}</button>
    </div>
    <div class="panes ${panes.length > 1 ? "two" : ""}">${panes.map(paneView)}</div>
  </section>`;
}

function paneView(p: Pane): TemplateResult {
  const { reading, facts, without } = p;
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void openFile(event.dataTransfer?.files[0], p);
  };
  return html`<article class="pane" @dragover=${(e: DragEvent) => e.preventDefault()} @drop=${drop}>
    <div class="bar">
      <label>${say("Model", "模型")}
        <select @change=${(e: Event) => {
          p.source = (e.target as HTMLSelectElement).value as Shipped;
          p.cut = new Set();
          p.place = { band: 0, unit: 0, step: 0 };
          void read(p);
        }}>${p.source === "own" ? html`<option value="own" selected>${facts?.cell.toUpperCase()} · ${facts?.hiddenSize}</option>` : nothing}
          ${(["text-lstm", "text-gru"] as const).map((name) => html`<option value=${name} ?selected=${p.source === name}>${names[name]}</option>`)}
        </select>
      </label>
      <label class="file quiet">${say("Open a model…", "打开模型…")}
        <input type="file" accept=".safetensors" @change=${(e: Event) => void openFile((e.target as HTMLInputElement).files?.[0], p)} />
      </label>
      ${reading?.loss === undefined ? nothing : html`<span class="figure" data-loss=${reading.loss}><b>${shown(reading.loss)}</b> ${say("nats a character", "奈特 / 字符")}</span>`}
      ${
        without
          ? html`<span class="figure cut" data-without=${without.loss}>✕ ${p.cut.size} → <b>${shown(without.loss)}</b> (${without.loss >= without.whole ? "+" : "−"}${shown(Math.abs(without.loss - without.whole))})
        <button class="link" @click=${() => {
          p.cut = new Set();
          p.without = undefined;
          update();
        }}>${say("put back", "恢复")}</button></span>`
          : nothing
      }
    </div>
    ${p.error ? html`<p class="error" role="alert">${p.error}</p>` : nothing}
    ${reading && reading.leftOut.length > 0 ? html`<p class="note">${say("Left out, as the model has never seen it: ", "模型没有见过、因而略去的字符：")}<bdi>${reading.leftOut.slice(0, 12).map(shownToken).join(" ")}</bdi>${reading.leftOut.length > 12 ? " …" : ""}</p>` : nothing}
    ${reading?.cut ? html`<p class="note">${say(`Only the first ${reading.tokens.length.toLocaleString("en")} characters are read.`, `只读前 ${reading.tokens.length} 个字符。`)}</p>` : nothing}
    ${reading ? paneBody(p, reading) : html`<div class="placeholder" aria-busy="true">${say("Opening the model…", "正在打开模型……")}</div>`}
  </article>`;
}

function paneBody(p: Pane, reading: Reading): TemplateResult {
  const { step, unit, band } = p.place;
  const shownBand = p.bands[Math.min(band, p.bands.length - 1)]!;
  const scale = scaleOf(shownBand.data);
  const value = (t: number): number => shownBand.data[t * shownBand.units + unit]!;
  const at = (event: CustomEvent<HeatMapPlace>): void => {
    p.place = event.detail;
    update();
  };
  const predictions = (p.without?.predictions ?? reading.predictions) as readonly Prediction[];
  const next = predictions[Math.min(step, predictions.length - 1)];
  // A long text is coloured around the step that is looked at only: every character is an element.
  const from = Math.max(0, step - 300);
  return html`
    <p class="reading" lang="en" dir="ltr" aria-label=${say("The text, coloured by the unit", "按单元数值着色的文字")}>${reading.tokens
      .slice(from, from + 600)
      .map((token, k) => {
        const t = from + k;
        return html`<span class=${t === step ? "now" : ""} style="background:${colourOf(value(t), scale)};color:${inkOn(value(t), scale)}" @pointerenter=${() => {
          p.place = { ...p.place, step: t };
          update();
        }}>${token === "\n" ? html`↵<br />` : shownToken(token) === "␣" ? " " : shownToken(token)}</span>`;
      })}</p>
    <p class="value" aria-live="polite"><b style="--c:${colourOf(value(step), scale)}">${shownBand.title}</b> · ${say("unit", "单元")} <span data-unit>${unit}</span> · “${shownToken(reading.tokens[step]!)}” · <b data-value=${value(step)}>${shown(value(step))}</b>
      <span class="legend"><span>${shown(scale.low, 0)}</span><i style="background:${legendOf(scale)}"></i><span>${shown(scale.high, scale.high < 10 ? 1 : 0)}</span></span></p>
    <ls-heat-map class=${p.busy ? "busy" : ""} .label=${say("Heat maps of all values. Arrow keys move, Enter cuts the unit.", "全部数值的热图。方向键移动，回车切除单元。")}
      .content=${{ tokens: reading.tokens, bands: p.bands, order: p.order, cut: p.cut }} .at=${p.place}
      @place=${at} @pick=${(e: CustomEvent<HeatMapPlace>) => {
        p.place = e.detail;
        void toggleCut(p, e.detail.unit);
      }}></ls-heat-map>
    <div class="next">
      <h2>${say("What comes next", "下一个字符")} <small>${say("after", "在")} “${shownToken(reading.tokens[step]!)}” ${say("", "之后")}</small></h2>
      <ol>${next?.tokens.map((token, k) => html`<li><code>${shownToken(token)}</code><i style="--p:${next.probabilities[k]}"></i><span data-probability=${next.probabilities[k]!}>${shown(next.probabilities[k]! * 100, 1)}%</span></li>`)}</ol>
      ${next?.actual === undefined || reading.tokens[step + 1] === undefined ? nothing : html`<p>${say("It was", "实际是")} <code>${shownToken(reading.tokens[step + 1]!)}</code>, ${say("given", "概率")} ${shown(next.actual * 100, 1)}%</p>`}
      <button class="quiet" @click=${() => void toggleCut(p, unit)}>${p.cut.has(unit) ? say(`Put unit ${unit} back`, `恢复单元 ${unit}`) : say(`Cut unit ${unit}`, `切除单元 ${unit}`)}</button>
    </div>`;
}
