import { html, type TemplateResult } from "lit";
import { gru, lstm, rnn } from "longshort";
import { diagram } from "../cell/diagram-view.ts";
import { paceCurves, paceNote } from "../cell/pace-view.ts";
import { timeline } from "../cell/timeline-view.ts";
import { say } from "../language.ts";
import { Flow } from "../views/flow.ts";
import { gated, long, plain, withBench } from "./benches.ts";
import { bothWays } from "./both-ways.ts";
import { counts } from "./counts.ts";
import { gruLetters, linesOf, linesToPrediction } from "./formulas.ts";

interface Stop {
  readonly title: () => string;
  readonly text: () => TemplateResult;
  readonly figure: () => TemplateResult;
  /** Whether it shows formulas, whose letters can be chosen. Default true. */
  readonly formulas?: boolean;
}

const flow = new Flow();
const p = (en: string, zh: string): TemplateResult => html`<p>${say(en, zh)}</p>`;
/** Where a room shows what was said. */
const goTo = (address: string, en: string, zh: string): TemplateResult =>
  html`<p class="there"><a href=${address}>${say(en, zh)} →</a></p>`;

export const stops: readonly Stop[] = [
  {
    title: () => say("Order matters", "顺序有意义"),
    text: () =>
      html`${p(
        "“Dog bites man” and “man bites dog” have the same words. To tell them apart a network must read in order and carry something along. A recurrent network carries a hidden state h: at each step it takes the input x and the h of the step before, and makes the next h of both. The weights are the same at every step. From h it says what it expects, y: the last row.",
        "“狗咬人”和“人咬狗”用的是同样的字。要分清它们，网络就得按顺序读，并且边读边记。循环网络记的东西叫隐藏状态 h：每一步把输入 x 和上一步的 h 合在一起，算出新的 h。每一步用的都是同一组权重。它预期接下来是什么，即 y，由 h 算出，就是表里最后一行。",
      )}${linesToPrediction(rnn(), "h")}${p(
        "This one, with four units, was to recall the letter at the start of the line: the same “?” is to be answered by A or by B, depending on what came before. Step through it: at “?” it guesses. h is made anew at every dot, and nothing in the equation holds on to what was there. It is one network, trained once: an example, not a proof that no RNN could.",
        "这个网络只有四个单元，任务是记住行首的字母：同样一个“?”，该答 A 还是 B，全看前面出现过什么。一步步走过去：到了“?”，它只能猜。每读一个点，h 都要重算一遍，公式里没有哪一项专门留住旧的内容。这里只是训练过一次的一个网络，是个例子，并不是说 RNN 一定学不会。",
      )}`,
    figure: () => withBench(plain, () => html`${timeline(plain)}${diagram(plain)}`),
  },
  {
    title: () => say("Why it forgets", "它为什么会忘"),
    text: () =>
      html`${p(
        "Training asks how a mistake now could have been avoided by doing something else long ago. The answer travels back through every step in between, and at each it is multiplied by the same matrix and by the slope of tanh, which is at most 1. Over many steps little is left: the gradient vanishes. With large weights it may grow instead: it explodes.",
        "训练要回答一个问题：现在犯的错，如果很久以前做得不同，能不能避免？答案要穿过中间的每一步往回传，每一步都乘上同一个矩阵，再乘上 tanh 的斜率，而这个斜率最大也只有 1。步数一多就所剩无几，这就是梯度消失。权重很大时，也可能反过来越传越大，这就是梯度爆炸。",
      )}${p(
        "These are not sketches: three untrained cells of 24 units, a gradient of length 1 sent back from the last step. The forget gate f of the LSTM and z of the GRU begin with 3 added to their bias, so that they start out open; take it away with the slider and they forget as well. Make the weights larger; clip. Clipping tames the explosion. It cannot give back what has vanished.",
        "图上不是示意曲线，而是实际算出来的：三种未经训练的单元，各 24 个，从最后一步送回一个长度为 1 的梯度。LSTM 的遗忘门 f 和 GRU 的 z，偏置一开始都加了 3，所以门是开着的；把这个滑块拉到 0，它们也一样会忘。把权重调大试试，再打开裁剪。裁剪能压住爆炸，但消失的找不回来。",
      )}${goTo("#/training?data=adding&cell=rnn", "Train an RNN on two numbers far apart", "让 RNN 学一学相隔很远的两个数")}`,
    figure: () => flow.view(["scale", "bias", "clip"]),
    formulas: false,
  },
  {
    title: () => say("Two states", "两个状态"),
    text: () =>
      html`${p(
        "The LSTM passes on two things. The cell state c is its memory, as h was the RNN’s; but it is not computed anew, it is scaled and added to. The hidden state h is what it shows at each step. So c tends to change slowly and h quickly — tends: each unit is measured below, and not all of them agree.",
        "LSTM 往后传两样东西。细胞状态 c 是它的记忆，相当于 RNN 里的 h，但不重新计算，只按比例保留、再往上加。隐藏状态 h 是它每一步给外面看的。所以 c 往往变得慢，h 往往变得快——只是“往往”：图下逐个单元量过，并不个个如此。",
      )}${linesOf(lstm(), "c", "h")}${p(
        "At “?” this network names the letter. It was kept in unit 1: after an A that row of c goes below −0.5 and stays there until “?” comes, after a B it stays near 0. Choose the other line and compare.",
        "到了“?”，这个网络说得出那个字母。它记在单元 1 里：读过 A，c 的这一行降到 −0.5 以下，直到“?”都不回来；读过 B，它一直在 0 附近。换另一行输入对比一下。",
      )}${goTo("#/sequence", "Count it in a network of 96 units that reads text", "在一个读文字的 96 单元网络里数一数")}`,
    figure: () => withBench(long, () => html`${timeline(long)}${paceNote(long)}${paceCurves(long)}`),
  },
  {
    title: () => say("Four values from one vector", "一个向量，四个值"),
    text: () =>
      html`${p(
        "Put x and the previous h below each other, [x ; h], and multiply by four matrices. Here x is three numbers, learned for each letter, and h four, one a unit: [x ; h] has seven numbers, each matrix four rows of seven. One result goes through tanh and lies between −1 and 1: z, the candidate, the content that may be written. Three go through σ and lie between 0 and 1: the gates. The four matrices and their biases are all that the LSTM itself learns.",
        "把 x 和上一步的 h 上下接起来，得到 [x ; h]，分别乘上四个矩阵。这里 x 是三个数，每个字母各有一组，也是学来的；h 是四个数，每个单元一个；所以 [x ; h] 有七个数，每个矩阵四行，每行七个。一个结果经过 tanh，落在 −1 和 1 之间，就是候选记忆 z，也就是可能写入的新内容；另外三个经过 σ，落在 0 和 1 之间，就是三个门。LSTM 要学的，只有这四个矩阵和它们的偏置。",
      )}${linesOf(lstm(), "i", "f", "g", "o")}${p(
        "PyTorch writes two matrices and two biases where lectures write one. Switch the letters: the sums are the same numbers.",
        "讲义里写一个矩阵的地方，PyTorch 写两个矩阵、两个偏置。切换记号看看：算出来的和一模一样。",
      )}`,
    figure: () => withBench(long, () => html`${timeline(long)}${bothWays(long)}${diagram(long)}`),
  },
  {
    title: () => say("Stage one: forget", "第一阶段：遗忘"),
    text: () =>
      html`${p(
        "The forget gate decides, unit by unit, how much of the old c is kept: 1 keeps everything, 0 wipes it. ⊙, the Hadamard product, multiplies unit by unit.",
        "遗忘门逐个单元地决定旧的 c 保留多少：1 全部保留，0 全部抹掉。⊙ 是逐元素乘积（哈达玛积）。",
      )}${linesOf(lstm(), "f")}${p(
        "Walk to the dots: the forget gate of unit 1, which holds the letter, stands at 0.98; next to nothing is lost. Then step to “?”: it shuts, and those of units 0 and 3 all but shut. What was needed goes into the answer and is dropped.",
        "走到那些点上：单元 1 记着那个字母，它的遗忘门是 0.98，几乎一点不丢。再走到“?”：这个门关上了，单元 0 和 3 的也几乎关上。要用的已经用在回答里，随后就丢掉了。",
      )}${goTo("#/cell/lstm?step=5&stage=forget&look=f", "See it at “?”, with its formula and weights", "去看它在“?”处的样子，连同公式和权重")}`,
    figure: () => withBench(long, () => html`${timeline(long)}${diagram(long)}`, "forget"),
  },
  {
    title: () => say("Stage two: select memory", "第二阶段：选择记忆"),
    text: () =>
      html`${p(
        "The input gate decides how much of the new content z is written. What is kept of the old and what is written of the new are added: that sum is c, and it is carried on. Adding is the point. On this path a gradient is only multiplied by the forget gate, and if that is near 1 it survives.",
        "输入门决定新的内容 z 写进去多少。旧的留下一部分，新的写进一部分，两者之和就是 c，继续往后传。关键就在这个“加”：沿着这条路往回传，梯度只乘遗忘门；门接近 1，梯度就保得住。",
      )}${linesOf(lstm(), "c")}${p("Look at unit 1 at the first step. At an A its input gate is 0.6 open and z is −1: the letter is written. At a B the gate is shut and nothing is. Unit 0 takes in some more at each of the first dots: it counts them.", "看第一步的单元 1：读到 A，输入门开到 0.6，z 是 −1，字母就写进去了；读到 B，门是关的，什么也不写。单元 0 则在头几个点上每次都再写进一份：它在数点。")}`,
    figure: () => withBench(long, () => html`${timeline(long)}${diagram(long)}`, "select"),
  },
  {
    title: () => say("Stage three: output", "第三阶段：输出"),
    text: () =>
      html`${p(
        "The output gate decides what of the memory is shown now. c goes through tanh, which brings it between −1 and 1, and is multiplied by the gate: that is h. A prediction is made from h — by σ for a yes or no, by a softmax for one of many, as here.",
        "输出门决定此刻把记忆里的什么拿出来。c 先经过 tanh，压到 −1 和 1 之间，再乘上输出门，就是 h。预测由 h 算出：回答“是或否”用 σ，从多个里选一个（像这里）用 softmax。",
      )}${linesToPrediction(lstm(), "o", "h")}${p("In the cell room a gate can be shut by hand. With the output gate shut at “?”, the memory is still there, but nothing of it comes out.", "在“单元”那个房间里，可以亲手把门关上。在“?”处关上输出门，记忆还在，却什么也拿不出来。")}${goTo("#/cell/lstm?step=5&look=o&set=o:0,0,0,0", "See that", "去看看")}`,
    figure: () => withBench(long, () => html`${timeline(long)}${diagram(long)}`, "output"),
  },
  {
    title: () => say("Fewer parts: the GRU", "更精简：GRU"),
    text: () =>
      html`${p(
        `Gates decide what is passed on, where an RNN can only heap up; but they are more to compute and more to fit. The GRU has no c and one gate less. Its update gate ${gruLetters().z} mixes: it keeps a share ${gruLetters().z} of the old h and fills in 1 − ${gruLetters().z} of the candidate ${gruLetters().n} — what is forgotten and what is written are one decision. Its reset gate ${gruLetters().r} says how much of the old h the candidate gets to see.`,
        `门决定什么往后传，RNN 却只会一味往上堆；但门多了，要算的、要学的也多。GRU 没有 c，门也少一个。更新门 ${gruLetters().z} 负责调配：旧的 h 留下 ${gruLetters().z} 这一份，候选状态 ${gruLetters().n} 补进 1 − ${gruLetters().z} 这一份——忘多少和写多少是同一个决定。重置门 ${gruLetters().r} 决定候选状态能看到多少旧的 h。`,
      )}${linesOf(gru(), "r", "z", "n", "h")}${p(
        "Three matrices in place of four: a quarter fewer parameters, and on many tasks about as good. Often it is what one trains when there is much to train.",
        "四个矩阵变成三个，参数少四分之一，许多任务上效果相当；要训练的东西多时，人们常常选它。",
      )}${counts()}${goTo("#/training?cell=gru", "Train all three, one after the other", "三种都训练一遍，比比看")}`,
    figure: () => withBench(gated, () => html`${timeline(gated)}${diagram(gated)}`),
  },
];
