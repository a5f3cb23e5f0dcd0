import type { Embedding } from "../layers/embedding.ts";
import type { Recurrent } from "../layers/recurrent.ts";
import type { CellConfig } from "../models/cell-choice.ts";
import { UsageError } from "../shared/errors.ts";
import { unprefixed } from "../shared/records.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "./canonical.ts";
import { lastStep, recurrentLayers, weightOfLayer } from "./recurrent-layers.ts";

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

  /** Adds a layer that reads a value, with its weights: those trained under its name, or others. Returns the name of what it makes. */
  add(
    name: string,
    spec: LayerSpec,
    input: string,
    weights: Readonly<Record<string, NamedTensor>> = this.own(name),
  ): string {
    this.layers.set(name, spec);
    this.nodes.push({ name, layer: name, inputs: [input], outputs: [name] });
    for (const [weight, tensor] of Object.entries(weights)) this.weights.set(`${name}.${weight}`, tensor);
    return name;
  }

  /**
   * Adds the layers of a stack, which have its trained weights.
   * @throws UsageError "not-convertible" for a cell of one's own, which a network, being plain data, cannot hold
   */
  addStack(
    name: string,
    { options }: Recurrent,
    { cell: { custom, ...cell }, last, independent }: StackUse,
    input: string,
  ): string {
    if (custom)
      throw new UsageError(
        "not-convertible",
        `its cell "${cell.name}" is one of your own, and the layers of a network have built-in cells; writeOnnx writes such recurrent layers alone, with the equations of the cell`,
      );
    const { inputSize, hiddenSize, projectionSize, numLayers, bidirectional } = options;
    const { layers } = recurrentLayers({
      ...{ name, cell, inputSize, hiddenSize, ...(projectionSize > 0 && { projectionSize }), numLayers, bidirectional },
      ...{ biases: cell.options?.bias === false ? 0 : 2, ...(independent && { independent }) },
    });
    let value = input;
    for (const [k, layer] of layers.entries())
      value = this.add(layer.name, last && k === numLayers - 1 ? lastStep(layer.spec) : layer.spec, value, {});
    for (const [weight, tensor] of Object.entries(this.own(name)))
      this.weights.set(weightOfLayer(name, weight, numLayers), tensor);
    return value;
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

  /** Adds a softmax of the last axis. */
  addSoftmax(name: string, input: string): string {
    return this.add(name, { kind: "activation", activation: { name: "softmax" } }, input);
  }

  finish({ name, inputs, outputs }: Pick<CanonicalModel, "name" | "inputs" | "outputs">): CanonicalModel {
    return { name, inputs, layers: this.layers, nodes: this.nodes, outputs, weights: this.weights };
  }

  /** What was trained of a layer, by the names that it has there. */
  private own(layer: string): Readonly<Record<string, NamedTensor>> {
    return Object.fromEntries(unprefixed(`${layer}.`, this.trained));
  }
}

export const TOKENS = { name: "tokens", shape: [null], type: "int" } as const satisfies CanonicalInput;

/** What is to be said of tokens, whose vocabulary no other format holds. */
export const ABOUT_TOKENS =
  "tokens are the numbers that the tokenizer of the run gives (tokenizer.json), which is no part of the network; nor is padding: sequences of one length are one batch";

export const DROPOUT_LEFT_OUT = "dropout is left out";

/** Names in the order of the numbers that are given out. */
export const listed = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");
