import { formulas } from "./formula.mjs";

const english = {
  title: "A cell of your own",
  printed: "Printed by `npm run docs:cells` from examples/own-cell.ts and scripts/docs/own-page.mjs; change those.",
  words:
    "A cell is an object of equations that `defineCell` records. Everything else is derived from it: the gradient, the kernels of both machines, the formulas and the traces. The built-in cells are made in the same way.",
  equations: "Its equations, as `equations(ownCell)` prints them:",
  derivatives: "and its derivative, as `derivatives(ownCell)` prints it:",
  what: "What a cell can contain",
  table: `| written as | for example | meaning |
| --- | --- | --- |
| \`gates: { f: sigmoid }\` | LSTM | the gate is \`sigmoid(W x + U h + b)\`; the order of gates is the order of rows in \`weight_ih\` |
| \`split()\` | GRU | \`step\` gets the gate in two parts, \`{ x, h }\`: \`W x + bˣ\` and \`U h + bʰ\` |
| \`input(sigmoid)\` | minGRU | no recurrent matrix and no recurrent bias |
| \`gateOf(tanh, of)\` | GRU that resets before the product | the recurrent matrix multiplies another vector, made of previous states, masks, earlier gates and the \`parts\` of earlier split gates: \`({ parts }) => mul(parts.m.x, parts.m.h)\` makes an LSTM multiplicative |
| \`state: ["h", "c"]\` | LSTM | vectors carried from step to step; the first is the output |
| \`state: { h: "projection", c: "hidden" }\` and \`projections: ["hr"]\` | LSTM with projection | states of another width; \`project.hr(v)\` in \`step\` is the matrix times v |
| \`weights: { p: 0 }\` | peepholes | one number per unit, here initially 0 |
| \`masks: { keep: { per: "step", rate: 0.1, kind: "zoneout" } }\` | zoneout | random numbers, drawn once per sequence or at every step |
| \`recurrent: ({ previous, masks }) => …\` | recurrent dropout | the vector that all recurrent matrices multiply; by default the first state |
| \`mean(…)\` | layer normalization | the mean over all units of one example |
| \`bias: "none"\` | layer normalization | products without biases |`,
  end: '`step` returns the next states; other values that it returns have names in formulas and traces. A saved model contains the equations as text, so `loadRun(folder, { machine })`, the commands and pages open it without the code. (Equations that text cannot say, such as a value called `x`, are given again: `cells: { "own-cell": ownCell }`.)\n\nA cell can also be written as text: `parseCell("z = sigmoid(W_z x + U_z h[t-1]) …")` reads one equation per line, and `cellText(cell)` writes those of any cell ([cells as text](../guide/look-inside.md#cells-as-text)). `longshort train` takes such a text as `--cell-file`. Use `defineCell` where code makes the equations, such as functions of your own.\n\n## What it cannot say\n\nAn equation is about one unit at one step. What mixes units is a matrix times a vector or `mean`; what mixes steps is a state.\n\n* **Two steps back, h[t−2]**: a second state that holds h[t−1] (`s = h[t-1]` in the text, and then `s[t-1]`).\n* **The bare input x**, for a skip connection: a gate of its own, `skip: input()`, whose matrix learns it; or add the input to the layer\'s output outside the cell.\n* **A time step Δt or another number of each step**: one more input; a gate that `input()` declares sees it.\n* **A memory that is a matrix** (outer products, as in mLSTM), **attention** over earlier steps, a **softmax** over units: not in a cell. Compose layers, or record the steps one by one in a graph, `rnn.forward` with T = 1.\n* **Keras and PyTorch** have no cells of your own: such a model is saved as a run, or as ONNX, which holds the equations ([cells in ONNX](../guide/formats.md#cells-in-onnx)) and is read again as the same cell; `writePyTorch(await parameters.toTensors())` gives its weights to other programs.',
};

/** @type {typeof english} */
const chinese = {
  title: "自己写的单元",
  printed: "由 `npm run docs:cells` 根据 examples/own-cell.ts 和 scripts/docs/own-page.mjs 打印；要改就改那里。",
  words:
    "单元是一个由方程组成的对象，由 `defineCell` 录制下来。别的什么都不用写：梯度、两种计算设备的内核、公式和追踪都由它推导得出；内置的单元也是这样做出来的，没有区别。",
  equations: "它的方程，由 `equations(ownCell)` 打印：",
  derivatives: "它的导数，由 `derivatives(ownCell)` 打印：",
  what: "单元可以写些什么",
  table: `| 写法 | 例如 | 含义 |
| --- | --- | --- |
| \`gates: { f: sigmoid }\` | LSTM | 这个门是 \`sigmoid(W x + U h + b)\`；门的次序就是 \`weight_ih\` 里行的次序 |
| \`split()\` | GRU | \`step\` 得到分成两部分的门 \`{ x, h }\`：\`W x + bˣ\` 和 \`U h + bʰ\` |
| \`input(sigmoid)\` | minGRU | 没有循环矩阵，也没有循环偏置 |
| \`gateOf(tanh, of)\` | 先重置的 GRU | 循环矩阵乘的是另一个向量，由前一步的状态、掩码、列在前面的门以及前面的 split 门的 \`parts\` 组成：\`({ parts }) => mul(parts.m.x, parts.m.h)\` 就是乘法 LSTM |
| \`state: ["h", "c"]\` | LSTM | 往下传的向量；第一个是输出 |
| \`state: { h: "projection", c: "hidden" }\` 和 \`projections: ["hr"]\` | 带投影的 LSTM | 宽度不同的状态；\`step\` 里的 \`project.hr(v)\` 是矩阵乘 v |
| \`weights: { p: 0 }\` | 窥视孔连接 | 每个隐藏单元一个数，这里初始为 0 |
| \`masks: { keep: { per: "step", rate: 0.1, kind: "zoneout" } }\` | zoneout | 随机数，每条序列抽一次，或者每一步抽一次 |
| \`recurrent: ({ previous, masks }) => …\` | 循环 dropout | 所有循环矩阵乘的是什么，默认是第一个状态 |
| \`mean(…)\` | 层归一化 | 一个样本的所有隐藏单元的均值 |
| \`bias: "none"\` | 层归一化 | 乘积不带偏置 |`,
  end: '`step` 返回下一步的状态；它返回的其他内容，在公式和追踪里都有名字。保存的模型带着文字写的方程，所以 `loadRun(folder, { machine })`、各个命令和网页不需要代码就能打开它。（文字写不出的方程，例如名为 `x` 的值，要重新给出：`cells: { "own-cell": ownCell }`。）\n\n同样的内容也可以用文字写：`parseCell("z = sigmoid(W_z x + U_z h[t-1]) …")` 从文本里读取方程，每行一个；`cellText(cell)` 写出任何单元的方程（[用文字写的单元](../guide/look-inside.md#用文字写的单元)）。`longshort train` 用 `--cell-file` 读取这样的文本；由代码生成的方程，例如自己的函数，仍然用 `defineCell`。\n\n## 写不出来的\n\n一个方程说的是一个隐藏单元在一步里的事。把单元混在一起的，是矩阵乘向量和 `mean`；把各步连在一起的，是状态。\n\n* **前两步 h[t−2]**：用第二个状态保存 h[t−1]（文本里写 `s = h[t-1]`，再用 `s[t-1]`）。\n* **原样的输入 x**（跳跃连接）：给它一个自己的门 `skip: input()`，由它的矩阵去学；或者在单元之外把输入加到层的输出上。\n* **每一步的时间间隔 Δt 或别的数**：多加一个输入，用 `input()` 声明的门能看到它。\n* **矩阵形式的记忆**（外积，如 mLSTM）、对以前各步的**注意力**、对隐藏单元的 **softmax**：不在单元里写。用层来组合，或者在图里一步一步地录制，即 T = 1 的 `rnn.forward`。\n* **Keras 和 PyTorch** 没有自己写的单元：这样的模型保存为一次运行，或者写成 ONNX，公式就在文件里（[ONNX 里的单元](../guide/formats.md#onnx-里的单元)），再读入时就是同一个单元；它的权重用 `writePyTorch(await parameters.toTensors())` 交给别的程序。',
};

/** The page of a cell of one's own, in both languages, around the example that the tests run. */
export function ownPage(source, cell, { equations, derivatives, aligned }, language) {
  const words = language === "zh" ? chinese : english;
  return `${[
    `# ${words.title}`,
    `<!-- ${words.printed} -->`,
    words.words,
    `\`\`\`ts file=examples/own-cell.ts\n${source.trim()}\n\`\`\``,
    words.equations,
    formulas(equations(cell), aligned),
    words.derivatives,
    formulas(derivatives(cell), aligned),
    `## ${words.what}`,
    words.table,
    words.end,
  ].join("\n\n")}\n`;
}
