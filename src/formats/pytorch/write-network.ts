import { type CellSpec, sameEquations } from "../../cells/registry.ts";
import { UsageError } from "../../shared/errors.ts";
import { size } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { ONNX_HAS_IT, unknownCell } from "../any-cell.ts";
import { cellOf } from "../canonical/cell-of.ts";
import { isChain } from "../canonical/chain.ts";
import { directionsOf } from "../canonical/directions.ts";
import type { BidirectionalSpec, CanonicalModel, LayerSpec, RecurrentSpec } from "../canonical.ts";

/** Weights under the names of PyTorch's modules, and what stands beside them, in words. */
export interface StateDictOfNetwork {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** What `forward` has to do that a state dictionary cannot say; the modules alone compute something else. */
  readonly forward: readonly string[];
  /** What is not the same when it is trained further. */
  readonly training: readonly string[];
}

interface Said {
  readonly forward: string[];
  readonly training: string[];
  /** Whether what no module does may be left to `forward`. */
  readonly weightsOnly: boolean;
}

/**
 * The state dictionary of a network: every layer is a module of that name, layers `NAME.0`, `NAME.1`, … of recurrent cells are the
 * layers of one.
 *
 * @param options.weightsOnly whether masks, which no module of PyTorch keeps, may be left to `forward`. Default false.
 * @throws UsageError "not-convertible" with the layer and the reason where no module of PyTorch computes the same
 */
export function stateDictOf(
  model: CanonicalModel,
  { weightsOnly = false }: { readonly weightsOnly?: boolean | undefined } = {},
): StateDictOfNetwork {
  const said: Said = { forward: [], training: [], weightsOnly };
  for (const [name, spec] of model.layers) checkLayer(name, spec, said);
  if (!isChain(model)) said.forward.push(`call the modules so: ${wiring(model)}`);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, tensor] of model.weights) {
    tensors.set(stacked(name, model), tensor);
    const second = name.replace(/\.bias_ih_l0/, ".bias_hh_l0");
    // PyTorch's modules have two biases, of which only the sum counts.
    if (!model.weights.has(second))
      tensors.set(stacked(second, model), { shape: tensor.shape, data: new Float32Array(size(tensor.shape)) });
  }
  return { tensors, forward: said.forward, training: said.training };
}

/** `a = embedding(tokens); b, h = lstm(a)` */
const wiring = ({ nodes, outputs }: CanonicalModel): string =>
  [
    ...nodes.map(({ layer, inputs, outputs }) => `${outputs.join(", ")} = ${layer}(${inputs.join(", ")})`),
    `return ${outputs.map(({ value }) => value).join(", ")}`,
  ].join("; ");

/** `lstm.1.weight_ih_l0` is `lstm.weight_ih_l1` where `lstm.0`, `lstm.1`, … can be the layers of one module. */
function stacked(name: string, { layers }: CanonicalModel): string {
  const match = /^(.*)\.(\d+)\.((?:weight|bias)_\w+)_l0(_reverse)?$/.exec(name);
  if (!match) return name;
  const [, path, layer, part, reverse = ""] = match;
  const all: LayerSpec[] = [];
  for (let spec = layers.get(`${path}.0`); spec; spec = layers.get(`${path}.${all.length}`)) all.push(spec);
  return isStack(all) && Number(layer) < all.length ? `${path}.${part}_l${layer}${reverse}` : name;
}

/** Whether layers are of one form, each reading what the one before it gives: nn.LSTM and its kin have one size for all their layers. */
function isStack(all: readonly LayerSpec[]): boolean {
  const [first, ...others] = all;
  // Whether the last one gives out all steps is for who calls the module.
  const form = (spec: LayerSpec): string =>
    JSON.stringify(directionsOf(spec).map((one) => formOf({ ...one, returnSequences: true })));
  const width = directionsOf(first!).reduce((sum, one) => sum + (one.projectionSize || one.hiddenSize), 0);
  return (
    others.length > 0 &&
    all.slice(0, -1).every((spec) => directionsOf(spec).every((one) => one.returnSequences)) &&
    others.every((spec) => form(spec) === form(first!) && directionsOf(spec).every((one) => one.inputSize === width))
  );
}

/** What the layers and directions of one module have in common. */
const formOf = ({ cell, hiddenSize, projectionSize = 0, biases, returnSequences }: RecurrentSpec) =>
  [cell, hiddenSize, projectionSize, biases > 0, returnSequences] as const;

const refusal = (name: string, why: string): UsageError =>
  new UsageError("not-convertible", `layer "${name}" cannot be written for PyTorch: ${why}`);

/** What has to be said about a layer. */
function checkLayer(name: string, spec: LayerSpec, said: Said): void {
  const forward = (what: string): void => void said.forward.push(`"${name}": ${what}`);
  switch (spec.kind) {
    case "recurrent":
      checkRecurrent(name, spec, said);
      if (spec.stateful) forward("hand its state on from call to call");
      if (spec.reverse) forward("turn its input round, it runs from the last step");
      if (!spec.returnSequences) forward("go on with the step that it computes last alone");
      break;
    case "bidirectional":
      checkDirections(name, spec, said);
      if (spec.merge !== "concat") forward(`join the two directions by ${spec.merge}`);
      if (!spec.forward.returnSequences) forward("go on with the step that each direction computes last alone");
      break;
    case "embedding":
      if (spec.maskZero) masked(name, "steps of token 0 (mask_zero)", said);
      break;
    case "lengths":
      forward("let the layers behind it read that many steps of each sequence alone (pack_padded_sequence)");
      break;
    case "masking":
      masked(name, `steps all of whose numbers are ${spec.value}`, said);
      break;
    case "convolution":
      forward("give it channels before steps, as nn.Conv1d reads them");
      if (spec.padding !== "valid") forward(`pad its steps as "${spec.padding}" in Keras`);
      if (spec.stride !== 1 || spec.dilation !== 1)
        forward(`make it with stride=${spec.stride}, dilation=${spec.dilation}`);
      if (spec.activation.name !== "identity") forward(`apply ${wordsOf(spec.activation)} behind it`);
      break;
    case "dense":
      if (spec.activation.name !== "identity") forward(`apply ${wordsOf(spec.activation)} behind it`);
      break;
    case "batch-norm":
      forward("give it channels before steps, as nn.BatchNorm1d reads them");
      if (spec.epsilon !== 1e-5) forward(`make it with eps=${spec.epsilon}`);
      break;
    case "layer-norm":
      if (spec.epsilon !== 1e-5) forward(`make it with eps=${spec.epsilon}`);
      break;
    case "attention-pool":
      forward("sum its steps, weighted by the softmax over them of query(tanh(key(x)))");
      break;
    case "time-distributed":
      checkLayer(name, spec.layer, said);
      break;
    case "activation":
      forward(`apply ${wordsOf(spec.activation)}`);
      break;
    case "dropout":
    case "identity":
      break;
    default: {
      const { kind, ...options } = spec;
      forward(`${kind} ${wordsOf(options)}`.trimEnd());
    }
  }
}

/** `leakyRelu alpha=0.3`: the name first, if there is one. */
const wordsOf = ({ name, ...options }: { readonly name?: string } & object): string =>
  [
    ...(name === undefined ? [] : [name]),
    ...Object.entries(options).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  ].join(" ");

function masked(name: string, which: string, { weightsOnly, forward }: Said): void {
  if (!weightsOnly)
    throw refusal(
      name,
      `the layers behind it skip ${which} wherever these stand; PyTorch's modules take lengths (pack_padded_sequence), not holes; if the numbers are enough and code of yours does that, say so (--weights-only)`,
    );
  forward.push(`"${name}": let the layers behind it skip ${which}, which keep their states`);
}

function checkDirections(name: string, { forward, backward }: BidirectionalSpec, said: Said): void {
  checkRecurrent(name, forward, said);
  if (JSON.stringify(formOf(forward)) !== JSON.stringify(formOf(backward)))
    throw refusal(name, "its two directions have different options, those of one module of PyTorch have the same");
  if (forward.reverse || !backward.reverse)
    throw refusal(name, "its first direction is not the one in the order of time");
}

function checkRecurrent(name: string, spec: RecurrentSpec, { forward, training }: Said): void {
  const { cell: given, projectionSize = 0 } = spec;
  const { recurrentDropout, ...options } = given.options ?? {};
  const cell = cellOf({ ...spec, cell: { name: given.name, options } });
  const forms: Readonly<Record<string, readonly CellSpec[]>> = {
    lstm: [{ name: "lstm", ...(projectionSize > 0 && { options: { projection: true } }) }],
    gru: [{ name: "gru" }],
    rnn: [{ name: "rnn" }, { name: "rnn", options: { activation: "relu" } }],
  };
  const form = forms[given.name]?.find((form) => sameEquations(cellOf({ ...spec, cell: form }), cell));
  if (!form) throw refusal(name, `${reasonOf({ name: given.name, options })}${ONNX_HAS_IT}`);
  if (form.options?.activation === "relu") forward.push(`"${name}": make it with nonlinearity="relu"`);
  if (spec.biases === 1)
    training.push(`"${name}": its second bias is zeros; training moves the sum of two twice as fast`);
  if (recurrentDropout) training.push(`"${name}": its recurrent dropout is left out, no module of PyTorch has it`);
}

/** Activations that PyTorch's modules have. */
const usual = { gate: "sigmoid", candidate: "tanh", output: "tanh", activation: "tanh" } as const;

/** The difference in words, for what other frameworks can say and PyTorch cannot. */
function reasonOf({ name, options = {} }: CellSpec): string {
  if (name === "gru" && options.resetAfter === false)
    return "it applies the reset gate before the product with h, torch.nn.GRU after it; they are different functions";
  for (const option of ["peephole", "clip", "coupled", "zoneout"])
    if (options[option]) return `torch.nn.${name.toUpperCase()} has no option "${option}"`;
  const nameOf = (value: unknown): unknown =>
    typeof value === "object" && value !== null && "name" in value ? value.name : value;
  const activations = Object.entries(usual)
    .filter(([key, name]) => options[key] !== undefined && nameOf(options[key]) !== name)
    .map(([key]) => key);
  if (activations.length > 0)
    return `torch.nn.${name.toUpperCase()} does not have these activations: ${activations.map((key) => `${key} ${JSON.stringify(options[key])}`).join(", ")}`;
  return `no module of PyTorch has the ${unknownCell({ name, options })}`;
}
