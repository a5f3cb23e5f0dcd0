import type { CellSpec } from "../cells/registry.ts";
import type { GatePlace, UnitPlace } from "../explain/ablation.ts";
import type { Effect } from "../explain/effect.ts";
import type { OptimizerName } from "../optimizers/registry.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import type { TrainingSnapshot } from "../train/snapshot.ts";

/** What a page is told of an opened model. */
export interface ModelFacts {
  /** What later calls name it by. */
  readonly id: number;
  /** Of the file: "longshort" for what `packRun` made, else "pytorch", "onnx", "keras", … */
  readonly format: string;
  /** What it reads: text, by its tokenizer; token numbers, for want of one; or numbers. The last two by `readSeries`. */
  readonly reads: "text" | "tokens" | "numbers";
  /** Numbers that it reads at a step; 1 but for models of numbers. */
  readonly channels: number;
  /** Steps that it must be given, where its file says how many. */
  readonly steps: number | undefined;
  /** "lstm", or several with "+" between. */
  readonly cell: string;
  /** Of the last recurrent layer. */
  readonly hiddenSize: number;
  /** Recurrent layers by name, one for each direction, as `ReadValue.layer` counts them. */
  readonly layers: readonly string[];
  /** Of models that read text or tokens. */
  readonly vocabularySize: number | undefined;
  readonly parameters: number;
  /** Values of the cells by name, in the order of computation. */
  readonly names: readonly string[];
  /** What the file left to convention and how it was read, in words. */
  readonly conventions: readonly string[];
}

/** Larger files are refused: their numbers would not fit beside what is computed from them. */
export const MAXIMUM_MODEL_BYTES = 2 ** 28;

/** One named value of a layer over a text: [T, H] row-major. */
export interface ReadValue {
  readonly name: string;
  /** From 0, as in `ModelFacts.layers`. */
  readonly layer: number;
  readonly units: number;
  readonly data: Float32Array;
}

/** The likeliest next tokens after a step. */
export interface Prediction {
  readonly tokens: readonly string[];
  readonly probabilities: readonly number[];
  /** Of the token that came next, where there is one. */
  readonly actual: number | undefined;
}

/** What a model of numbers gave: [T, width] row-major where it answers at every step, else [width]. */
export interface ReadOutput {
  readonly name: string;
  readonly width: number;
  readonly everyStep: boolean;
  readonly data: Float32Array;
}

/** What a model did while it read a text or a series. */
export interface Reading {
  /** What stands over the steps: tokens, or the numbers themselves. */
  readonly tokens: readonly string[];
  /** Characters of the text that the model does not know and that were left out. */
  readonly leftOut: readonly string[];
  /** Whether the text was cut to `MAXIMUM_TOKENS`. */
  readonly cut: boolean;
  readonly values: readonly ReadValue[];
  /** One a step; of models of text or tokens. */
  readonly predictions: readonly Prediction[];
  /** Mean nats a token, undefined for a single one. */
  readonly loss: number | undefined;
  /** Of models of numbers; outputs of another shape are left out. */
  readonly outputs: readonly ReadOutput[];
}

/** Longer texts are cut: the page keeps every value of every unit. */
export const MAXIMUM_TOKENS = 4000;

/** What a model of numbers learns, in place of a text. */
export type NumbersChoice =
  /** The adding problem over so many steps. */
  | { readonly task: "adding"; readonly steps: number }
  /** The next number of a series. */
  | { readonly task: "series"; readonly data: ArrayLike<number> };

export interface TrainingChoice {
  readonly text: string;
  /** Given: numbers are learned and `text`, `embeddingSize` and `probe` do not count; the loss is the mean squared error. */
  readonly numbers?: NumbersChoice | undefined;
  /** By name, or as a file says it: `{ name: "equations", options: { text } }` is a cell in words. */
  readonly cell: string | CellSpec;
  readonly hiddenSize: number;
  readonly embeddingSize: number;
  readonly numLayers: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  /** Infinity: gradients are not clipped. */
  readonly clipNorm: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly seed: number;
  /** Read again and again while the model learns. */
  readonly probe: string;
}

export interface TrainingProgress {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly tokensPerSecond: number;
  /** Steps that can be gone back to. */
  readonly checkpoints: readonly number[];
  /** What it writes, what its values are over the probe: with some of the messages. */
  readonly sample?: string;
  readonly reading?: Reading;
}

/** What a model is given to read: text, or numbers [T, channels] row-major, or token numbers [T]. */
export type Given = { readonly text: string } | { readonly data: ArrayLike<number> };

/** What a model does while units are cut and gates held. */
export interface CutReading {
  /** Mean nats a token so, and of the whole model; undefined where there is nothing to predict. */
  readonly loss: number | undefined;
  readonly whole: number | undefined;
  /** As of `Reading`, so. */
  readonly predictions: readonly Prediction[];
  readonly outputs: readonly ReadOutput[];
  /** How far each output moved: as `effectOn` says it. */
  readonly effects: readonly (Pick<Effect, "largest" | "divergence"> & { readonly name: string })[];
}

/** A place in what was read, with some of it around. */
export interface NearestPlace {
  /** From 0. */
  readonly step: number;
  readonly before: string;
  /** The token after which the state was. */
  readonly here: string;
  readonly after: string;
  /** Cosine of the two states. */
  readonly similarity: number;
}

/** Calls: what is given and what comes back. */
export interface Calls {
  /**
   * A model file of any format that `longshort/formats` reads, with the content of a `tokenizer.json` for models of tokens that
   * are to read text. Its reader is fetched when the first file needs it.
   */
  open: { given: { file: Uint8Array | Blob; name: string; tokenizer?: string }; back: ModelFacts };
  close: { given: { id: number }; back: undefined };
  read: { given: { id: number; text: string; names?: readonly string[] }; back: Reading };
  /** Numbers [T, channels] row-major, or token numbers [T]. */
  readSeries: { given: { id: number; data: ArrayLike<number>; names?: readonly string[] }; back: Reading };
  /** What it does with units cut and gates held; layers as `ModelFacts.layers` counts them. */
  cut: {
    given: Given & { id: number; units: readonly UnitPlace[]; gates?: readonly GatePlace[] };
    back: CutReading;
  };
  /**
   * Where in a corpus (default: elsewhere in the same input) the hidden state of a layer was most like it is at a step of the input.
   * `steps` says how many states were compared.
   */
  nearest: {
    given: Given & { id: number; step: number; layer: number; count: number; corpus?: Given };
    back: { places: readonly NearestPlace[]; steps: number };
  };
  /** `gradientFlow` of cells by name. */
  flow: {
    given: {
      cells: readonly string[];
      hiddenSize: number;
      steps: number;
      scale: number;
      forgetBias: number;
      seed: number;
    };
    back: Readonly<Record<string, Float64Array>>;
  };
  /** `from` is what "keep" gave: the training goes on from there, with the choice that it was made with. */
  train: {
    given: TrainingChoice & { readonly from?: TrainingSnapshot | undefined };
    back: { parameters: number; vocabularySize: number | undefined };
  };
  /** All that the rest of the training depends on; a page can store it as it is. Undefined when the training has ended. */
  keep: { given: object; back: TrainingSnapshot | undefined };
  pause: { given: object; back: undefined };
  resume: { given: object; back: undefined };
  /** One update, then paused again. */
  step: { given: object; back: undefined };
  rewind: { given: { step: number }; back: undefined };
  stop: { given: object; back: undefined };
  /** The model as it is now, as `packRun` makes it. */
  save: { given: object; back: OwnBytes };
}
export type CallName = keyof Calls;

/** From the page to the worker. */
export interface CallMessage {
  readonly call: CallName;
  readonly number: number;
  readonly given: unknown;
}
/** From the worker to the page: the answer to a call, or news of the training. */
export type WorkerMessage =
  | { readonly number: number; readonly back: unknown }
  | { readonly number: number; readonly error: { readonly message: string; readonly code: string } }
  | { readonly progress: TrainingProgress }
  | { readonly ended: { readonly message: string; readonly code: string } | undefined };
