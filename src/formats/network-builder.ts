import { specInWords } from "../cells/cell-of-spec.ts";
import type { Embedding } from "../layers/embedding.ts";
import type { Recurrent } from "../layers/recurrent.ts";
import type { CellConfig } from "../models/cell-choice.ts";
import type { Scaling } from "../models/scaling.ts";
import { unprefixed } from "../shared/records.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "./canonical.ts";
import { givingStates, lastStep, layerName, recurrentLayers, weightOfLayer } from "./recurrent-layers.ts";

export type Weights = ReadonlyMap<string, NamedTensor>;

/** A model of this package as a network, and what the network leaves to who uses it, in words. */
export interface DescribedModel {
  readonly network: CanonicalModel;
  readonly conventions: readonly string[];
}

/** How a stack of recurrent layers goes into a network. */
export interface StackUse {
  readonly cell: CellConfig;
  /** Whether its last layer gives out the step that it computes last alone. */
  readonly last: boolean;
  /** Whether its states are nobody else's. */
  readonly independent: boolean;
  /** Whether another stack begins with its final states. Default false. */
  readonly givesStates?: boolean | undefined;
  /** The stack, of as many layers, with whose final states it begins. Default: none. */
  readonly after?: string | undefined;
}

/** Puts a network together from the input to the outputs. A node, and the value that it makes, is called as its layer. */
export class NetworkBuilder {
  private readonly layers = new Map<string, LayerSpec>();
  private readonly nodes: CanonicalNode[] = [];
  private readonly weights = new Map<string, NamedTensor>();
  private readonly trained: Weights;

  /** @param trained weights by the names of the model's parameters, each `LAYER.NAME` */
  constructor(trained: Weights) {
    this.trained = trained;
  }

  /**
   * Adds a layer that reads a value, or several, with its weights: those trained under its name, or others. Returns the name of what it
   * makes, which may be the first of several `outputs`.
   */
  add(
    name: string,
    spec: LayerSpec,
    inputs: string | readonly string[],
    weights: Readonly<Record<string, NamedTensor>> = this.own(name),
    outputs: readonly string[] = [name],
  ): string {
    this.layers.set(name, spec);
    this.nodes.push({ name, layer: name, inputs: [inputs].flat(), outputs });
    for (const [weight, tensor] of Object.entries(weights)) this.weights.set(`${name}.${weight}`, tensor);
    return outputs[0]!;
  }

  /** Adds the layers of a stack, which have its trained weights. Errors as `specInWords` for a cell of one's own. */
  addStack(
    name: string,
    { options }: Recurrent,
    { cell: { custom, ...named }, last, independent, givesStates = false, after }: StackUse,
    input: string,
  ): string {
    const cell = custom ? specInWords(options.cell) : named;
    const { inputSize, hiddenSize, projectionSize, numLayers, bidirectional } = options;
    const { layers } = recurrentLayers({
      ...{ name, cell, inputSize, hiddenSize, ...(projectionSize > 0 && { projectionSize }), numLayers, bidirectional },
      ...{ biases: options.cell.bias === "none" ? 0 : 2, ...(independent && { independent }) },
    });
    const states = options.cell.states.map((state) => state.name);
    const finals = (stack: string, k: number): readonly string[] =>
      states.map((state) => `${layerName(stack, k, numLayers)}.${state}`);
    let value = input;
    for (const [k, layer] of layers.entries()) {
      const spec = last && k === numLayers - 1 ? lastStep(layer.spec) : layer.spec;
      const read = [value, ...(after === undefined ? [] : finals(after, k))];
      const made = [layer.name, ...(givesStates ? finals(name, k) : [])];
      value = this.add(layer.name, givesStates ? givingStates(spec) : spec, read, {}, made);
    }
    for (const [weight, tensor] of Object.entries(this.own(name)))
      this.weights.set(weightOfLayer(name, weight, numLayers), tensor);
    return value;
  }

  /** Whether a layer of this name is there. */
  has(name: string): boolean {
    return this.layers.has(name);
  }

  /** Adds that the steps of a sequence count up to its length alone. */
  addLengths(name: string, sequence: string, lengths: string): string {
    return this.add(name, { kind: "lengths" }, [sequence, lengths], {});
  }

  /** Adds the vectors of tokens. */
  addEmbedding(name: string, { weight: { shape } }: Embedding, input: string): string {
    const [vocabularySize, embeddingSize] = shape as [number, number];
    return this.add(name, { kind: "embedding", vocabularySize, embeddingSize, maskZero: false }, input);
  }

  /** Adds a linear map with a bias, with its weights as `add` has them. */
  addLinear(
    name: string,
    { weight }: { readonly weight: { readonly shape: readonly number[] } },
    input: string,
    weights?: Readonly<Record<string, NamedTensor>>,
  ): string {
    const [outputSize, inputSize] = weight.shape as [number, number];
    const form = { kind: "dense", inputSize, outputSize, bias: true, activation: { name: "identity" } } as const;
    return this.add(name, form, input, weights);
  }

  /** Adds x · scale + offset, with numbers for each element of the last axis. */
  addAffine(
    name: string,
    { scale, offset }: { readonly scale: readonly number[]; readonly offset: readonly number[] },
    input: string,
  ): string {
    const { length } = scale;
    const diagonal = new Float64Array(length * length);
    for (const [k, value] of scale.entries()) diagonal[k * length + k] = value;
    const weights = { weight: { shape: [length, length], data: diagonal }, bias: vector(offset) };
    return this.addLinear(name, weights, input, weights);
  }

  /** Adds −x, of `size` numbers on the last axis: not every format has a layer that subtracts. */
  negative(name: string, size: number, input: string): string {
    const [scale, offset] = [new Array<number>(size).fill(-1), new Array<number>(size).fill(0)];
    return this.addAffine(name, { scale, offset }, input);
  }

  /** Adds (x − mean) ÷ deviation, as the normalization whose statistics these are. */
  addStandardization(name: string, { mean, deviation }: Scaling, input: string): string {
    // Its variance is 1: the square of a deviation may be no float32.
    return this.add(name, { kind: "batch-norm", size: mean.length, axis: -1, epsilon: 0 }, input, {
      weight: vector(deviation.map((one) => 1 / one)),
      bias: vector(mean.map(() => 0)),
      running_mean: vector(mean),
      running_var: vector(mean.map(() => 1)),
    });
  }

  /** Adds a layer that joins values element by element. */
  combine(name: string, by: Extract<LayerSpec, { kind: "combine" }>["by"], values: readonly string[]): string {
    return this.add(name, { kind: "combine", by }, values, {});
  }

  /** Adds a softmax of the last axis. */
  addSoftmax(name: string, input: string): string {
    return this.add(name, { kind: "activation", activation: { name: "softmax" } }, input);
  }

  finish({ name, inputs, outputs }: Pick<CanonicalModel, "name" | "inputs" | "outputs">): CanonicalModel {
    return { name, inputs, layers: this.layers, nodes: this.nodes, outputs, weights: this.weights };
  }

  /** What was trained of a layer, by the names that it has there. */
  own(layer: string): Readonly<Record<string, NamedTensor>> {
    return Object.fromEntries(unprefixed(`${layer}.`, this.trained));
  }
}

const vector = (values: readonly number[]): NamedTensor => ({
  shape: [values.length],
  data: Float64Array.from(values),
});

export const TOKENS = { name: "tokens", shape: [null], type: "int" } as const satisfies CanonicalInput;

/** How many steps of each sequence of a padded batch count. */
export const LENGTHS = { name: "lengths", shape: [], type: "int", optional: true } as const satisfies CanonicalInput;

/** What is to be said of tokens, whose vocabulary no other format holds. */
export const ABOUT_TOKENS =
  "tokens are the numbers that the tokenizer of the run gives (tokenizer.json), which is no part of the network";

export const DROPOUT_LEFT_OUT = "dropout is left out";

/** Names in the order of the numbers that are given out. */
export const listed = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");
