import { html, nothing, type TemplateResult } from "lit";
import { ownCell } from "../cell/own-cell.ts";
import { say } from "../language.ts";
import { update } from "../update.ts";
import {
  BOUNDS,
  type Bounded,
  bounded,
  chooseData,
  chosen,
  type Data,
  nameOf,
  OWN_CELL,
  ofNumbers,
  type Settings,
  wordsOf,
} from "./choice.ts";
import { live } from "./live.ts";
import { keepChoice } from "./stored-choice.ts";

/** More of a text or a series than this is not learned from. */
const MOST_CHARACTERS = 2_000_000;

/** What is to be learned, and how. While something is learned it stands still. */
export function controls(): TemplateResult {
  const { data, settings } = chosen;
  const { busy } = live;
  return html`<div class="controls">
    ${choiceOf(say("Data", "数据"), dataTitles(), data, (name) => chooseData(name as Data))}
    ${data === "own" || data === "series" ? nothing : numberField("lag", data === "adding" ? say("Numbers", "数的个数") : say("Longest lag", "最长间隔"))}
    ${choiceOf(say("Cell", "单元"), cellTitles(), nameOf(settings.cell), (name) =>
      set("cell", name === OWN_CELL ? wordsOf(ownCell.good) : name),
    )}
    ${typeof settings.cell === "string" ? nothing : html`<a class="hint" href="#/cell/own">${say("its equations", "它的方程")}</a>`}
    ${numberField("hiddenSize", say("Units", "单元数"))}
    ${numberField("numLayers", say("Layers", "层数"))}
    ${choiceOf(say("Optimizer", "优化器"), OPTIMIZER_TITLES, settings.optimizer, (name) => set("optimizer", name as Settings["optimizer"]))}
    ${numberField("learningRate", say("Learning rate", "学习率"))}
    ${data === "adding" ? nothing : numberField("sequenceLength", say("Sequence length", "序列长度"))}
    <label class="check"><input type="checkbox" .checked=${Number.isFinite(settings.clipNorm)} ?disabled=${busy} @change=${(
      e: Event,
    ) =>
      changed(() =>
        set("clipNorm", (e.target as HTMLInputElement).checked ? 1 : Number.POSITIVE_INFINITY),
      )} /> ${say("clip gradients to 1", "梯度裁剪到 1")}</label>
    ${data === "own" ? textField("own", say("Text", "文字")) : nothing}
    ${data === "series" ? textField("series", say("Numbers, in their order", "数字，按顺序")) : nothing}
  </div>`;
}

type Titles = readonly (readonly [name: string, title: string])[];

const dataTitles = (): Titles => [
  ["recall", say("recall the first letter", "回忆行首字母")],
  ["copy", say("copy a word", "复述一个词")],
  ["adding", say("add two marked numbers", "把两个标记的数相加")],
  ["own", say("your own text", "你自己的文字")],
  ["series", say("the next number of a series", "序列的下一个数")],
];

const cellTitles = (): Titles => [
  ["rnn", "RNN"],
  ["lstm", "LSTM"],
  ["gru", "GRU"],
  ...(ofNumbers() ? [] : [["min-gru", "minGRU"] as const, [OWN_CELL, say("your own", "自己写的")] as const]),
];

const OPTIMIZER_TITLES: Titles = [
  ["adam", "Adam"],
  ["sgd", "SGD"],
  ["rmsprop", "RMSprop"],
  ["adagrad", "AdaGrad"],
];

function changed(change: () => void): void {
  change();
  keepChoice();
  update();
}

function set<K extends keyof Settings>(key: K, value: Settings[K]): void {
  chosen.settings = { ...chosen.settings, [key]: value };
}

const choiceOf = (label: string, titles: Titles, now: string, choose: (name: string) => void): TemplateResult =>
  html`<label>${label}<select ?disabled=${live.busy} @change=${(e: Event) =>
    changed(() => choose((e.target as HTMLSelectElement).value))}>${titles.map(
    ([name, title]) => html`<option value=${name} .selected=${name === now}>${title}</option>`,
  )}</select></label>`;

function numberField(key: Bounded, label: string): TemplateResult {
  const [least, most, step] = BOUNDS[key];
  const now = key === "lag" ? chosen.lag : chosen.settings[key];
  const choose = (value: number): void => {
    if (key === "lag") chosen.lag = bounded(key, value);
    else set(key, bounded(key, value));
  };
  return html`<label>${label}<input type="number" min=${least} max=${most} step=${step} .value=${String(now)} ?disabled=${live.busy} @change=${(
    e: Event,
  ) => changed(() => choose(Number((e.target as HTMLInputElement).value)))} /></label>`;
}

const textField = (key: "own" | "series", label: string): TemplateResult =>
  html`<label class="wide">${label}<textarea rows="4" ?disabled=${live.busy} .value=${chosen[key]} @input=${(
    e: Event,
  ) => {
    chosen[key] = (e.target as HTMLTextAreaElement).value.slice(0, MOST_CHARACTERS);
  }} @change=${keepChoice}></textarea></label>`;
