import { type CellSpec, cellByName, sameEquations } from "../../cells/registry.ts";
import { UsageError } from "../../shared/errors.ts";
import { size } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { CanonicalModel, LayerSpec, RecurrentSpec } from "../canonical.ts";

/** Weights under the names of PyTorch's modules, and what `forward` has to do that a state dictionary cannot say. */
export interface StateDictOfNetwork {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly notes: readonly string[];
}

/**
 * The state dictionary of a network: every layer is a module of that name, layers `NAME.0`, `NAME.1`, … of recurrent cells are the
 * layers of one.
 *
 * @throws UsageError "not-convertible" with the layer and the reason where no module of PyTorch computes the same
 */
export function stateDictOf(model: CanonicalModel): StateDictOfNetwork {
  const notes: string[] = [];
  for (const [name, spec] of model.layers) notes.push(...checkLayer(name, spec));
  const tensors = new Map<string, NamedTensor>();
  for (const [name, tensor] of model.weights) {
    tensors.set(stacked(name, model), tensor);
    const second = name.replace(/\.bias_ih_l0/, ".bias_hh_l0");
    // PyTorch's modules have two biases, of which only the sum counts.
    if (second !== name && !model.weights.has(second))
      tensors.set(stacked(second, model), { shape: tensor.shape, data: new Float32Array(size(tensor.shape)) });
  }
  return { tensors, notes };
}

/** `lstm.1.weight_ih_l0` is `lstm.weight_ih_l1` where `lstm.0` and those between are recurrent layers too. */
function stacked(name: string, model: CanonicalModel): string {
  const match = /^(.*)\.(\d+)\.((?:weight|bias)_\w+)_l0(_reverse)?$/.exec(name);
  if (!match) return name;
  const [, path, layer, part, reverse = ""] = match;
  const all = Array.from({ length: Number(layer) + 1 }, (_, k) => model.layers.get(`${path}.${k}`)?.kind);
  const alike = all.every((kind) => kind === "recurrent" || kind === "bidirectional");
  return alike ? `${path}.${part}_l${layer}${reverse}` : name;
}

/** What has to be said about a layer. */
function checkLayer(name: string, spec: LayerSpec): string[] {
  switch (spec.kind) {
    case "recurrent":
      return checkRecurrent(name, spec);
    case "bidirectional":
      return [
        ...new Set([
          ...checkRecurrent(name, spec.forward),
          ...checkRecurrent(name, { ...spec.backward, reverse: false }),
        ]),
        ...(spec.merge === "concat" ? [] : [`"${name}": join the two directions by ${spec.merge} in forward`]),
      ];
    case "dense":
    case "convolution":
      return spec.activation.name === "identity"
        ? []
        : [`"${name}": apply ${spec.activation.name} behind it in forward`];
    case "layer-norm":
    case "batch-norm":
      return spec.epsilon === 1e-5 ? [] : [`"${name}": make it with eps=${spec.epsilon}`];
    case "time-distributed":
      return checkLayer(name, spec.layer);
    case "masking":
      return [`"${name}": pack the sequences in forward, steps of ${spec.value} are skipped`];
    default:
      return [];
  }
}

function checkRecurrent(name: string, spec: RecurrentSpec): string[] {
  const refuse = (why: string): UsageError =>
    new UsageError("not-convertible", `layer "${name}" cannot be written for PyTorch: ${why}`);
  const { cell: given, projectionSize = 0 } = spec;
  const cell = cellByName(given);
  const forms: Readonly<Record<string, readonly CellSpec[]>> = {
    lstm: [{ name: "lstm", ...(projectionSize > 0 && { options: { projection: true } }) }],
    gru: [{ name: "gru" }],
    rnn: [{ name: "rnn" }, { name: "rnn", options: { activation: "relu" } }],
  };
  const bias = given.options?.bias;
  const same = forms[given.name]?.some((form) => {
    const options = { ...form.options, ...(bias !== undefined && { bias }) };
    return sameEquations(cellByName({ name: form.name, options }), cell);
  });
  if (!same) throw refuse(reasonOf(given));
  return [
    ...(given.options?.activation === "relu" ? [`"${name}": make it with nonlinearity="relu"`] : []),
    ...(spec.reverse ? [`"${name}": turn its input round in forward, it runs from the last step`] : []),
    ...(spec.returnSequences ? [] : [`"${name}": go on with its last step alone`]),
    ...(spec.biases === 1 ? [`"${name}": its second bias is zeros; training moves the sum of two twice as fast`] : []),
  ];
}

/** The difference in words, for what other frameworks can say and PyTorch cannot. */
function reasonOf({ name, options = {} }: CellSpec): string {
  if (name === "gru" && options.resetAfter === false)
    return "it applies the reset gate before the product with h, torch.nn.GRU after it; they are different functions";
  for (const option of ["peephole", "clip", "coupled", "zoneout"])
    if (options[option]) return `torch.nn.${name.toUpperCase()} has no option "${option}"`;
  const activations = ["gate", "candidate", "output", "activation"].filter((key) => options[key] !== undefined);
  if (activations.length > 0)
    return `torch.nn.${name.toUpperCase()} does not have these activations: ${activations.map((key) => `${key} ${JSON.stringify(options[key])}`).join(", ")}`;
  return `no module of PyTorch has the cell "${name}"`;
}
