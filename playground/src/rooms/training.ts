import { html, nothing, type TemplateResult } from "lit";
import { type HeatMapContent, shown, shownToken } from "longshort/components";
import type { Calls, Reading, TrainingChoice, TrainingProgress, WorkerClient } from "longshort/worker";
import { explained } from "../explained.ts";
import { dropTraining, keepTraining, keptTraining } from "../kept-training.ts";
import { say } from "../language.ts";
import { worker } from "../models.ts";
import { ownCell } from "../own-cell.ts";
import { START_SERIES, seriesOf } from "../sequence/series.ts";
import { update } from "../update.ts";
import { curves } from "../views/curves.ts";
import { Flow } from "../views/flow.ts";
import { gateTitle } from "../words.ts";

type Data = "recall" | "copy" | "adding" | "own" | "series";
type Losses = { step: number; loss: number; norm: number }[];

/** What is stored of a training under way. */
interface Kept {
  readonly data: Data;
  readonly choice: TrainingChoice;
  readonly losses: Losses;
  readonly step: number;
  readonly snapshot: NonNullable<Calls["keep"]["back"]>;
}
const OWN =
  "The cell keeps what matters and lets go of what does not.\nA gate is a number between zero and one.\nWhat is forgotten makes room; what is remembered is carried on.\n";
const STORED = "playground-training";

let data: Data = "recall";
let lag = 12;
let own = OWN;
let series = START_SERIES;
let choice: Omit<TrainingChoice, "text" | "probe"> = {
  ...{ cell: "lstm", hiddenSize: 24, embeddingSize: 8, numLayers: 1, optimizer: "adam", learningRate: 0.01 },
  ...{ clipNorm: 1, batchSize: 16, steps: 32, seed: 1 },
};
let state: "idle" | "running" | "paused" = "idle";
let facts: Calls["train"]["back"] | undefined;
let error: string | undefined;
let latest: TrainingProgress | undefined;
let sample = "";
let reading: Reading | undefined;
let losses: Losses = [];
/** What the running training was begun with, and what an earlier visit left. */
let begun: TrainingChoice | undefined;
let left: Kept | undefined;
let looked = false;
let keeping: ReturnType<typeof setInterval> | undefined;
/** Milliseconds between two moments at which a training is stored. */
const KEEP_EVERY = 4000;
const flow = new Flow();
restore();

/** Lines of a task whose answer lies far back. The same text for the same numbers. */
function textOf(): string {
  if (data === "own") return own;
  let seed = 7;
  const draw = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % n;
  };
  const line = (): string => {
    if (data === "recall") {
      const letter = "AB"[draw(2)]!;
      return `${letter}${".".repeat(1 + draw(lag))}?${letter}\n`;
    }
    const word = Array.from({ length: 1 + draw(Math.min(6, lag)) }, () => "abcd"[draw(4)]).join("");
    return `${word}>${word}\n`;
  };
  return Array.from({ length: 3000 }, line).join("");
}

const ofNumbers = (): boolean => data === "adding" || data === "series";

/** What the training begins with. @throws Error for a series that is none */
function chosen(): TrainingChoice {
  if (data === "adding")
    return { ...choice, text: "", probe: "", numbers: { task: "adding", steps: Math.max(4, lag) } };
  if (data === "series") {
    const numbers = seriesOf(series, 1);
    // Whatever its scale, it is learned between −1 and 1.
    const largest = numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    return { ...choice, text: "", probe: "", numbers: { task: "series", data: numbers.map((v) => v / largest) } };
  }
  const text = textOf();
  const probe = data === "own" ? text.slice(0, 80) : text.split("\n").slice(0, 4).join("\n");
  return { ...choice, text, probe };
}

async function start(from?: Kept): Promise<void> {
  error = undefined;
  losses = from ? [...from.losses] : [];
  left = undefined;
  sample = "";
  [reading, latest] = [undefined, undefined];
  let client: WorkerClient;
  try {
    client = worker();
  } catch (failed) {
    error = explained(failed);
    return update();
  }
  client.onProgress = (progress) => {
    latest = progress;
    if (Number.isFinite(progress.loss))
      losses.push({ step: progress.step, loss: progress.loss, norm: progress.gradientNorm });
    if (losses.length > 4000) losses = losses.filter((_, k) => k % 2 === 0);
    update();
    // In a frame of its own: curves and heat maps together would keep the page's thread for longer than one may notice.
    if (progress.sample !== undefined || progress.reading)
      requestAnimationFrame(() => {
        if (progress.sample !== undefined) sample = progress.sample;
        if (progress.reading) reading = progress.reading;
        update();
      });
  };
  client.onEnd = (failed) => {
    state = "idle";
    clearInterval(keeping);
    if (failed) error = explained(failed);
    update();
  };
  try {
    begun = from?.choice ?? chosen();
    facts = await client.call("train", { ...begun, from: from?.snapshot });
    state = "running";
    keep();
    clearInterval(keeping);
    keeping = setInterval(() => void store(), KEEP_EVERY);
  } catch (failed) {
    error = explained(failed);
    state = "idle";
  }
  update();
}

/** Stores the training as it is, for when the tab is closed. */
async function store(): Promise<void> {
  if (state === "idle" || !begun) return;
  try {
    const snapshot = await worker().call("keep", {});
    if (snapshot && begun && String(state) !== "idle")
      await keepTraining({ data, choice: begun, losses, step: latest?.step ?? 0, snapshot } satisfies Kept);
  } catch {
    // It ended meanwhile.
  }
}

/** What was chosen for a training that is gone on with. */
function goOn(kept: Kept): void {
  const { text: _text, probe: _probe, numbers: _numbers, ...rest } = kept.choice;
  data = kept.data;
  choice = rest;
  void start(kept);
}

/** How a training names cells of the visitor's own. */
const OWN_CELL = "equations";
const wordsOf = (text: string): TrainingChoice["cell"] => ({ name: OWN_CELL, options: { text } });
const nameOf = (cell: TrainingChoice["cell"]): string => (typeof cell === "string" ? cell : cell.name);
const titleOf = (cell: TrainingChoice["cell"]): string =>
  typeof cell === "string" ? cell.toUpperCase() : say("your own cell", "自己写的单元");

/** Goes to this room with a cell of the visitor's own; what is under way there goes on. */
export function trainOwnCell(text: string): void {
  if (state === "idle") {
    if (ofNumbers()) data = "recall";
    choice = { ...choice, cell: wordsOf(text) };
    keep();
  }
  location.hash = "#/training";
}

/** Looks once whether an earlier visit left a training. */
function look(): void {
  if (looked) return;
  looked = true;
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && void store());
  void keptTraining<Kept>().then((kept) => {
    if (kept && state === "idle") left = kept;
    update();
  });
}

async function tell(call: "pause" | "resume" | "step" | "stop", next: typeof state): Promise<void> {
  try {
    if (call === "stop") {
      // First of all: the tab may be closed at once, and what is being stored just now must not come after.
      begun = undefined;
      clearInterval(keeping);
      await dropTraining();
    }
    await worker().call(call, {});
    state = next;
    if (call === "pause") void store();
  } catch (failed) {
    error = explained(failed);
  }
  update();
}

async function rewind(step: number): Promise<void> {
  try {
    await worker().call("rewind", { step });
    state = "paused";
    losses = losses.filter((l) => l.step <= step);
    if (latest) latest = { ...latest, step, checkpoints: latest.checkpoints.filter((s) => s <= step) };
  } catch (failed) {
    error = explained(failed);
  }
  update();
}

async function download(): Promise<void> {
  const bytes = await worker().call("save", {});
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  const link = Object.assign(document.createElement("a"), {
    href: url,
    download: `${nameOf(choice.cell)}-${latest?.step ?? 0}.safetensors`,
  });
  link.click();
  URL.revokeObjectURL(url);
}

/** What was chosen outlives the tab. */
function keep(): void {
  try {
    localStorage.setItem(STORED, JSON.stringify({ data, lag, own, series, choice }));
  } catch {
    // A page without storage begins with the defaults.
  }
}

function restore(): void {
  try {
    const known = JSON.parse(localStorage.getItem(STORED) ?? "null");
    if (!known) return;
    data = known.data ?? data;
    lag = known.lag ?? lag;
    own = known.own ?? own;
    series = known.series ?? series;
    choice = { ...choice, ...known.choice };
  } catch {
    // As above.
  }
}

export function trainingRoom(): TemplateResult {
  look();
  const set = <K extends keyof typeof choice>(key: K, value: (typeof choice)[K]): void => {
    choice = { ...choice, [key]: value };
    keep();
    update();
  };
  const busy = state !== "idle";
  const number = (
    key: "hiddenSize" | "learningRate" | "batchSize" | "steps" | "numLayers",
    label: string,
    min: number,
    max: number,
    step: number,
  ): TemplateResult =>
    html`<label>${label}<input type="number" min=${min} max=${max} step=${step} .value=${String(choice[key])} ?disabled=${busy} @change=${(e: Event) => set(key, Math.min(max, Math.max(min, Number((e.target as HTMLInputElement).value) || min)))} /></label>`;
  const options = (values: readonly (readonly [string, string])[], now: string): TemplateResult[] =>
    values.map(([v, l]) => html`<option value=${v} ?selected=${v === now}>${l}</option>`);
  return html`<section class="room training">
    <header class="lead"><h1>${say("Training, live", "现场训练")}</h1>
      <p>${say(
        "Choose something to learn and watch it being learned: the loss falls, the samples begin to make sense, the gates take shape. It runs in a worker on this page; the model is yours to download and to open in Node.",
        "选一样东西让它学，看着它学会：损失下降，写出的样例渐渐像样，门也逐渐成形。训练就在本页的 worker 里进行，训练出的模型可以下载，拿到 Node 里打开。",
      )}</p></header>
    <div class="controls">
      <label>${say("Data", "数据")}<select ?disabled=${busy} @change=${(e: Event) => {
        data = (e.target as HTMLSelectElement).value as Data;
        if (ofNumbers() && !["rnn", "lstm", "gru"].includes(nameOf(choice.cell))) choice = { ...choice, cell: "gru" };
        keep();
        update();
      }}>${options(
        [
          ["recall", say("recall the first letter", "回忆行首字母")],
          ["copy", say("copy a word", "复述一个词")],
          ["adding", say("add two marked numbers", "把两个标记的数相加")],
          ["own", say("your own text", "你自己的文字")],
          ["series", say("the next number of a series", "序列的下一个数")],
        ],
        data,
      )}</select></label>
      ${
        data === "own" || data === "series"
          ? nothing
          : html`<label>${data === "adding" ? say("Numbers", "数的个数") : say("Longest lag", "最长间隔")}<input type="number" min="2" max="60" .value=${String(lag)} ?disabled=${busy} @change=${(
              e: Event,
            ) => {
              lag = Math.min(60, Math.max(2, Number((e.target as HTMLInputElement).value) || 2));
              keep();
              update();
            }} /></label>`
      }
      <label>${say("Cell", "单元")}<select ?disabled=${busy} @change=${(e: Event) => {
        const name = (e.target as HTMLSelectElement).value;
        set("cell", name === OWN_CELL ? wordsOf(ownCell.good) : name);
      }}>${options(
        [
          ...([
            ["rnn", "RNN"],
            ["lstm", "LSTM"],
            ["gru", "GRU"],
          ] as const),
          ...(ofNumbers() ? [] : [["min-gru", "minGRU"] as const, [OWN_CELL, say("your own", "自己写的")] as const]),
        ],
        nameOf(choice.cell),
      )}</select></label>
      ${typeof choice.cell === "string" ? nothing : html`<a class="hint" href="#/cell/own">${say("its equations", "它的方程")}</a>`}
      ${number("hiddenSize", say("Units", "单元数"), 2, 256, 1)}
      ${number("numLayers", say("Layers", "层数"), 1, 3, 1)}
      <label>${say("Optimizer", "优化器")}<select ?disabled=${busy} @change=${(e: Event) => set("optimizer", (e.target as HTMLSelectElement).value as typeof choice.optimizer)}>${options(
        [
          ["adam", "Adam"],
          ["sgd", "SGD"],
          ["rmsprop", "RMSprop"],
          ["adagrad", "AdaGrad"],
        ],
        choice.optimizer,
      )}</select></label>
      ${number("learningRate", say("Learning rate", "学习率"), 0.0001, 10, 0.0001)}
      ${data === "adding" ? nothing : number("steps", say("Steps back", "回传步数"), 2, 256, 1)}
      <label class="check"><input type="checkbox" .checked=${Number.isFinite(choice.clipNorm)} ?disabled=${busy} @change=${(e: Event) => set("clipNorm", (e.target as HTMLInputElement).checked ? 1 : Number.POSITIVE_INFINITY)} /> ${say("clip gradients to 1", "梯度裁剪到 1")}</label>
      ${
        data === "own"
          ? html`<label class="wide">${say("Text", "文字")}<textarea rows="4" ?disabled=${busy} .value=${own} @input=${(
              e: Event,
            ) => {
              own = (e.target as HTMLTextAreaElement).value.slice(0, 2_000_000);
            }}></textarea></label>`
          : nothing
      }
      ${
        data === "series"
          ? html`<label class="wide">${say("Numbers, in their order", "数字，按顺序")}<textarea rows="4" ?disabled=${busy} .value=${series} @input=${(
              e: Event,
            ) => {
              series = (e.target as HTMLTextAreaElement).value.slice(0, 2_000_000);
            }}></textarea></label>`
          : nothing
      }
    </div>
    ${left && !busy ? leftView(left) : nothing}
    ${data === "adding" ? html`<p class="hint">${say("Of many numbers two are marked, and at the end their sum is asked for. Always to answer 1 has a squared error of 0.167.", "一串数里有两个打了标记，最后要说出它们的和。永远回答 1 的平方误差是 0.167。")}</p>` : nothing}
    <div class="player">
      ${state === "idle" ? html`<button class="primary" @click=${() => void start()}>▶ ${say("Train", "开始训练")}</button>` : nothing}
      ${state === "running" ? html`<button class="primary" @click=${() => void tell("pause", "paused")}>❚❚ ${say("Pause", "暂停")}</button>` : nothing}
      ${state === "paused" ? html`<button class="primary" @click=${() => void tell("resume", "running")}>▶ ${say("Go on", "继续")}</button><button @click=${() => void tell("step", "paused")}>▶▏ ${say("One step", "走一步")}</button>` : nothing}
      ${
        busy
          ? html`<button @click=${() => void tell("stop", "idle")}>■ ${say("Stop", "停止")}</button><button @click=${() => void download()}>↓ ${say("Download the model", "下载模型")}</button>
        <label>${say("Back to step", "回到第几步")} <select aria-label=${say("Back to step", "回到第几步")} @change=${(
          e: Event,
        ) => {
          const v = (e.target as HTMLSelectElement).value;
          if (v !== "") void rewind(Number(v));
          (e.target as HTMLSelectElement).value = "";
        }}><option value="">…</option>${latest?.checkpoints.map((s) => html`<option>${s}</option>`)}</select></label>`
          : nothing
      }
      ${facts ? html`<span class="figure"><b>${facts.parameters.toLocaleString("en")}</b> ${say("parameters", "个参数")}</span>` : nothing}
      ${latest ? html`<span class="figure" data-step=${latest.step}>${say("step", "第")} <b>${latest.step.toLocaleString("en")}</b>${say("", " 步")}</span><span class="figure"><b data-speed=${latest.tokensPerSecond}>${Math.round(latest.tokensPerSecond).toLocaleString("en")}</b> ${ofNumbers() ? say("steps a second", "步 / 秒") : say("characters a second", "字符 / 秒")}</span>` : nothing}
    </div>
    ${error ? html`<p class="error" role="alert">${error}</p>` : nothing}
    ${results()}
    <section class="below"><div><h2>${say("How far back does a gradient reach?", "梯度能传回多远？")}</h2>
      <p>${say("Before any training, 24 units of each cell read noise. A gradient of length 1 is sent back from the last step; this is what is left of it.", "还没训练时，让三种单元各 24 个单元读一段噪声，从最后一步送回一个长度为 1 的梯度，看它还剩多少。")}</p>
      <p class="hint">${say("Clipping shortens a gradient that has exploded, all of it alike. It brings nothing back that has vanished: that takes a path on which c is only multiplied by the forget gate.", "裁剪只是把爆炸的梯度整体缩短，已经消失的部分救不回来；要救它，得有一条 c 只被遗忘门相乘的通路。")}</p></div>
      ${flow.view()}
    </section>
  </section>`;
}

/** A training that an earlier visit left. */
function leftView(kept: Kept): TemplateResult {
  return html`<p class="note left" role="status">${say(
    `A training (${titleOf(kept.choice.cell)}, ${kept.choice.hiddenSize} units) stood at step ${kept.step.toLocaleString("en")} when the page was closed.`,
    `上次关闭页面时，有一个训练（${titleOf(kept.choice.cell)}，${kept.choice.hiddenSize} 个单元）进行到第 ${kept.step.toLocaleString("en")} 步。`,
  )} <button class="primary" @click=${() => goOn(kept)}>${say("Go on with it", "接着训练")}</button>
    <button class="quiet" @click=${() => {
      left = undefined;
      void dropTraining();
      update();
    }}>${say("Forget it", "不要了")}</button></p>`;
}

/** What comes of it. Each part has its place before anything is there, so that nothing moves when it comes. */
function results(): TemplateResult {
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
        yLabel: ofNumbers() ? say("mean squared error", "均方误差") : say("nats a character", "奈特 / 字符"),
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
    <div class="sample"><h2>${said}</h2><pre lang="en" tabindex="0" role="region" aria-label=${said}>${sample}</pre></div>
    <div class="gates"><h2>${say("Its values while it reads the beginning", "它读开头时各处的数值")} ${reading?.loss === undefined ? "" : html`<small>${shown(reading.loss)} ${ofNumbers() ? say("squared error", "平方误差") : say("nats", "奈特")}</small>`}</h2>
      <ls-heat-map .label=${say("Heat maps of the training model", "训练中模型的热图")} .content=${mapOf(reading)}></ls-heat-map></div>
  </div>`;
}

const none: ReadonlySet<number> = new Set();
const nothingRead: HeatMapContent = { tokens: [], bands: [], order: [], cut: none };

/** What the heat map shows of the last layer. */
function mapOf(read: Reading | undefined): HeatMapContent {
  if (!read) return nothingRead;
  const bands = read.values
    .filter((v) => v.layer === choice.numLayers - 1)
    .map((v) => ({ ...v, title: gateTitle(v.name) }));
  return { tokens: read.tokens.map(shownToken), bands, order: orderOf(read.values.at(-1)!.units), cut: none };
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
