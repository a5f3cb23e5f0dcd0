import { html, nothing, type TemplateResult } from "lit";
import { MAX_TOKENS } from "longshort/worker";
import { takeAsked, tellAddress } from "../address.ts";
import { say } from "../language.ts";
import { readsNumbers } from "../models.ts";
import { FEATURES, type Feature, featureTitle } from "../sequence/features.ts";
import { roomInAddress, takePlace, takeRoom } from "../sequence/in-address.ts";
import type { Order } from "../sequence/order.ts";
import { Pane, room } from "../sequence/pane.ts";
import { paneView } from "../sequence/pane-view.ts";
import { seriesOf } from "../sequence/series.ts";
import { update } from "../update.ts";
import { seriesPad } from "../views/series-pad.ts";

let panes: Pane[] = [new Pane("text-lstm")];
let started = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** No more of a text is ever read, whatever its tokens; a field of a million characters would stop the page while it is laid out. */
const MAXIMUM_TEXT = MAX_TOKENS * 16 + 1;

function changed(part: "text" | "series" | "tokens", next: string, wait = 250): void {
  room[part] = next.slice(0, MAXIMUM_TEXT);
  clearTimeout(timer);
  timer = setTimeout(() => {
    for (const p of panes) void p.read();
  }, wait);
  update();
}

/** The shipped models for text, or for numbers, in every pane. */
function choose(kind: "text" | "series"): void {
  for (const [k, pane] of panes.entries()) {
    const wanted = pane.source === "own" ? (k === 0 ? "lstm" : "gru") : pane.source.endsWith("gru") ? "gru" : "lstm";
    if (pane.source !== `${kind}-${wanted}`) pane.choose(`${kind}-${wanted}`);
  }
}

/** Goes where an address asks to. */
function take(asked: URLSearchParams): void {
  const model = takeRoom(asked);
  const [pane] = panes;
  panes = [pane!];
  pane!.asked = takePlace(asked);
  if (model && model !== pane!.source) pane!.choose(model);
  else if (started) void pane!.read();
  if (asked.get("cells") === "2") addPane();
}

export function sequenceRoom(): TemplateResult {
  const asked = takeAsked();
  if (asked) take(asked);
  if (!started) {
    started = true;
    for (const p of panes) if (!p.busy) void p.read();
  }
  tellAddress("sequence", roomInAddress(panes));
  const reads = new Set(panes.map((p) => (readsNumbers(p.source) ? "numbers" : (p.facts?.reads ?? "text"))));
  return html`<section class="room sequence">
    <header class="lead">
      <h1>${say("The sequence", "序列")}</h1>
      <p>${say(
        "A trained network reads what you type or draw, step by step. Each row of the map is a unit, each column a step. Point at a unit: its value is laid over the text. Click it: it is cut out, and you see what the predictions lose.",
        "训练好的网络一步步读你写的文字、画的曲线。热图里每一行是一个单元，每一列是一步。指向某个单元，它的数值就铺在文字上；点一下，它就从网络里切掉，看看预测会差多少。",
      )}</p>
    </header>
    <div class="reads"><div class="segmented" role="group" aria-label=${say("What is read", "读什么")}>${(
      ["text", "series"] as const
    ).map(
      (kind) =>
        html`<button aria-pressed=${reads.size === 1 && reads.has(kind === "text" ? "text" : "numbers")} @click=${() => choose(kind)}>${kind === "text" ? say("Text", "文字") : say("A series", "数字序列")}</button>`,
    )}</div></div>
    <div class="controls">
      ${reads.has("text") ? textField() : nothing}
      ${reads.has("tokens") ? tokensField() : nothing}
      ${reads.has("numbers") ? seriesField() : nothing}
      <label>${say("Order of units", "单元顺序")}
        <select @change=${(e: Event) => {
          room.sort = (e.target as HTMLSelectElement).value as Order;
          for (const p of panes) if (p.reading) p.sort();
          update();
        }}>
          <option value="change" .selected=${room.sort === "change"}>${say("long holders first", "记得久的在前")}</option>
          <option value="cluster" .selected=${room.sort === "cluster"}>${say("alike side by side", "相似的排在一起")}</option>
          <option value="number" .selected=${room.sort === "number"}>${say("by number", "按编号")}</option>
        </select>
      </label>
      ${reads.has("text") ? featureChoice() : nothing}
      <button class="quiet" aria-pressed=${panes.length > 1} @click=${() => {
        if (panes.length > 1) panes = panes.slice(0, 1);
        else addPane();
        update();
      }}>${panes.length > 1 ? say("One cell", "只看一个") : say("Two cells side by side", "两个单元并排")}</button>
    </div>
    <div class="panes ${panes.length > 1 ? "two" : ""}">${panes.map(paneView)}</div>
  </section>`;
}

/** Another cell beside the first, that reads the same. */
function addPane(): void {
  const [pane] = panes;
  const kind = readsNumbers(pane!.source) ? "series" : "text";
  const other = new Pane(pane!.source === `${kind}-gru` ? `${kind}-lstm` : `${kind}-gru`);
  panes = [pane!, other];
  void other.read();
}

/** A feature of the text, to find the unit that follows it. */
const featureChoice = (): TemplateResult => html`<label>${say("Find the unit that follows", "找出随它变化的单元")}
  <select @change=${(e: Event) => {
    room.feature = ((e.target as HTMLSelectElement).value || undefined) as Feature | undefined;
    for (const p of panes) p.follow(true);
    update();
  }}><option value="" .selected=${room.feature === undefined}>—</option>${FEATURES.map(
    (f) => html`<option value=${f} .selected=${room.feature === f}>${featureTitle(f)}</option>`,
  )}</select></label>`;

const textField = (): TemplateResult => html`<label class="wide">${say("Text", "文字")}
  <textarea rows="3" spellcheck="false" .value=${room.text} @input=${(e: Event) => changed("text", (e.target as HTMLTextAreaElement).value)}></textarea></label>`;

const tokensField = (): TemplateResult => html`<label class="wide">${say("Token numbers", "词元编号")}
  <textarea rows="3" spellcheck="false" .value=${room.tokens} @input=${(e: Event) => changed("tokens", (e.target as HTMLTextAreaElement).value)}></textarea></label>`;

function seriesField(): TemplateResult {
  const channels = Math.max(1, ...panes.map((p) => (p.facts?.reads === "numbers" ? p.facts.channels : 0)));
  const field = html`<label class="wide">${
    channels === 1
      ? say("Series: draw it, or type, paste or drop numbers", "序列：直接画，或者输入、粘贴、拖入数字")
      : say(`Series: ${channels} numbers a line, a line a step`, `序列：每行一步，每步 ${channels} 个数`)
  }<textarea rows="3" spellcheck="false" .value=${room.series} @input=${(e: Event) => changed("series", (e.target as HTMLTextAreaElement).value)}></textarea></label>`;
  if (channels !== 1) return field;
  let values: ArrayLike<number> = [];
  try {
    values = seriesOf(room.series, 1);
  } catch {
    // What is wrong with it is said in the pane.
  }
  return html`<div class="wide series-field">${seriesPad(values, (drawn) => changed("series", drawn.map((v) => v.toFixed(2)).join(" "), 0), update)}${field}</div>`;
}
