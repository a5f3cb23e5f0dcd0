import { cellTexts } from "./cell-texts.mjs";

const common = [
  "`bias`（默认 true）：false 表示不用任何偏置。",
  "`clip`（默认不用）：把各个门的激活函数所见的值限制在 ±clip 之内；细胞状态不受影响。",
  "`recurrentDropout`（默认 0）：循环矩阵读取 h 时，其中一个元素被丢掉的概率，每条序列一个掩码 d（Gal & Ghahramani 2016，[arXiv:1512.05287](https://arxiv.org/abs/1512.05287)）。",
  "`zoneout`（默认 0）：一个隐藏单元在某一步保持前一步状态的概率（Krueger 等 2017，[arXiv:1606.01305](https://arxiv.org/abs/1606.01305)）。",
];

/**
 * The words of cell-texts.mjs in Chinese, by the cell's name; the options behind a variant, and sources without words, are taken
 * from there.
 *
 * @type {Record<string, { title: string, words: string, variants?: [heading: string, words: string][], options?: string[],
 *   sources?: string[] }>}
 */
const texts = {
  rnn: {
    title: "RNN：Elman 网络",
    words:
      "普通的循环网络：新状态是一个矩阵乘输入，加上另一个矩阵乘前一步的状态，再压到有限的范围内。它是这里最小、最快的单元。记下的东西每一步都被同一个矩阵削弱或放大，所以十几二十步以前的内容它几乎学不到。",
    variants: [
      ["用 max(0, x) 代替 tanh", '`rnn({ activation: relu })`，即 PyTorch 的 `nonlinearity="relu"`。状态不再有界。'],
    ],
    options: ["`activation`（默认 `tanh`）：表达式语言里任何一个一元函数。", ...common],
  },
  lstm: {
    title: "LSTM：长短期记忆",
    words:
      "LSTM 往下传两个向量。细胞状态 c 只受门放行的内容影响：遗忘门 f 决定保留多少，输入门 i 决定加入多少候选记忆 g。隐藏状态 h 是网络其余部分看到的 c，看到多少取决于输出门 o 开多大。c 往下传时乘的是 f，而不是一个矩阵，所以只要 f 接近 1，它的梯度就能传回很远。",
    variants: [
      [
        "带窥视孔连接",
        "`lstm({ peephole: true })`：门也看得到细胞状态，i 和 f 看前一步的，o 看新的，每个隐藏单元通过一个权重（Gers & Schmidhuber 2000，Recurrent nets that time and count）。",
      ],
      [
        "耦合门",
        "`lstm({ coupled: true })`：忘掉多少，就腾出多少地方写入，四个门变成三个（Greff 等 2015，[arXiv:1503.04069](https://arxiv.org/abs/1503.04069)）。",
      ],
      [
        "带投影",
        "`lstm({ projection: true })`，用在设了 `projectionSize` 的层里：h 是输出的线性映射，比 c 窄（Sak 等 2014，[arXiv:1402.1128](https://arxiv.org/abs/1402.1128)）。",
      ],
    ],
    options: [
      "`gate`（默认 `sigmoid`）、`candidate` 和 `output`（默认 `tanh`）：依次是 i、f、o 的激活函数；g 的；c 输出时的。",
      "`peephole`、`coupled`、`projection`（默认 false）：见上文。",
      ...common,
    ],
  },
  gru: {
    title: "GRU：门控循环单元",
    words:
      "GRU 有一个状态、两个门。更新门 z 把前一步的状态与候选状态 n 混合，保留的部分就不更新：两份加起来是 1。重置门 r 决定新的内容能看到多少前一步的状态。它的权重是 LSTM 的四分之三，效果往往差不多。",
    variants: [
      [
        "重置门在乘积之前",
        "`gru({ resetAfter: false })`，与 TensorFlow.js 以及 ONNX 的默认相同；上面的重置门作用在乘积之后，与 PyTorch、cuDNN 以及 Keras 的默认相同。它们是不同的函数：一种的权重不适合另一种。在这里，要先算出 r，与 U_n 的乘积才能开始，所以每一步要多一轮。",
      ],
    ],
    options: [
      "`gate`（默认 `sigmoid`）、`candidate`（默认 `tanh`）：依次是 r 和 z 的激活函数；n 的。",
      "`resetAfter`（默认 true）：见上文。",
      ...common,
    ],
    sources: [
      "Cho 等 (2014), [arXiv:1406.1078](https://arxiv.org/abs/1406.1078)：第 1 版在乘积之后重置，第 3 版在乘积之前",
    ],
  },
  "min-gru": {
    title: "minGRU",
    words:
      "没有循环矩阵的 GRU：门和候选状态只看输入，所以 h 是一个滑动平均，快慢由输入决定。新状态是旧状态的线性函数。它需要的权重少得多，沿时间的循环里也没有矩阵乘积；一层看不到的东西，靠多层叠加来弥补。",
  },
  "min-lstm": {
    title: "minLSTM",
    words:
      "没有循环矩阵、没有输出门、只有一个状态的 LSTM。它的两个门只看输入，并按比例缩放到和为 1，因此 h 的大小不随序列长度变化。新状态是旧状态的线性函数。",
  },
  "layer-norm-lstm": {
    title: "层归一化 LSTM",
    words:
      "一种 LSTM：激活函数之前的各个和，对所有隐藏单元和全部四个门归一化到均值 0、方差 1，输入的部分和循环的部分各自进行；细胞状态输出时也一样。每一处都有一个增益 γ，每个隐藏单元一个数；偏置 β 取代乘积的偏置。训练因此不那么依赖权重的大小。",
    options: ["`epsilon`（默认 1e-5）：加在根号下的方差上。"],
    sources: [
      "Ba, Kiros & Hinton (2016), Layer normalization, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450)，方程 20–22",
    ],
  },
};

/** @type {import("./cell-texts.mjs").CellText[]} */
export const chineseCellTexts = cellTexts.map((text) => {
  const own = texts[text.name];
  if (!own || own.variants?.length !== text.variants?.length || own.options?.length !== text.options?.length)
    throw new Error(
      `scripts/docs/cell-texts-zh.mjs lacks something of ${text.name}: translate what was added to cell-texts.mjs`,
    );
  const variants = text.variants?.map(([, options], k) => [own.variants[k][0], options, own.variants[k][1]]);
  return { ...text, ...own, variants };
});
