import { FailureError, few, UsageError } from "../../shared/errors.ts";
import { expectOptions } from "../../shared/options.ts";
import { formatShape } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { Network } from "../canonical/network.ts";
import type { CanonicalNode, LayerSpec, OpenedModel } from "../canonical.ts";
import { toRowBias, toRows } from "../keras/layout.ts";
import { transposed } from "../transposed.ts";

/** Options of `basicLstmModel`. */
export interface BasicLstmOptions {
  /**
   * What TensorFlow's BasicLSTMCell adds to the pre-activation of the forget gate at run time; checkpoints do not contain it. Default
   * 1, as in TensorFlow.
   */
  readonly forgetBias?: number | undefined;
}

const damaged = (what: string): FailureError => new FailureError("damaged-tensorflow", what);

/**
 * `rnnlm/multi_rnn_cell/cell_0/basic_lstm_cell/weights`, since TensorFlow 1.2 `…/kernel`. LSTMCell without its options is the same
 * function of the same matrix.
 */
const MATRIX = /^(?<cell>.*?(?:cell_(?<number>\d+)\/)?(?:basic_)?lstm_cell)\/(?:weights|kernel)$/;

/**
 * Makes a network from the variables of a TensorFlow 1 checkpoint: an optional embedding, stacked layers of BasicLSTMCell, and an
 * optional linear head. It takes tokens [B, T], or vectors [B, T, D] without an embedding.
 * @throws UsageError "unsupported-tensorflow"; FailureError "damaged-tensorflow"
 */
export function basicLstmModel(
  variables: ReadonlyMap<string, NamedTensor>,
  options: BasicLstmOptions = {},
): OpenedModel {
  expectOptions("basicLstmModel", options, { forgetBias: 1 });
  const { forgetBias = 1 } = options;
  const cells = [...variables]
    .flatMap(([name, matrix]) => {
      const groups = MATRIX.exec(name)?.groups;
      return groups ? [{ cell: groups.cell!, number: Number(groups.number ?? 0), matrix }] : [];
    })
    .sort((a, b) => a.number - b.number);
  if (cells.length === 0)
    throw new UsageError(
      "unsupported-tensorflow",
      `no variable is the matrix of a BasicLSTMCell (…basic_lstm_cell/kernel); there are ${few([...variables.keys()])}`,
    );
  const twice = cells.find(({ number }, k) => k > 0 && number === cells[k - 1]!.number);
  if (twice)
    throw new UsageError(
      "unsupported-tensorflow",
      `${few(cells.map(({ cell }) => cell))}: several stacks of cells, or two directions; which reads what, a checkpoint does not say`,
    );
  const [option] = [...variables.keys()].filter((name) => /\blstm_cell\/(w_[fio]_diag|projection\/)/.test(name));
  if (option !== undefined)
    throw new UsageError("unsupported-tensorflow", `${option}: LSTMCell with peepholes or a projection is not read`);
  const layers = new Map<string, LayerSpec>();
  const weights = new Map<string, NamedTensor>();
  const nodes: CanonicalNode[] = [];
  const add = (name: string, spec: LayerSpec, own: Readonly<Record<string, NamedTensor>>): void => {
    nodes.push({ name, layer: name, inputs: [nodes.at(-1)?.name ?? "input"], outputs: [name] });
    layers.set(name, spec);
    for (const [key, value] of Object.entries(own)) weights.set(`${name}.${key}`, value);
  };
  const used = new Set<NamedTensor | undefined>();
  const find = (pattern: RegExp, rank: number): NamedTensor | undefined => {
    const found = [...variables].filter(([name, { shape }]) => pattern.test(name) && shape.length === rank);
    if (found.length > 1)
      throw new UsageError("unsupported-tensorflow", `it could be any of ${found.map(([name]) => name).join(", ")}`);
    used.add(found[0]?.[1]);
    return found[0]?.[1];
  };
  const embedding = find(/(^|\/)embeddings?$/, 2);
  if (embedding) {
    const [vocabularySize, embeddingSize] = embedding.shape as [number, number];
    add("embedding", { kind: "embedding", vocabularySize, embeddingSize, maskZero: false }, { weight: embedding });
  }
  let width = embedding?.shape[1];
  for (const { cell, number, matrix } of cells) {
    const bias = variables.get(`${cell}/biases`) ?? variables.get(`${cell}/bias`);
    const layer = splitCell(cell, matrix, bias, forgetBias);
    for (const variable of [matrix, bias]) used.add(variable);
    const inputSize = layer.weight_ih_l0.shape[1]!;
    if (width !== undefined && width !== inputSize)
      throw damaged(`${cell} takes vectors of ${inputSize} numbers, the layer below it gives ${width}`);
    width = matrix.shape[1]! / 4;
    add(`cell_${number}`, cellSpec(inputSize, width), layer);
  }
  const head = find(/(^|\/)softmax_w$/, 2);
  const headBias = find(/(^|\/)softmax_b$/, 1);
  if (head) {
    const [inputSize, outputSize] = head.shape as [number, number];
    add(
      "head",
      { kind: "dense", inputSize, outputSize, bias: headBias !== undefined, activation: { name: "identity" } },
      { weight: transposed(head), ...(headBias && { bias: headBias }) },
    );
  }
  const first = layers.values().next().value!;
  const model = {
    name: "tensorflow-1",
    inputs: [
      first.kind === "embedding"
        ? { name: "input", shape: [null], type: "int" as const }
        : { name: "input", shape: [null, (first as { inputSize: number }).inputSize], type: "float" as const },
    ],
    ...{ layers, nodes, weights },
    outputs: [{ name: head ? "logits" : "output", value: nodes.at(-1)!.name }],
  };
  new Network(model);
  const others = [...variables]
    .filter(([name, tensor]) => !used.has(tensor) && tensor.shape.length > 0 && !OF_TRAINING.test(name))
    .map(([name, { shape }]) => `${name} ${formatShape(shape)}`);
  return {
    format: "tensorflow-1",
    model,
    conventions: [
      `BasicLSTMCell: gates i, j, f, o in one matrix; ${forgetBias} is added to the forget gate's bias, once`,
      ...(others.length > 0
        ? [
            `left out, as their names do not say what they are for: ${few(others)}; the output is what "${nodes.at(-1)!.name}" gives`,
          ]
        : []),
    ],
  };
}

/** What an optimizer keeps beside a variable. */
const OF_TRAINING = /\/(Adam|Adagrad|Adadelta|Momentum|RMSProp|Ftrl|GradientDescent)(_\d+)?$/;

const cellSpec = (inputSize: number, hiddenSize: number): LayerSpec => ({
  kind: "recurrent",
  cell: { name: "lstm" },
  ...{ inputSize, hiddenSize, biases: 1, reverse: false, outputOrder: "time" },
  ...{ returnSequences: true, returnState: false, stateful: false, maskedOutput: "zero" },
});

function splitCell(cell: string, matrix: NamedTensor, bias: NamedTensor | undefined, forgetBias: number) {
  const [rows, columns] = matrix.shape as [number, number];
  const H = columns / 4;
  if (matrix.shape.length !== 2 || !Number.isInteger(H) || rows <= H)
    throw damaged(`${cell}: expected a matrix [D + H, 4H], got ${formatShape(matrix.shape)}`);
  if (!bias || bias.data.length !== columns)
    throw damaged(`${cell}: expected a bias [${columns}], got ${bias ? formatShape(bias.shape) : "none"}`);
  const part = (from: number, to: number): NamedTensor => ({
    shape: [to - from, columns],
    data: Array.prototype.slice.call(matrix.data, from * columns, to * columns),
  });
  const sums = Float32Array.from(toRowBias(bias.data, columns, "lstm", "tf1"));
  // Our order is i, f, g, o.
  for (let k = H; k < 2 * H; k++) sums[k] = sums[k]! + forgetBias;
  return {
    weight_ih_l0: toRows(part(0, rows - H), "lstm", "tf1"),
    weight_hh_l0: toRows(part(rows - H, rows), "lstm", "tf1"),
    bias_ih_l0: { shape: [columns], data: sums },
  };
}
