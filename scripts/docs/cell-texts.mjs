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
  "`clip` (default none): what the activations of the gates see is held within ±clip; the cell state is left alone.",
  "`recurrentDropout` (default 0): the probability that an element of h is dropped where the recurrent matrices read it, one mask d a sequence (Gal & Ghahramani 2016, [arXiv:1512.05287](https://arxiv.org/abs/1512.05287)).",
  "`zoneout` (default 0): the probability that a unit keeps its previous state at a step (Krueger et al. 2017, [arXiv:1606.01305](https://arxiv.org/abs/1606.01305)).",
];

/** @type {CellText[]} */
export const cellTexts = [
  {
    name: "rnn",
    title: "RNN: the Elman network",
    words:
      "The plain recurrent network: the new state is one matrix times the input plus another times the previous state, squashed. It is the smallest and fastest cell here. What it is told fades or grows at every step by the same matrix, so that it hardly learns what lies more than ten or twenty steps back.",
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
      "The LSTM carries two vectors. The cell state c is changed only by what the gates let through: f says how much of it is kept, i how much of the new content g is added. The hidden state h is what the rest of the network sees of it, as far as the gate o opens. Because c is passed on by a product with f and not by a matrix, its gradient reaches far back wherever f stays near 1.",
    variants: [
      [
        "With peepholes",
        { peephole: true },
        "`lstm({ peephole: true })`: the gates also see the cell state, i and f the previous one, o the new one, through one weight a unit (Gers & Schmidhuber 2000, Recurrent nets that time and count).",
      ],
      [
        "With coupled gates",
        { coupled: true },
        "`lstm({ coupled: true })`: what is forgotten makes room for what is taken in, three gates in place of four (Greff et al. 2015, [arXiv:1503.04069](https://arxiv.org/abs/1503.04069)).",
      ],
      [
        "With a projection",
        { projection: true },
        "`lstm({ projection: true })` in a layer with `projectionSize`: h is a linear image of the output, narrower than c (Sak et al. 2014, [arXiv:1402.1128](https://arxiv.org/abs/1402.1128)).",
      ],
    ],
    options: [
      "`gate` (default `sigmoid`), `candidate` and `output` (default `tanh`): activations of i, f, o; of g; of c on its way out.",
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
      "The GRU has one state and two gates. z mixes the previous state with new content n, and what it keeps it does not renew: both shares add up to 1. r says how much of the previous state the new content may look at. It has three quarters of an LSTM's weights and is often about as good.",
    variants: [
      [
        "With the reset gate before the product",
        { resetAfter: false },
        "`gru({ resetAfter: false })`, as in TensorFlow.js and ONNX' default; above it acts after the product, as in PyTorch, cuDNN and Keras' default. They are different functions: weights of one do not fit the other. Here r is computed before the product with U_n can begin, which costs one more round a step.",
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
      "The GRU without recurrent matrices: gate and candidate see the input only, so that h is a running average whose pace the input sets. The new state is linear in the old one. It needs far fewer weights and no product inside the loop over time; several layers on top of each other make up for what one of them cannot see.",
    sources: ["Feng et al. (2024), Were RNNs all we needed? [arXiv:2410.01201](https://arxiv.org/abs/2410.01201)"],
  },
  {
    name: "min-lstm",
    title: "minLSTM",
    words:
      "The LSTM without recurrent matrices, without output gate and with one state. Its two gates see the input only and are scaled to add up to 1, so that the size of h does not depend on the length of the sequence. The new state is linear in the old one.",
    sources: ["Feng et al. (2024), Were RNNs all we needed? [arXiv:2410.01201](https://arxiv.org/abs/2410.01201)"],
  },
  {
    name: "layer-norm-lstm",
    title: "LSTM with layer normalization",
    words:
      "An LSTM whose sums are brought to mean 0 and variance 1 over all units and all four gates before the activations see them, the input's part and the recurrent part each on its own; so is the cell state on its way out. Each has a gain γ a unit, and biases β take the place of the products' biases. Training depends less on the size of the weights.",
    options: ["`epsilon` (default 1e-5): added to the variance below the root."],
    sources: [
      "Ba, Kiros & Hinton (2016), Layer normalization, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450), equations 20–22",
    ],
  },
];
