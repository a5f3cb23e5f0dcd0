import type { BidirectionalSpec, RecurrentSpec } from "./canonical.ts";

/** A stack of recurrent layers that has one name, as PyTorch's modules and the models of this package have it. */
export interface RecurrentStack
  extends Pick<RecurrentSpec, "cell" | "hiddenSize" | "projectionSize" | "biases" | "independent"> {
  readonly name: string;
  /** Of the first layer. */
  readonly inputSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
}

/** Each layer of a stack as a canonical one, which gives out all steps; `width` is that of each step. */
export function recurrentLayers({ name, inputSize, numLayers, bidirectional, ...options }: RecurrentStack): {
  readonly layers: readonly { readonly name: string; readonly spec: RecurrentSpec | BidirectionalSpec }[];
  readonly width: number;
} {
  const width = (options.projectionSize || options.hiddenSize) * (bidirectional ? 2 : 1);
  const direction = (size: number, reverse: boolean): RecurrentSpec => ({
    ...{ kind: "recurrent", ...options, inputSize: size, reverse },
    ...{ outputOrder: "time", returnSequences: true, returnState: false, stateful: false, maskedOutput: "zero" },
  });
  const layers = Array.from({ length: numLayers }, (_, k) => {
    const size = k === 0 ? inputSize : width;
    const spec: RecurrentSpec | BidirectionalSpec = bidirectional
      ? { kind: "bidirectional", forward: direction(size, false), backward: direction(size, true), merge: "concat" }
      : direction(size, false);
    return { name: layerName(name, k, numLayers), spec };
  });
  return { layers, width };
}

/** A layer of one or two directions with other options. */
const changed = (
  spec: RecurrentSpec | BidirectionalSpec,
  options: Partial<RecurrentSpec>,
): RecurrentSpec | BidirectionalSpec =>
  spec.kind === "recurrent"
    ? { ...spec, ...options }
    : { ...spec, forward: { ...spec.forward, ...options }, backward: { ...spec.backward, ...options } };

/** A layer of which each direction gives out the step that it computes last alone, be it one that is not the last of a padded sequence. */
export const lastStep = (spec: RecurrentSpec | BidirectionalSpec): RecurrentSpec | BidirectionalSpec =>
  changed(spec, { returnSequences: false, maskedOutput: "previous" });

/** A layer that gives out its final states, too. */
export const givingStates = (spec: RecurrentSpec | BidirectionalSpec): RecurrentSpec | BidirectionalSpec =>
  changed(spec, { returnState: true });

/** What a weight of a stack, `weight_ih_l1_reverse`, is called in the network: each layer counts its own as the first. */
export function weightOfLayer(stack: string, weight: string, numLayers: number): string {
  const [, what, layer, reverse = ""] = /^(.+)_l(\d+)(_reverse)?$/.exec(weight)!;
  return `${layerName(stack, Number(layer), numLayers)}.${what}_l0${reverse}`;
}

/** What a layer of a stack is called. */
export const layerName = (stack: string, layer: number, count: number): string =>
  count === 1 ? stack : `${stack}.${layer}`;
