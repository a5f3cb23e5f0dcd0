import type { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import { numbersOf } from "../../checkpoint/tensor-numbers.ts";
import { formatShape } from "../../shared/shapes.ts";
import { directionsOf } from "../canonical/directions.ts";
import type { CanonicalModel, CanonicalNode, LayerSpec } from "../canonical.ts";
import { type ModuleLayers, type StateDictNetworkOptions, unknownNetwork } from "./module-layers.ts";
import { modulesOf, type StateModule } from "./modules.ts";
import { recurrentModule } from "./recurrent-module.ts";

export interface StateDictNetwork {
  readonly network: CanonicalModel;
  readonly conventions: readonly string[];
}

/**
 * The network that a state dictionary is of, where names and shapes leave one answer: an embedding, recurrent layers, normalization
 * and one linear layer, each reading what the one before it gives. A state dictionary holds numbers, not the code of `forward`, so
 * everything else is refused with the reason.
 *
 * @throws UsageError "unknown-network"
 */
export function networkOfStateDict(
  tensors: ReadonlyMap<string, SafeTensor>,
  options: StateDictNetworkOptions = {},
): StateDictNetwork {
  const made = modulesOf(tensors).map((module, k) =>
    partOf(module, { ...options, first: k === 0 || /emb/i.test(module.path) }),
  );
  if (!made.some(({ layers }) => layers.some(({ spec }) => directionsOf(spec).length > 0)))
    throw unknownNetwork("none of its modules is an nn.RNN, nn.LSTM or nn.GRU (weight_ih_l0, weight_hh_l0, …)");
  const names = [...tensors.keys()];
  const sorted = names.every((name, k) => k === 0 || names[k - 1]! < name);
  const { order: parts, assumed } = inOrder(made, sorted);
  const [first] = parts as [ModuleLayers];
  const embedded = first.layers[0]!.spec.kind === "embedding";
  const input = embedded ? "tokens" : "input";
  let value = input;
  const nodes = parts
    .flatMap((part) => part.layers)
    .map(({ name }): CanonicalNode => {
      const node = { name, layer: name, inputs: [value], outputs: [`${name} output`] };
      value = node.outputs[0]!;
      return node;
    });
  return {
    network: {
      name: "state-dict",
      inputs: [{ name: input, type: embedded ? "int" : "float", shape: embedded ? [null] : [null, first.inputSize] }],
      layers: new Map(parts.flatMap((part) => part.layers.map(({ name, spec }) => [name, spec]))),
      nodes,
      outputs: [{ name: "output", value }],
      weights: new Map(parts.flatMap((part) => [...part.weights])),
    },
    conventions: [
      "inputs are given batch first; each module reads what the one before it in the file gives, at every step",
      "dropout and activations between modules leave no trace in a state dictionary: none are assumed",
      ...(assumed
        ? [
            "its names are sorted, and its modules fit together in several orders: the linear layer is taken for the last",
          ]
        : []),
      ...new Set(parts.flatMap((part) => part.conventions)),
    ],
  };
}

/** More modules than these are not put in order by trying. */
const MOST_MODULES = 7;

/**
 * Modules so that each reads what the one before it gives: as they stand in the file, or in the one other order in which they fit. Where
 * names are sorted, as in files of safetensors, the place of "head" before "lstm" says nothing; that of modules of one kind is kept, and of
 * several orders those are taken whose linear layer is the last, as heads are. @returns also whether that was assumed
 */
function inOrder(
  parts: readonly ModuleLayers[],
  sorted: boolean,
): { order: readonly ModuleLayers[]; assumed: boolean } {
  const problem = misfit(parts);
  const tried = (sorted || problem !== undefined) && parts.length <= MOST_MODULES ? orders(parts) : [];
  const fitting = tried.filter((order) => misfit(order) === undefined);
  const headed = fitting.filter((order) => order.findIndex(isDense) === order.length - 1);
  const assumed = sorted && headed.length > 0 && headed.length < fitting.length;
  const chosen = assumed ? headed : fitting;
  const networks = problem === undefined ? new Set(chosen.map(kindsOf)).size : chosen.length;
  if (networks > 1) throw unknownNetwork("its modules fit together in several orders");
  // Orders are tried from that of the file on.
  const order = chosen[0] ?? (problem === undefined ? parts : undefined);
  if (!order) throw unknownNetwork(problem!);
  const linear = order.findIndex((part, k) => isDense(part) && k > 0 && isDense(order[k - 1]!));
  if (linear < 0) return { order, assumed };
  const [a, b] = [order[linear - 1]!, order[linear]!].map(({ layers }) => layers[0]!.name);
  throw unknownNetwork(`what stands between the linear layers "${a}" and "${b}" is code of the model`);
}

const kindsOf = (parts: readonly ModuleLayers[]): string => parts.map(({ layers }) => layers[0]!.spec.kind).join();

const isDense = ({ layers }: ModuleLayers): boolean => layers[0]!.spec.kind === "dense";

const orders = <T>(items: readonly T[]): T[][] =>
  items.length === 0 ? [[]] : items.flatMap((item, k) => orders(items.toSpliced(k, 1)).map((rest) => [item, ...rest]));

/** Why modules do not follow one another so. */
function misfit(parts: readonly ModuleLayers[]): string | undefined {
  for (const [k, part] of parts.slice(1).entries()) {
    const before = parts[k]!;
    const [a, b] = [before, part].map(({ layers }) => layers[0]!.name.replace(/\.\d+$/, ""));
    if (part.layers[0]!.spec.kind === "embedding") return `"${b}" is an embedding behind "${a}"`;
    if (before.outputSize !== part.inputSize)
      return `"${b}" reads ${part.inputSize} numbers, "${a}" before it gives ${before.outputSize}`;
  }
  return undefined;
}

function partOf(module: StateModule, options: StateDictNetworkOptions & { first: boolean }): ModuleLayers {
  const { path, tensors } = module;
  if (tensors.has("weight_ih_l0")) return recurrentModule(module, options);
  const [weight, bias] = [tensors.get("weight"), tensors.get("bias")];
  const rest = [...tensors.keys()].filter((name) => name !== "weight" && name !== "bias");
  const label = path === "" ? "the file" : `"${path}"`;
  if (!weight || rest.length > 0)
    throw unknownNetwork(`${label} holds ${[...tensors.keys()].slice(0, 4).join(", ")}, which is no module known here`);
  const layer = (spec: LayerSpec, inputSize: number, outputSize: number): ModuleLayers => ({
    layers: [{ name: path, spec }],
    weights: new Map([...tensors].map(([name, tensor]) => [`${path}.${name}`, numbersOf(tensor)])),
    ...{ inputSize, outputSize, conventions: [] },
  });
  const { shape } = weight;
  if (shape.length === 1 && bias?.shape.length === 1 && bias.shape[0] === shape[0]) {
    const [size] = shape as [number];
    const normalized = layer({ kind: "layer-norm", size, axis: -1, epsilon: 1e-5 }, size, size);
    return { ...normalized, conventions: ["layer normalization with ε = 1e-5, PyTorch's default"] };
  }
  if (shape.length !== 2) throw unknownNetwork(`${label} has a weight of shape ${formatShape(shape)}`);
  const [rows, columns] = shape as [number, number];
  if (options.first && !bias) {
    const made = layer(
      { kind: "embedding", vocabularySize: rows, embeddingSize: columns, maskZero: false },
      1,
      columns,
    );
    return { ...made, conventions: [`${label}, a matrix without bias before all others, is an embedding`] };
  }
  const activation = { name: "identity" };
  return layer(
    { kind: "dense", inputSize: columns, outputSize: rows, bias: bias !== undefined, activation },
    columns,
    rows,
  );
}
