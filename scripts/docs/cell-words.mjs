/** The words around the formulas of a cell's page, in both languages; what the page says of one cell alone is in cell-texts. */

const listed = (items, and) =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")}${and}${items.at(-1)}`;

export const english = {
  printed: "Printed by `npm run docs:cells` from the cell's equations and scripts/docs/cell-texts.mjs; change those.",
  equations: "Equations",
  letters:
    "σ is the logistic function, ⊙ the elementwise product. x is the input of a step; letters with t − 1 are values of the step before.",
  note: 'Many courses write one matrix per gate, applied to input and state stacked, and the letter z for the gates (`equations(lstm(), { notation: "note" })`):',
  parameters: "Parameters",
  layers:
    "Those of the first layer with input size D and hidden size H; names in a second layer end in `_l1`, in the backward direction in `_reverse`.",
  columns: "| name | shape | what |",
  together: (total, count) => `Together ${total} numbers: ${count} with D = 64 and H = 128.`,
  matrix: (letter, gates) => `${letter} of the gates ${gates.join(", ")}`,
  below: ", one below the other",
  sameOrder: ", in the same order",
  projection: "the projection",
  perUnit: (first) => `one number per unit, initially ${first}`,
  saved: "What is saved for the backward pass",
  kept(slots, states, values) {
    const rest =
      values.length === 0
        ? `Nothing in ${slots === 1 ? "it" : "them"} is read again: the state alone gives the derivative.`
        : `After the forward pass they hold ${listed(values, " and ")}; everything else that the derivative needs is computed again from these by cheap arithmetic.`;
    return `Each step keeps ${slots === 1 ? "one vector" : `${slots} vectors`} of H numbers per example beside ${states.length === 1 ? "the state" : "the states"} ${listed(states, " and ")}. ${rest}`;
  },
  reused:
    "A vector first holds the products of its gate, then the value that is kept in their place, and in the backward pass, as soon as that value is not read any more, the gradient of the gate's pre-activation.",
  operands: (n) =>
    `${n === 1 ? "One more vector is" : `${n} more vectors are`} kept because a matrix multiplies ${n === 1 ? "it" : "them"} and it is not a state.`,
  means: (n) => `Of each mean one number per example is kept, ${n} in all.`,
  backward: "Backward",
  tooLong: "The derivative is that of the equations above; because of the means over units it is too long to print.",
  derived:
    "Derived from the equations above. h̄ is the gradient that arrives at a state, from the next step and (for the output) from the layer above; δ with the name of a gate is the gradient of its pre-activation. The gradients of matrices and biases are sums over time of δ xᵀ, δ h₋₁ᵀ and δ.",
  options: "Options",
  example: "Example",
  oneStep: "One step of an untrained model:",
  sources: "Sources",
};

/** @type {typeof english} */
export const chinese = {
  printed: "由 `npm run docs:cells` 根据单元的方程和 scripts/docs/cell-texts-zh.mjs 打印；要改就改那里。",
  equations: "方程",
  letters: "σ 是逻辑函数，⊙ 是逐元素乘积。x 是一个时间步的输入；带 t − 1 的字母属于前一步。",
  note: '许多讲义把输入和状态上下接起来，每个门只写一个矩阵，并用字母 z 表示门（`equations(lstm(), { notation: "note" })`）：',
  parameters: "参数",
  layers: "这是第一层的参数，输入大小为 D，隐藏单元数为 H；第二层的名字以 `_l1` 结尾，反向的以 `_reverse` 结尾。",
  columns: "| 名字 | 形状 | 内容 |",
  together: (total, count) => `一共 ${total} 个数：D = 64、H = 128 时是 ${count} 个。`,
  matrix: (letter, gates) => `各个门 ${gates.join("、")} 的 ${letter}`,
  below: "，上下排列",
  sameOrder: "，次序相同",
  projection: "投影",
  perUnit: (first) => `每个隐藏单元一个数，初始为 ${first}`,
  saved: "为反向计算保存什么",
  kept(slots, states, values) {
    const rest =
      values.length === 0
        ? "其中的内容不会再读：只凭状态就能求出导数。"
        : `前向计算之后，里面是 ${values.join("、")}；求导所需的其余各项，都由它们用廉价的算术重新算出。`;
    return `除了状态 ${states.join("、")} 之外，每一步为每个样本保存 ${slots} 个长度为 H 的向量。${rest}`;
  },
  reused:
    "一个向量先放矩阵为它的门算出的值，然后放取而代之保存下来的值；在反向计算中，一旦不再有谁读取它，就改放那个门所见之值的梯度。",
  operands: (n) => `另外还保存 ${n} 个向量，因为有矩阵要乘它，而它又不是状态。`,
  means: (n) => `每个均值为每个样本保存一个数，一共 ${n} 个。`,
  backward: "反向",
  tooLong: "导数按方程原样求出；由于含有对隐藏单元的均值，写出来太长，无法阅读。",
  derived:
    "由上面的方程推导得出。h̄ 是到达某个状态的梯度，来自下一步，（对输出来说）也来自上层；上标为某个门的 δ，是那个门的激活函数所见之值的梯度。矩阵和偏置的梯度是 δ xᵀ、δ h₋₁ᵀ 和 δ 对时间求和。",
  options: "选项",
  example: "例子",
  oneStep: "一个未经训练的模型走一步：",
  sources: "出处",
};
