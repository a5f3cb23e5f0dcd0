import { html, nothing, type TemplateResult } from "lit";
import { aligned, equations } from "longshort";
import { type CellNodeEvent, colourOf, gateColour, inkOn, scaleOf, shown, shownToken } from "longshort/components";
import { type CellGraphNode, pace } from "longshort/explain";
import { Bench } from "../bench.ts";
import { say } from "../language.ts";
import { tinyModel } from "../models.ts";
import { addressOf, ownCell } from "../own-cell.ts";
import { update } from "../update.ts";
import { formula } from "../views/formula.ts";
import { gateWord } from "../words.ts";
import { editor } from "./own-cell.ts";

type Kind = "rnn" | "lstm" | "gru" | "own";
const benches: Readonly<Record<Exclude<Kind, "own">, Bench>> = {
  rnn: new Bench(() => tinyModel("recall-rnn")),
  lstm: new Bench(() => tinyModel("recall-lstm")),
  gru: new Bench(() => tinyModel("recall-gru")),
};
let playing: ReturnType<typeof setInterval> | undefined;
const probabilities = new WeakMap<Bench, { key: unknown; step: number; values: number[][] }>();

export function cellRoom(rest: readonly string[]): TemplateResult {
  const kind: Kind = rest[0] === "rnn" || rest[0] === "gru" || rest[0] === "own" ? rest[0] : "lstm";
  const written = kind === "own" ? editor(rest[1]) : nothing;
  const bench = kind === "own" ? ownCell.bench : benches[kind];
  const about: Readonly<Record<Kind, string>> = {
    rnn: say("One state, overwritten at every step.", "只有一个状态，每一步都被改写。"),
    lstm: say(
      "Two states: c is carried on, h is shown. Three gates decide.",
      "两个状态：c 往后传，h 给外面看；三个门来决定。",
    ),
    gru: say(
      "One state, two gates: as much as is forgotten is filled in anew.",
      "一个状态、两个门：忘掉多少，就补进多少新的。",
    ),
    own: say(
      "Write its equations: diagram, numbers and formulas follow from them.",
      "写下方程，结构图、数值和公式都由它得出。",
    ),
  };
  return html`<section class="room cell">
    <header class="lead">
      <h1>${say("The cell", "单元")}</h1>
      <p>${
        kind === "own"
          ? say(
              "A cell is a handful of equations. Change them, or write your own: what you see below is drawn and computed from your words, step by step.",
              "一个单元就是几行方程。改一改，或者从头自己写：下面的图和数值都由你写的方程一步步算出来。",
            )
          : say(
              "A network of four units has learned one thing: to recall the letter at the beginning of the line when “?” comes. Step through the line and watch where it keeps the letter. Every box is drawn from the equations of the cell; every number is what the library computed.",
              "这个只有四个单元的网络学会了一件事：遇到“?”时，说出行首的字母。一步步走下去，看它把字母记在哪里。每个方框都由单元的方程画出，每个数字都是库里真正算出来的。",
            )
      }</p>
    </header>
    <div class="controls">
      <div class="segmented" role="group" aria-label=${say("Cell", "单元")}>${(
        ["rnn", "lstm", "gru", "own"] as const
      ).map(
        (k) =>
          html`<a href=${k === "own" ? addressOf(ownCell.text) : `#/cell/${k}`} aria-current=${k === kind ? "true" : "false"}>${k === "own" ? say("Your own", "自己写") : k.toUpperCase()}</a>`,
      )}</div>
      <span class="hint">${about[kind]}</span>
      ${kind === "own" ? nothing : lettersSwitch(bench)}
    </div>
    ${written}
    ${bench.error ? html`<p class="error" role="alert">${bench.error}</p>` : nothing}
    ${bench.ready ? stage(bench, kind) : html`<div class="placeholder tall" aria-busy="true">${say("Opening the model…", "正在打开模型……")}</div>`}
  </section>`;
}

export function lettersSwitch(bench: Bench): TemplateResult {
  return html`<label class="letters">${say("Letters", "记号")}
    <select @change=${(e: Event) => {
      bench.letters = (e.target as HTMLSelectElement).value as Bench["letters"];
      update();
    }}>
      <option value="note" ?selected=${bench.letters === "note"}>${say("z, zⁱ, zᶠ, zᵒ — one matrix on [x ; h]", "z、zⁱ、zᶠ、zᵒ——一个矩阵乘 [x ; h]")}</option>
      <option value="pytorch" ?selected=${bench.letters === "pytorch"}>${say("PyTorch: i, f, g, o — two matrices", "PyTorch：i、f、g、o——两个矩阵")}</option>
    </select></label>`;
}

function stage(bench: Bench, kind: Kind): TemplateResult {
  return html`
    <div class="stage">
      <div class="side">
        ${timeline(bench)}
        ${paceNote(bench)}
        <details class="equations" ?open=${kind === "own"}><summary>${say("All equations of this cell", "这个单元的全部方程")}</summary>${formula(aligned(equations(bench.cell, { notation: bench.letters })))}</details>
      </div>
      <div class="side">
        ${stages(bench, kind)}
        ${diagram(bench)}
        ${details(bench)}
      </div>
    </div>`;
}

/** How quickly c and h move, as numbers; nothing for a cell without c. */
export function paceNote(bench: Bench): TemplateResult | typeof nothing {
  const { c_l0: c, h_l0: h } = bench.whole!.values;
  if (!c || !h) return nothing;
  const measured = pace(c, h);
  const slower = Math.round(measured.slower * bench.units);
  return html`<p class="note">${say("How quickly do they change? Steps against spread: c", "变化有多快？按步长与离散程度之比：c 为")}
    <b data-pace=${measured.c}>${shown(measured.c, 2)}</b>, h <b>${shown(measured.h, 2)}</b>.
    ${say(
      `c moves more slowly than h in ${slower} of ${bench.units} units, on this line.`,
      `在这一行里，${bench.units} 个单元中有 ${slower} 个的 c 变得比 h 慢。`,
    )}</p>`;
}

/** The line with what comes next, and the states below it: where the letter is kept. */
export function timeline(bench: Bench): TemplateResult {
  const { tokens } = bench;
  const all = predicted(bench);
  const known = bench.opened!.tokenizer.tokens;
  const states = bench.cell.states.map((s) => s.name).toReversed();
  const changed = bench.override.size > 0;
  const cellOf = (name: string, t: number, unit: number): TemplateResult => {
    const value = bench.at(name, t)[unit]!;
    const scale = scaleOf([-1, ...bench.whole!.values[`${name}_l0`]!.data]);
    return html`<td class=${t === bench.step ? "now" : ""} style="background-color:${colourOf(value, scale)};color:${inkOn(value, scale)}" title=${`${name} ${unit}, ${t}: ${shown(value)}`} @click=${() => bench.goTo(t)}>${shown(value, 1)}</td>`;
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
      }}>${["A....?A", "B....?B", "A.......?A", "B.?B"].map((line) => html`<option ?selected=${bench.line === `${line}\n`}>${line}</option>`)}</select></label>
      <button class="quiet" @click=${() => void bench.reset()}>${say("Undo changes", "撤销改动")}</button>
      ${changed ? html`<span class="what-if" role="status">${say("What if: from here on, with your values", "假如：从这一步起用你改的数值")}</span>` : nothing}
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label=${say("Steps", "各步")}><table>
      <thead><tr><th scope="row">${say("reads", "读入")}</th>${tokens.map((token, t) => html`<th scope="col" class=${t === bench.step ? "now" : ""}><button @click=${() => bench.goTo(t)} aria-pressed=${t === bench.step}>${shownToken(token)}</button></th>`)}</tr></thead>
      <tbody>
        ${states.map((name) => Array.from({ length: bench.units }, (_, u) => html`<tr class=${u === 0 ? "first" : ""}><th scope="row">${u === 0 ? html`<b style="color:${gateColour(name)}">${name}</b>` : nothing} ${u}</th>${tokens.map((_, t) => cellOf(name, t, u))}</tr>`))}
        <tr class="first says"><th scope="row">${say("expects", "预期")}</th>${tokens.map((_, t) => {
          const p = all?.[t];
          if (!p) return html`<td></td>`;
          const best = p.indexOf(Math.max(...p));
          const isRecall = tokens[t] === "?";
          return html`<td class="${t === bench.step ? "now" : ""} ${isRecall ? "recall" : ""}" data-expects=${shownToken(known[best]!)}><b>${shownToken(known[best]!)}</b><small>${Math.round(p[best]! * 100)}%</small></td>`;
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
  }, 900);
}

/** Names of the stages and what they light up, found in the graph and not by the cell's name. */
export function stagesOf(bench: Bench): { key: string; title: string; ids: () => Set<number> }[] {
  const f = bench.madeOf("f", "previous.c");
  if (f !== undefined && bench.id("c") !== undefined) {
    const write = bench.madeOf("i", "g");
    return [
      { key: "forget", title: say("1 · forget", "1 · 遗忘"), ids: () => bench.below(f) },
      {
        key: "select",
        title: say("2 · select memory", "2 · 选择记忆"),
        ids: () => new Set([...bench.below(write), bench.id("c")!, f]),
      },
      {
        key: "output",
        title: say("3 · output", "3 · 输出"),
        ids: () =>
          new Set([
            ...bench.below(bench.id("o")),
            bench.id("c")!,
            ...bench.graph!.nodes.filter((n) => n.depth > bench.graph!.nodes[bench.id("c")!]!.depth).map((n) => n.id),
          ]),
      },
    ];
  }
  const keep = bench.madeOf("z", "previous.h");
  if (keep === undefined || bench.id("n") === undefined) return [];
  return [
    { key: "reset", title: say("1 · reset", "1 · 重置"), ids: () => bench.below(bench.madeOf("r", "pre.n.h")) },
    { key: "candidate", title: say("2 · candidate", "2 · 候选"), ids: () => bench.below(bench.id("n")) },
    {
      key: "mix",
      title: say("3 · keep and fill in", "3 · 保留与补入"),
      ids: () =>
        new Set([
          ...bench.below(keep),
          ...bench
            .graph!.nodes.filter(
              (n) => n.depth >= bench.graph!.nodes[bench.id("n")!]!.depth || n.symbol.startsWith("1"),
            )
            .map((n) => n.id),
        ]),
    },
  ];
}

function stages(bench: Bench, kind: Kind): TemplateResult | typeof nothing {
  const all = stagesOf(bench);
  if (all.length === 0 && kind !== "rnn") return nothing;
  if (all.length === 0)
    return html`<p class="hint">${say("No gates: nothing decides what is kept.", "没有门：没有什么来决定保留什么。")}</p>`;
  return html`<div class="segmented stages" role="group" aria-label=${say("Stages", "阶段")}>
    <button aria-pressed=${bench.stage === undefined} @click=${() => {
      bench.stage = undefined;
      update();
    }}>${say("all", "全部")}</button>
    ${all.map(
      ({ key, title }) =>
        html`<button aria-pressed=${bench.stage === key} @click=${() => {
          bench.stage = bench.stage === key ? undefined : key;
          update();
        }}>${title}</button>`,
    )}
  </div>`;
}

export function diagram(bench: Bench): TemplateResult {
  const lit = stagesOf(bench)
    .find(({ key }) => key === bench.stage)
    ?.ids();
  return html`<longshort-cell class="diagram" .cell=${bench.cell} .given=${bench.given()} .override=${new Map(bench.override)}
    .selected=${bench.looked} .lit=${lit}
    .letters=${(node: CellGraphNode) => bench.letter(node)} .label=${say("Diagram of the cell", "单元结构图")}
    @node=${({ detail: { id } }: CustomEvent<CellNodeEvent>) => {
      if (bench.selected === id) return;
      bench.selected = id;
      update();
    }}></longshort-cell>`;
}

const weights = new WeakMap<Bench, { key: unknown; values: ReadonlyMap<string, ArrayLike<number>> }>();

function details(bench: Bench): TemplateResult {
  const id = bench.looked;
  const node = bench.graph!.nodes[id]!;
  const value = bench.values()[id]!;
  const line = bench.lineOf(node);
  const plain = node.name?.replace(/^(pre|previous)\./, "").replace(/\.[xh]$/, "");
  const word = plain ? gateWord(plain) : "";
  const gate = node.symbol === "σ";
  const [low, high] = gate ? [0, 1] : [-3, 3];
  const title =
    node.kind === "sum"
      ? say(`what ${plain} sees`, `${plain} 的输入和`)
      : node.kind === "previous"
        ? say(`${word} of the step before`, `上一步的${word}`)
        : word || say("in between", "中间结果");
  return html`<aside class="details" aria-live="polite" style="--line:${gateColour(plain)}">
    <h2><span>${node.name ?? node.symbol}</span> ${title}</h2>
    ${line ? html`<div class="line">${formula(line)}</div>` : nothing}
    <div class="sliders">${Array.from(
      value,
      (v, unit) => html`<label><span>${unit}</span>
      <input type="range" min=${low} max=${high} step="0.01" .value=${String(v)} aria-label=${`${node.name ?? node.symbol} ${unit}`}
        @input=${(e: Event) => bench.setValue(id, unit, Number((e.target as HTMLInputElement).value))} />
      <output data-value=${v}>${shown(v)}</output></label>`,
    )}</div>
    <p class="hint">${say("Drag a value: what follows from it is computed anew, to the end of the line.", "拖动数值：由它决定的一切都会重新计算，直到行末。")}</p>
    ${node.kind === "sum" ? weightRow(bench, node.name!.slice(4)) : nothing}
  </aside>`;
}

/** The rows of both matrices that belong to a gate and a unit, to be dragged. */
function weightRow(bench: Bench, sum: string): TemplateResult {
  const gate = sum.replace(/\.[xh]$/, "");
  const known = weights.get(bench);
  if (!known || known.key !== bench.whole) {
    const key = bench.whole;
    void bench.opened!.parameters.toTensors().then((tensors) => {
      weights.set(bench, { key, values: new Map([...tensors].map(([name, { data }]) => [name, data])) });
      update();
    });
    if (!known) return html``;
  }
  const { gates } = bench.cell;
  // The matrix over h has rows of those gates only that see it.
  const rowIn = (of: typeof gates): number => of.findIndex((g) => g.name === gate) * bench.units + bench.unit;
  const parts = [
    ["x", "rnn.weight_ih_l0", bench.opened!.model.config.embeddingSize, rowIn(gates)],
    ["h", "rnn.weight_hh_l0", bench.units, rowIn(gates.filter((g) => g.recurrent))],
  ] as const;
  return html`<div class="weights"><h3>${say("Its row of weights, unit", "对应的权重行，单元")}
      <select aria-label=${say("unit", "单元")} @change=${(e: Event) => {
        bench.unit = Number((e.target as HTMLSelectElement).value);
        update();
      }}>${Array.from({ length: bench.units }, (_, u) => html`<option ?selected=${u === bench.unit}>${u}</option>`)}</select></h3>
    ${parts
      .filter(([, , , row]) => row >= 0)
      .filter(([part]) => !sum.includes(".") || sum.endsWith(part))
      .map(([part, name, width, row]) =>
        Array.from({ length: width }, (_, k) => {
          const value = weights.get(bench)!.values.get(name)![row * width + k]!;
          return html`<label><span>${part}${k}</span><input type="range" min="-6" max="6" step="0.05" .value=${String(value)} aria-label=${`${name} ${row} ${k}`}
        @input=${(e: Event) => void bench.setWeight(name, row * width + k, Number((e.target as HTMLInputElement).value))} /><output>${shown(value, 2)}</output></label>`;
        }),
      )}</div>`;
}
