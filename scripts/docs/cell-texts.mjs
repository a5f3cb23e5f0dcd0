/**
 * What the equations of the built-in cells do not say themselves: words, options, sources. Everything else on a cell's page is printed
 * from the cell.
 *
 * `variants` are options that change the equations; the page shows the lines that differ.
 *
 * @typedef {{ name: string, title: string, words: string, variants?: [heading: string, options: object, words: string][],
 *   options?: string[], sources: string[], parallel?: boolean }} CellText
 */

const common = [
  "`bias` (default true): false leaves out all biases.",
  "`clip` (default none): the inputs of all gate activations are clamped to ±clip; the cell state is not.",
  "`recurrentDropout` (default 0): the probability that an element of h is dropped before the recurrent matrices, with one mask d per sequence (Gal & Ghahramani 2016, [arXiv:1512.05287](https://arxiv.org/abs/1512.05287)).",
  "`zoneout` (default 0): the probability that a unit keeps its previous state at a step (Krueger et al. 2017, [arXiv:1606.01305](https://arxiv.org/abs/1606.01305)).",
];

/** @type {CellText[]} */
export const cellTexts = [
  {
    name: "rnn",
    title: "RNN: the Elman network",
    words:
      "The plain recurrent network: the new state is one matrix times the input plus another times the previous state, passed through tanh. It is the smallest and fastest cell here. At every step the state is multiplied by the same matrix, so information fades or explodes, and the network hardly learns what lies more than ten or twenty steps back.",
    variants: [
      [
        "With max(0, x) in place of tanh",
        { activation: "relu" },
        '`rnn({ activation: relu })`, PyTorch\'s `nonlinearity="relu"`. The state is no longer bounded.',
      ],
    ],
    options: ["`activation` (default `tanh`): any function of one number from the expression language.", ...common],
    sources: ["Elman (1990), Finding structure in time. Cognitive Science 14(2)"],
  },
  {
    name: "lstm",
    title: "LSTM: long short-term memory",
    words:
      "The LSTM carries two vectors. Gates control the cell state c: f says how much of it is kept, i how much of the new content g is added. The hidden state h is the part of it that the gate o shows to the rest of the network. Because c is passed on by a product with f and not by a matrix, its gradient reaches far back wherever f stays near 1.",
    variants: [
      [
        "With peepholes",
        { peephole: true },
        "`lstm({ peephole: true })`: the gates also see the cell state, i and f the previous one, o the new one, through one weight per unit (Gers & Schmidhuber 2000, Recurrent nets that time and count).",
      ],
      [
        "With coupled gates",
        { coupled: true },
        "`lstm({ coupled: true })`: one gate decides both what to forget and what to add, f = 1 − i, so there are three gates instead of four (Greff et al. 2015, [arXiv:1503.04069](https://arxiv.org/abs/1503.04069)).",
      ],
      [
        "With a projection",
        { projection: true },
        "`lstm({ projection: true })` in a layer with `projectionSize`: h is a linear projection of the output, narrower than c (Sak et al. 2014, [arXiv:1402.1128](https://arxiv.org/abs/1402.1128)).",
      ],
    ],
    options: [
      "`gate` (default `sigmoid`), `candidate` and `output` (default `tanh`): activations of i, f and o; of g; of c before the output gate.",
      "`peephole`, `coupled`, `projection` (default false): see above.",
      ...common,
    ],
    sources: [
      "Hochreiter & Schmidhuber (1997), Long short-term memory. Neural Computation 9(8)",
      "Gers, Schmidhuber & Cummins (2000), Learning to forget: continual prediction with LSTM. Neural Computation 12(10)",
    ],
  },
  {
    name: "gru",
    title: "GRU: gated recurrent unit",
    words:
      "The GRU has one state and two gates. z mixes the previous state with new content n; the two shares sum to 1. r says how much of the previous state enters the new content. A GRU has three quarters of an LSTM's weights and is often about as good.",
    variants: [
      [
        "With the reset gate before the product",
        { resetAfter: false },
        "`gru({ resetAfter: false })`, as in TensorFlow.js and ONNX' default; the equations above reset after the product, as PyTorch, cuDNN and Keras do by default. These are different functions; weights of one do not fit the other. Here r has to be computed before the product with U_n, which costs one more round per step.",
      ],
    ],
    options: [
      "`gate` (default `sigmoid`), `candidate` (default `tanh`): activations of r and z; of n.",
      "`resetAfter` (default true): see above.",
      ...common,
    ],
    sources: [
      "Cho et al. (2014), [arXiv:1406.1078](https://arxiv.org/abs/1406.1078): version 1 resets after the product, version 3 before it",
    ],
  },
  {
    name: "min-gru",
    title: "minGRU",
    words:
      "The GRU without recurrent matrices: gate and candidate depend on the input only, so h is a running average whose rate the input controls. The new state is linear in the old one. It needs far fewer weights and no matrix product inside the loop over time; several stacked layers can learn what one layer cannot.",
    sources: ["Feng et al. (2024), Were RNNs all we needed? [arXiv:2410.01201](https://arxiv.org/abs/2410.01201)"],
  },
  {
    name: "min-lstm",
    title: "minLSTM",
    words:
      "The LSTM without recurrent matrices, without output gate and with one state. Its two gates depend on the input only and are scaled to sum to 1, so that the size of h does not depend on the length of the sequence. The new state is linear in the old one.",
    sources: ["Feng et al. (2024), Were RNNs all we needed? [arXiv:2410.01201](https://arxiv.org/abs/2410.01201)"],
  },
  {
    name: "layer-norm-lstm",
    title: "LSTM with layer normalization",
    words:
      "An LSTM whose pre-activations are normalized to mean 0 and variance 1 over all units and all four gates, separately for the input part and the recurrent part. The cell state is normalized before the output gate. Each normalization has a gain γ per unit, and biases β replace the biases of the products. Training depends less on the size of the weights.",
    options: ["`epsilon` (default 1e-5): added to the variance."],
    sources: [
      "Ba, Kiros & Hinton (2016), Layer normalization, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450), equations 20–22",
    ],
  },
];
