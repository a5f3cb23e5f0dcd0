import type { CellSpec } from "../../cells/registry.ts";
import { numbersOf } from "../../checkpoint/tensor-numbers.ts";
import { formatShape } from "../../shared/shapes.ts";
import { recurrentLayers, weightOfLayer } from "../recurrent-layers.ts";
import { type ModuleLayers, type StateDictNetworkOptions, unknownNetwork } from "./module-layers.ts";
import type { StateModule } from "./modules.ts";

const kinds: Readonly<Record<number, string>> = { 1: "rnn", 3: "gru", 4: "lstm" };
const part = /^(weight_ih|weight_hh|weight_hr|weight_p[iof]|bias_ih|bias_hh)_l(\d+)(_reverse)?$/;

/** An nn.RNN, nn.LSTM or nn.GRU as one canonical layer for each of its own. */
export function recurrentModule({ path, tensors }: StateModule, options: StateDictNetworkOptions): ModuleLayers {
  const matrixOf = (name: string): readonly number[] => {
    const tensor = tensors.get(name);
    if (!tensor) throw unknownNetwork(`"${path}" has no ${name}`);
    if (tensor.shape.length !== 2) throw unknownNetwork(`"${path}.${name}" has shape ${formatShape(tensor.shape)}`);
    return tensor.shape;
  };
  for (const name of tensors.keys())
    if (!part.test(name)) throw unknownNetwork(`"${path}" is a recurrent module with a tensor "${name}"`);
  const projects = tensors.has("weight_hr_l0");
  const bidirectional = tensors.has("weight_ih_l0_reverse");
  const [rows, inputSize] = matrixOf("weight_ih_l0") as [number, number];
  const hiddenSize = projects ? matrixOf("weight_hr_l0")[1]! : matrixOf("weight_hh_l0")[1]!;
  const projectionSize = projects ? matrixOf("weight_hr_l0")[0]! : 0;
  const kind = options.cell?.name ?? kinds[rows / hiddenSize];
  if (kind === undefined || (projects && kind !== "lstm"))
    throw unknownNetwork(
      `"${path}.weight_ih_l0" has ${rows} rows for ${hiddenSize} units: 1, 3 or 4 times as many are expected`,
    );
  const biases = tensors.has("bias_ih_l0") ? 2 : 0;
  const numLayers = Math.max(...[...tensors.keys()].map((name) => Number(part.exec(name)![2]))) + 1;
  if (numLayers > tensors.size) throw unknownNetwork(`"${path}" has a layer ${numLayers - 1} but not those before it`);
  const cell: CellSpec = options.cell ?? {
    name: kind,
    ...(projects && { options: { projection: true } }),
    ...(kind === "rnn" && options.nonlinearity === "relu" && { options: { activation: "relu" } }),
  };
  const name = path === "" ? "rnn" : path;
  const { layers, width } = recurrentLayers({
    ...{ name, cell, inputSize, hiddenSize, ...(projects && { projectionSize }), biases, numLayers, bidirectional },
  });
  const weights: ModuleLayers["weights"] = new Map(
    [...tensors].map(([weight, tensor]) => [weightOfLayer(name, weight, numLayers), numbersOf(tensor)]),
  );
  const assumed = kind === "rnn" && !options.cell && !options.nonlinearity;
  return {
    ...{ layers, weights, inputSize, outputSize: width },
    conventions: assumed ? [`"${name}" is an nn.RNN with tanh, PyTorch's default; the file would not say relu`] : [],
  };
}
