import type { CellSpec } from "../cells/registry.ts";
import type { NamedActivation } from "../math/activations.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";

/**
 * A network in the form that every reader gives and every writer takes: layers with their options, the wiring between them, and weights
 * with PyTorch's layout, names and order of gates. Plain data; `Network` makes it runnable and trainable. Values between layers are
 * batch first: [B, T, D] for sequences, [B, D] for vectors.
 */
export interface CanonicalModel {
  readonly name: string;
  readonly inputs: readonly CanonicalInput[];
  /** By name. A layer that several nodes use shares its weights. */
  readonly layers: ReadonlyMap<string, LayerSpec>;
  /** In an order in which each comes after what it reads. */
  readonly nodes: readonly CanonicalNode[];
  /** The outputs: a name for each, and the value that it is. */
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  /**
   * `LAYER.NAME`, row-major. NAME is, by kind of layer: embedding `weight` [V, E]; dense `weight` [out, in], `bias`; recurrent
   * `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, …, the backward direction of a bidirectional layer with
   * `_reverse` behind them; layer-norm `weight`, `bias`; batch-norm these and `running_mean`, `running_var`; convolution
   * `weight` [out, in, kernel], `bias`; attention-pool `key.weight` [D, D], `key.bias`, `query.weight` [1, D].
   */
  readonly weights: ReadonlyMap<string, NamedTensor>;
}

/** An input of a model. */
export interface CanonicalInput {
  /** Also the name of the value. */
  readonly name: string;
  /** Axes after the batch; null stands for any size. */
  readonly shape: readonly (number | null)[];
  /** "int" for what chooses rows of an embedding, and for lengths. */
  readonly type: "float" | "int";
  /** Whether it may be left out, as lengths may where all steps count: a layer "lengths" then masks nothing. Default false. */
  readonly optional?: boolean | undefined;
}

/** One use of a layer. */
export interface CanonicalNode {
  /** Names the states of a recurrent layer: `NODE.h`, `NODE.c`; `NODE.forward.h`, `NODE.backward.h` of a bidirectional one. */
  readonly name: string;
  readonly layer: string;
  /** Values that it reads. For a recurrent layer: the sequence, then optionally its initial states in the cell's order. */
  readonly inputs: readonly string[];
  /** Values that it produces. For a recurrent layer: the output, then, with `returnState`, its final states. */
  readonly outputs: readonly string[];
  /**
   * The value whose mask says which steps count, null: all of them do. Default: the mask that the first of `inputs` carries. (Keras 3 gives none
   * to a recurrent layer whose initial states are given.)
   */
  readonly mask?: string | null | undefined;
}

/** A table of vectors, one a token. */
export interface EmbeddingSpec {
  readonly kind: "embedding";
  readonly vocabularySize: number;
  readonly embeddingSize: number;
  /** Whether steps with token 0 are masked for the layers that follow. */
  readonly maskZero: boolean;
}

/** A recurrent layer in one direction. */
export interface RecurrentSpec {
  readonly kind: "recurrent";
  /**
   * A built-in cell by its name, with the options of its function that JSON can hold, activations as `ActivationSpec`; or one of one's own by
   * its equations as `cellText` prints them, `{ name, options: { text } }`.
   */
  readonly cell: CellSpec;
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** Default 0. */
  readonly projectionSize?: number | undefined;
  /**
   * As the file has them: 0, one (`bias_ih` only) or two. The function of an LSTM or RNN depends on their sum alone, but training moves
   * two biases twice as fast.
   */
  readonly biases: 0 | 1 | 2;
  readonly reverse: boolean;
  /** Order of the steps that a reversed layer gives out: as its input's, or as they were computed (Keras' `go_backwards`). */
  readonly outputOrder: "time" | "computed";
  /** Whether the output is that of all steps, or of the step computed last. */
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  /** Whether the state is carried from run to run. */
  readonly stateful: boolean;
  /**
   * Whether nobody else has to do with its states, which begin with zeros: inside a model for each step alone, or where an answer is of a
   * whole sequence (classifiers). Default false.
   */
  readonly independent?: boolean | undefined;
  /**
   * Output at a masked step. "previous" is 0 before the first valid step, as in Keras; "previous-or-initial" is the initial h
   * there, as in TensorFlow.js. Where a session feeds a sequence in pieces, the output before the first step of one is the h carried there.
   */
  readonly maskedOutput: "zero" | "previous" | "previous-or-initial";
  /** Dropout of the input in training, one mask a sequence. Default 0. */
  readonly dropout?: number | undefined;
}

/** Two recurrent layers, of which one reads from the end to the beginning. */
export interface BidirectionalSpec {
  readonly kind: "bidirectional";
  readonly forward: RecurrentSpec;
  readonly backward: RecurrentSpec;
  /** How the outputs of both are joined; "separate" gives both out, forward first. */
  readonly merge: "concat" | "sum" | "mul" | "ave" | "separate";
}

/** A linear map with an activation behind it. */
export interface DenseSpec {
  readonly kind: "dense";
  readonly inputSize: number;
  readonly outputSize: number;
  readonly bias: boolean;
  readonly activation: NamedActivation;
}

/** A convolution over time. */
export interface ConvolutionSpec {
  readonly kind: "convolution";
  readonly inputSize: number;
  readonly outputSize: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: "valid" | "same" | "causal";
  readonly bias: boolean;
  readonly activation: NamedActivation;
}

/** Largest or mean element of windows over time, or ("global") of all steps, which leaves no axis of time. */
export interface PoolingSpec {
  readonly kind: "pooling";
  readonly of: "max" | "mean";
  /** Of "global": whether a maximum is one of the steps that count alone, as a mean is. Default false: of all, as in Keras. */
  readonly skipMasked?: boolean | undefined;
  readonly window: { readonly size: number; readonly stride: number; readonly padding: "valid" | "same" } | "global";
}

/**
 * Pooling of all steps by attention, Σ_t a_t x_t with a = softmax_t(v · tanh(W x_t + b)), which leaves no axis of time (`attentionPool`).
 */
export interface AttentionPoolSpec {
  readonly kind: "attention-pool";
  readonly inputSize: number;
}

/** A normalization of the last axis. */
export interface LayerNormSpec {
  readonly kind: "layer-norm";
  /** Elements of the last axis. */
  readonly size: number;
  /** The axis as the file counts it, with the batch; one that is not the last is refused when shapes are known. */
  readonly axis: number;
  readonly epsilon: number;
}

/** With the statistics of the file, which training leaves alone. */
export interface BatchNormSpec {
  readonly kind: "batch-norm";
  readonly size: number;
  /** As in `LayerNormSpec`. */
  readonly axis: number;
  readonly epsilon: number;
}

/** Layers without weights. */
export type PlainSpec =
  | { readonly kind: "activation"; readonly activation: NamedActivation }
  | { readonly kind: "dropout"; readonly rate: number; readonly per: "step" | "sequence" }
  /** Masks the steps all of whose elements are `value`, and makes them 0. */
  | { readonly kind: "masking"; readonly value: number }
  /**
   * Masks the steps of a sequence [B, T, …], its first input, from the length on that its second says [B]: padding, which may hold
   * anything.
   */
  | { readonly kind: "lengths" }
  /** Does nothing, as what Keras adds in training alone (GaussianNoise, ActivityRegularization) does at inference. */
  | { readonly kind: "identity" }
  /** Shape of one example; one size may be −1. */
  | { readonly kind: "reshape"; readonly shape: readonly number[] }
  | { readonly kind: "flatten" }
  /** [B, T, …] to [B · T, …]: what follows takes each step for an example of its own. */
  | { readonly kind: "fold-steps" }
  /** Back to [B, T, …]; its second input is what was folded. */
  | { readonly kind: "unfold-steps" }
  /** Axes of one example, counted from 1. */
  | { readonly kind: "permute"; readonly order: readonly number[] }
  /** [B, D] to [B, times, D]. */
  | { readonly kind: "repeat"; readonly times: number }
  /** Along an axis, the batch counted, negative from the end. */
  | { readonly kind: "concatenate"; readonly axis: number }
  /** Element by element; axes that one value lacks are put behind its batch. */
  | { readonly kind: "combine"; readonly by: "add" | "subtract" | "multiply" | "average" | "maximum" | "minimum" };

/** A layer applied to each step of [B, T, …] alone. */
export interface TimeDistributedSpec {
  readonly kind: "time-distributed";
  readonly layer: LayerSpec;
}

/** A layer of any kind; `kind` tells which. */
export type LayerSpec =
  | EmbeddingSpec
  | RecurrentSpec
  | BidirectionalSpec
  | DenseSpec
  | ConvolutionSpec
  | PoolingSpec
  | AttentionPoolSpec
  | LayerNormSpec
  | BatchNormSpec
  | PlainSpec
  | TimeDistributedSpec;

/** The result of reading a model file. */
export interface OpenedModel {
  /** "keras", "tensorflow.js", "tensorflow-1", … */
  readonly format: string;
  readonly model: CanonicalModel;
  /** What the file leaves to convention and how it was interpreted, in words: "hard sigmoid with slope 0.2 (Keras 2)". */
  readonly conventions: readonly string[];
}
