import { html, type TemplateResult } from "lit";
import { aligned, type Cell, equations, gru, lstm, rnn } from "longshort";
import { shown } from "longshort/components";
import { Bench } from "../bench.ts";
import { say } from "../language.ts";
import { tinyModel } from "../models.ts";
import { update } from "../update.ts";
import { Flow } from "../views/flow.ts";
import { formula } from "../views/formula.ts";
import { diagram, lettersSwitch, paceNote, timeline } from "./cell.ts";

interface Stop {
  readonly title: () => string;
  readonly text: () => TemplateResult;
  readonly figure: () => TemplateResult;
  /** Whether it shows formulas, whose letters can be chosen. Default true. */
  readonly formulas?: boolean;
}

const plain = new Bench(() => tinyModel("recall-rnn"));
const long = new Bench(() => tinyModel("recall-lstm"));
const gated = new Bench(() => tinyModel("recall-gru"));
const flow = new Flow();

const wait = (): TemplateResult =>
  html`<div class="placeholder tall" aria-busy="true">${say("Opening the model…", "正在打开模型……")}</div>`;
const withBench = (bench: Bench, view: () => TemplateResult, stage?: string): TemplateResult => {
  if (!bench.ready) return wait();
  bench.stage = stage;
  // The letters are chosen once, for all stops.
  bench.letters = long.letters;
  return view();
};
const p = (en: string, zh: string): TemplateResult => html`<p>${say(en, zh)}</p>`;
const lines = (cell: Cell, pick: (line: string, index: number) => boolean): TemplateResult =>
  html`<div class="line big">${formula(aligned(equations(cell, { notation: long.letters }).filter(pick)))}</div>`;
const numberOf = (cell: Cell, name: string): number => equations(cell).findIndex((l) => l.startsWith(`${name}_t =`));
const linesOf = (cell: Cell, ...names: string[]): TemplateResult => {
  const wanted = new Set(names.map((name) => numberOf(cell, name)));
  return lines(cell, (_, k) => wanted.has(k));
};

/** What the formulas call the gates of a GRU and its candidate. */
const gruLetters = () => (long.letters === "note" ? { r: "zʳ", z: "zᶻ", n: "z" } : { r: "r", z: "z", n: "n" });

const stops: readonly Stop[] = [
  {
    title: () => say("Order matters", "顺序有意义"),
    text: () =>
      html`${p(
        "“Dog bites man” and “man bites dog” have the same words. To tell them apart a network must read in order and carry something along. A recurrent network carries a hidden state h: at each step it takes the input x and the h of the step before, and makes the next h of both. The weights are the same at every step.",
        "“狗咬人”和“人咬狗”用的是同样的字。要分清它们，网络就得按顺序读，并且边读边记。循环网络记的东西叫隐藏状态 h：每一步把输入 x 和上一步的 h 合在一起，算出新的 h。每一步用的都是同一组权重。",
      )}${linesOf(rnn(), "h")}${p(
        "This one, with four units, was to recall the letter at the start of the line. Step through it: at “?” it guesses. h is made anew at every dot, and nothing in the equation holds on to what was there. It is one network, trained once: an example, not a proof that no RNN could.",
        "这个网络只有四个单元，任务是记住行首的字母。一步步走过去：到了“?”它就猜。每读一个点，h 都重新算一遍，公式里没有什么把旧的东西留住。这只是训练过一次的一个网络：是例子，不是说 RNN 一定学不会。",
      )}`,
    figure: () => withBench(plain, () => html`${timeline(plain)}${diagram(plain)}`),
  },
  {
    title: () => say("Why it forgets", "它为什么会忘"),
    text: () =>
      html`${p(
        "Training asks how a mistake now could have been avoided by doing something else long ago. The answer travels back through every step in between, and at each it is multiplied by the same matrix and by the slope of tanh, which is at most 1. Over many steps little is left: the gradient vanishes. With large weights it may grow instead: it explodes.",
        "训练要回答：现在犯的错，如果很久以前做得不同，能不能避免？答案要穿过中间的每一步往回传，每一步都乘上同一个矩阵，再乘上 tanh 的斜率——它最大也只有 1。步数一多就所剩无几，这就是梯度消失。权重很大时，也可能反过来越传越大，这就是梯度爆炸。",
      )}${p(
        "These are not sketches: three untrained cells of 24 units, a gradient of length 1 sent back from the last step. The forget gate f of the LSTM and z of the GRU begin with 3 added to their bias, so that they start out open; take it away with the slider and they forget as well. Make the weights larger; clip. Clipping tames the explosion. It cannot give back what has vanished.",
        "图上不是示意曲线，而是实际算出来的：三种未经训练的单元，各 24 个，从最后一步送回一个长度为 1 的梯度。LSTM 的遗忘门 f 和 GRU 的 z 一开始偏置都加了 3，所以门是开着的；用滑块去掉它，它们也一样会忘。把权重调大试试，再打开裁剪。裁剪能压住爆炸，但消失了的拿不回来。",
      )}`,
    figure: () => flow.view(["scale", "bias", "clip"]),
    formulas: false,
  },
  {
    title: () => say("Two states", "两个状态"),
    text: () =>
      html`${p(
        "The LSTM passes on two things. The cell state c is its memory: it is not computed anew but scaled and added to. The hidden state h is what it shows at each step. So c tends to change slowly and h quickly — tends: each unit is measured below, and not all of them agree.",
        "LSTM 往后传两样东西。细胞状态 c 是它的记忆：不重新计算，只按比例保留、再往上加。隐藏状态 h 是它每一步给外面看的。所以 c 往往变得慢，h 往往变得快——只是“往往”：下面逐个单元地量给你看，并不是个个如此。",
      )}${linesOf(lstm(), "c", "h")}${p(
        "At “?” this network names the letter. It was kept in unit 1: after an A that row of c goes below −0.5 and stays there until “?” comes, after a B it stays near 0. Choose the other line and compare.",
        "到了“?”，这个网络说得出那个字母。它记在单元 1 里：读过 A，c 的这一行降到 −0.5 以下，直到“?”都不回来；读过 B，它一直在 0 附近。换另一行输入对比一下。",
      )}`,
    figure: () => withBench(long, () => html`${timeline(long)}${paceNote(long)}`),
  },
  {
    title: () => say("Four values from one vector", "一个向量，四个值"),
    text: () =>
      html`${p(
        "Put x and the previous h below each other, [x ; h], and multiply by four matrices. One result goes through tanh: z, the candidate, the content that may be written. Three go through σ and lie between 0 and 1: the gates. The four matrices and their biases are all that an LSTM learns.",
        "把 x 和上一步的 h 上下接起来，得到 [x ; h]，分别乘四个矩阵。一个结果过 tanh，就是候选记忆 z，也就是可能写入的新内容；另外三个过 σ，落在 0 和 1 之间，就是三个门。LSTM 要学的，只有这四个矩阵和它们的偏置。",
      )}${linesOf(lstm(), "i", "f", "g", "o")}${p(
        "PyTorch writes two matrices and two biases where lectures write one. Switch the letters: the sums are the same numbers.",
        "讲义里写一个矩阵的地方，PyTorch 写两个矩阵、两个偏置。切换记号看看：算出来的和是同样的数。",
      )}`,
    figure: () => withBench(long, () => html`${timeline(long)}${both()}${diagram(long)}`),
  },
  {
    title: () => say("Stage one: forget", "第一阶段：遗忘"),
    text: () =>
      html`${p(
        "The forget gate decides, unit by unit, how much of the old c is kept: 1 keeps everything, 0 wipes it. ⊙, the Hadamard product, multiplies unit by unit.",
        "遗忘门逐个单元地决定旧的 c 保留多少：1 全部保留，0 全部抹掉。⊙ 是逐元素乘积（哈达玛积）。",
      )}${linesOf(lstm(), "f")}${p(
        "Walk to the dots: the forget gate of unit 1, which holds the letter, stands at 0.98; next to nothing is lost. Then step to “?”: it shuts, and those of units 0 and 3 all but shut. What was needed goes into the answer and is dropped.",
        "走到点上：单元 1 记着那个字母，它的遗忘门是 0.98，几乎一点不丢。再走到“?”：这个门关上了，单元 0 和 3 的也几乎关上。要用的东西用在了回答里，随后就丢掉了。",
      )}`,
    figure: () => withBench(long, () => html`${timeline(long)}${diagram(long)}`, "forget"),
  },
  {
    title: () => say("Stage two: select memory", "第二阶段：选择记忆"),
    text: () =>
      html`${p(
        "The input gate decides how much of the new content z is written. What is kept of the old and what is written of the new are added: that sum is c, and it is carried on. Adding is the point. On this path a gradient is only multiplied by the forget gate, and if that is near 1 it survives.",
        "输入门决定新的内容 z 写进去多少。旧的留下的，加上新的写入的，这个和就是 c，继续往后传。关键就在“加”：沿着这条路往回，梯度只被遗忘门相乘；门接近 1，梯度就保得住。",
      )}${linesOf(lstm(), "c")}${p("Look at unit 1 at the first step. At an A its input gate is 0.6 open and z is −1: the letter is written. At a B the gate is shut and nothing is. Unit 0 takes in some more at each of the first dots: it counts them.", "看第一步的单元 1：读到 A，输入门开到 0.6，z 是 −1，字母就写进去了；读到 B，门是关的，什么也不写。单元 0 则在头几个点上每次再写进一份——它在数点。")}`,
    figure: () => withBench(long, () => html`${timeline(long)}${diagram(long)}`, "select"),
  },
  {
    title: () => say("Stage three: output", "第三阶段：输出"),
    text: () =>
      html`${p(
        "The output gate decides what of the memory is shown now. c goes through tanh, which brings it between −1 and 1, and is multiplied by the gate: that is h. A prediction is made from h — by σ for a yes or no, by a softmax for one of many, as here.",
        "输出门决定此刻把记忆里的什么拿出来。c 先过 tanh，压到 −1 和 1 之间，再乘上输出门，就是 h。预测由 h 算出：回答“是或否”用 σ，从多个里选一个（像这里）用 softmax。",
      )}${linesOf(lstm(), "o", "h")}${p("The cell room lets you close a gate by hand and see the answer at “?” change.", "在“单元”那个房间里，你可以亲手关上一个门，看“?”处的答案怎么变。")}<p><a href="#/cell/lstm">${say("Go there", "去试试")} →</a></p>`,
    figure: () => withBench(long, () => html`${timeline(long)}${diagram(long)}`, "output"),
  },
  {
    title: () => say("Fewer parts: the GRU", "更精简：GRU"),
    text: () =>
      html`${p(
        `The GRU has no c and one gate less. Its update gate ${gruLetters().z} mixes: it keeps a share ${gruLetters().z} of the old h and fills in 1 − ${gruLetters().z} of the candidate ${gruLetters().n} — what is forgotten and what is written are one decision. Its reset gate ${gruLetters().r} says how much of the old h the candidate gets to see.`,
        `GRU 没有 c，门也少一个。更新门 ${gruLetters().z} 负责调配：旧的 h 留下 ${gruLetters().z} 这一份，候选状态 ${gruLetters().n} 补进 1 − ${gruLetters().z} 这一份——忘多少和写多少是同一个决定。重置门 ${gruLetters().r} 决定候选状态能看到多少旧的 h。`,
      )}${linesOf(gru(), "r", "z", "n", "h")}${p(
        "Three matrices in place of four: a quarter fewer parameters, and on many tasks about as good. Often it is what one trains when there is much to train.",
        "四个矩阵变成三个，参数少四分之一，许多任务上效果相当；要训练的东西多时，人们常常选它。",
      )}${counts()}`,
    figure: () => withBench(gated, () => html`${timeline(gated)}${diagram(gated)}`),
  },
];

/** One gate's sum computed by both ways of writing it, from the live weights. */
let sums: { key: unknown; step: number; stacked: number[]; split: number[] } | undefined;
function both(): TemplateResult {
  const { whole, step } = long;
  if (sums?.key !== whole || sums?.step !== step) {
    sums = { key: whole, step, stacked: sums?.stacked ?? [], split: sums?.split ?? [] };
    void computeSums(step).then((found) => {
      sums = { key: whole, step, ...found };
      update();
    });
  }
  const row = (name: string, values: readonly number[]): TemplateResult =>
    html`<tr><th scope="row">${name}</th>${values.map((v) => html`<td data-sum=${v}>${shown(v, 6)}</td>`)}</tr>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${say("The same sums, written in two ways", "同一个和的两种写法")}><table class="plain"><caption>${say(`What the forget gate sees at step ${step + 1}, its four units`, `第 ${step + 1} 步，遗忘门的四个单元看到的和`)}</caption><tbody>
    ${row("Wᶠ [x ; h] + bᶠ", sums.stacked)}${row("W x + bˣ + U h + bʰ", sums.split)}</tbody></table></div>`;
}

async function computeSums(step: number): Promise<{ stacked: number[]; split: number[] }> {
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

/** Parameters of one layer for an input and a state of the same width: G · (H·D + H·H + 2·H). */
let width = 128;
function counts(): TemplateResult {
  const of = (cell: Cell): number => cell.gates.length * (2 * width * width + 2 * width);
  const most = of(lstm());
  const cells = [
    ["RNN", rnn()],
    ["GRU", gru()],
    ["LSTM", lstm()],
  ] as const;
  return html`<div class="counts"><label>${say("Units", "单元数")} <output>${width}</output><input type="range" min="4" max="512" step="4" .value=${String(width)} @input=${(
    e: Event,
  ) => {
    width = Number((e.target as HTMLInputElement).value);
    update();
  }} /></label>
    ${cells.map(([name, cell]) => html`<div class="count"><span>${name}</span><i style="--p:${of(cell) / most}"></i><b data-count=${of(cell)}>${of(cell).toLocaleString("en")}</b></div>`)}</div>`;
}

export function lessonsRoom(rest: readonly string[]): TemplateResult {
  const number = Math.min(stops.length, Math.max(1, Number(rest[0]) || 1));
  const stop = stops[number - 1]!;
  return html`<section class="room lessons">
    ${number === 1 ? html`<header class="hero"><h1>${say("How a network remembers", "网络是怎样记忆的")}</h1><p>${say("Eight stops, from the recurrent network to the LSTM and the GRU. Every picture is a real network, running on this page.", "八站，从循环网络到 LSTM，再到 GRU。每张图都是一个真实的网络，就在这页上运行。")}</p></header>` : ""}
    <nav class="stops" aria-label=${say("Stops", "各站")}>${stops.map((s, k) => html`<a href="#/lessons/${k + 1}" aria-current=${k + 1 === number ? "step" : "false"} aria-label=${`${k + 1}. ${s.title()}`}><span>${k + 1}</span></a>`)}</nav>
    <article class="stop">
      <div class="prose"><p class="kicker">${number} / ${stops.length}</p>${number === 1 ? html`<h2>${stop.title()}</h2>` : html`<h1>${stop.title()}</h1>`}${stop.text()}
        ${stop.formulas === false ? "" : lettersSwitch(long)}
        <p class="turn">${number > 1 ? html`<a href="#/lessons/${number - 1}">← ${stops[number - 2]!.title()}</a>` : ""}${number < stops.length ? html`<a class="on" href="#/lessons/${number + 1}">${stops[number]!.title()} →</a>` : html`<a class="on" href="#/sequence">${say("Now a network that reads text", "再看一个会读文字的网络")} →</a>`}</p>
      </div>
      <div class="figure-side">${stop.figure()}</div>
    </article>
  </section>`;
}
