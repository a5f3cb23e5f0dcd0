import type { CellSpec } from "../cells/registry.ts";
import type { GatePlace, UnitPlace } from "../explain/ablation.ts";
import type { Effect } from "../explain/effect.ts";
import type { OptimizerName } from "../optimizers/registry.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import type { TrainingSnapshot } from "../train/snapshot.ts";

/** Facts about an opened model. */
export interface ModelFacts {
  /** Identifies the model in later calls. */
  readonly id: number;
  /** Format of the file: "longshort" for a packed run, else "pytorch", "onnx", "keras", … */
  readonly format: string;
  /** What the model reads: text, by its tokenizer; token numbers, without one; or numbers. The last two by `readSeries`. */
  readonly reads: "text" | "tokens" | "numbers";
  /** Numbers per step; 1 except for models of numbers. */
  readonly channels: number;
  /** Number of steps of the input, if its file fixes it. */
  readonly steps: number | undefined;
  /** "lstm", or several with "+" between. */
  readonly cell: string;
  /** H of the last recurrent layer. */
  readonly hiddenSize: number;
  /** Recurrent layers by name, one for each direction, as `ReadValue.layer` counts them. */
  readonly layers: readonly string[];
  /** Of models that read text or tokens. */
  readonly vocabularySize: number | undefined;
  readonly parameters: number;
  /** Names of the cell values, in the order of computation. */
  readonly names: readonly string[];
  /** What the file leaves to convention and how it was interpreted, in words. */
  readonly conventions: readonly string[];
}

/** Maximum size of a model file in bytes; larger files are refused. */
export const MAX_MODEL_BYTES = 2 ** 28;

/** A named value of a layer at every step: [T, H] row-major. */
export interface ReadValue {
  readonly name: string;
  /** From 0, as in `ModelFacts.layers`. */
  readonly layer: number;
  readonly units: number;
  readonly data: Float32Array;
}

/** The likeliest next tokens after a step. */
export interface TokenPrediction {
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

/** The result of reading a text or a series. */
export interface Reading {
  /** Labels of the steps: tokens, or the numbers themselves. */
  readonly tokens: readonly string[];
  /** Characters of the text that were left out: the model does not know them and has no token for what it does not know. */
  readonly leftOut: readonly string[];
  /** Whether the text was cut to `MAX_TOKENS`. */
  readonly cut: boolean;
  readonly values: readonly ReadValue[];
  /** One a step; of models of text or tokens. */
  readonly predictions: readonly TokenPrediction[];
  /** Mean loss in nats per token; undefined for a single token. */
  readonly loss: number | undefined;
  /** Of models of numbers; outputs of another shape are left out. */
  readonly outputs: readonly ReadOutput[];
}

/** Maximum number of tokens of a text; longer texts are cut, because the page keeps every value of every unit. */
export const MAX_TOKENS = 4000;

/** What a model of numbers learns, in place of a text. */
export type NumbersChoice =
  /** The adding problem over so many steps. */
  | { readonly task: "adding"; readonly steps: number }
  /** The next number of a series. */
  | { readonly task: "series"; readonly data: ArrayLike<number> };

/** What a page asks a worker to learn: a text or numbers; every other setting may be left out. */
export type TrainingRequest = { readonly [K in keyof TrainingChoice]?: TrainingChoice[K] | undefined };

/** All settings of a training in a worker. The defaults are those of a `TrainingRequest`. */
export interface TrainingChoice {
  /** The text to learn. */
  readonly text: string;
  /** Numbers to learn instead of a text; then `text`, `embeddingSize` and `probe` are ignored, and the loss is the mean squared error. */
  readonly numbers?: NumbersChoice | undefined;
  /** A cell by name, or as files describe it: `{ name: "equations", options: { text } }` is a cell as text. Default "lstm". */
  readonly cell: string | CellSpec;
  /** H. Default 32. */
  readonly hiddenSize: number;
  /** Numbers of the vector of a character. Default 16. */
  readonly embeddingSize: number;
  /** Default 1. */
  readonly numLayers: number;
  /** Default "adam". */
  readonly optimizer: OptimizerName;
  /** Default 0.01. */
  readonly learningRate: number;
  /** Gradients are scaled down if their norm is larger; `Infinity`: no clipping. Default 5. */
  readonly clipNorm: number;
  /** B: streams that are read in parallel. Default 8. */
  readonly batchSize: number;
  /** T: number of tokens, or of series time steps, of each stream in an update. Default 32. */
  readonly sequenceLength: number;
  /** Of the first weights and of what is drawn. Default 0. */
  readonly seed: number;
  /** A text that the model reads again and again while it learns. Default: the first 60 characters of the text. */
  readonly probe: string;
}

/** Progress of a training in a worker. */
export interface TrainingProgress {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** Tokens, or of series time steps, per second. */
  readonly itemsPerSecond: number;
  /** Steps that "rewind" can go back to. */
  readonly checkpoints: readonly number[];
  /** Text that the model writes; in some of the messages. */
  readonly sample?: string | undefined;
  /** What the model does with the probe; in some of the messages. */
  readonly reading?: Reading | undefined;
}

/** The input of a model: text, or numbers [T, channels] row-major, or token numbers [T]. */
export type Given = { readonly text: string } | { readonly data: ArrayLike<number> };

/** The result of reading with units ablated and gates held. */
export interface CutReading {
  /** Mean loss in nats per token; undefined if there is nothing to predict. */
  readonly loss: number | undefined;
  /** The same of the unchanged model. */
  readonly whole: number | undefined;
  /** As of `Reading`, so. */
  readonly predictions: readonly TokenPrediction[];
  readonly outputs: readonly ReadOutput[];
  /** How far each output moved, as `effectOn` measures it. */
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

/** The calls of the worker, with their arguments and results. */
export interface Calls {
  /**
   * Opens a model file of any format that `longshort/formats` reads, with the content of a `tokenizer.json` for models of tokens that
   * are to read text. The reader is fetched when the first file needs it.
   */
  open: { given: { file: Uint8Array | Blob; name: string; tokenizer?: string | undefined }; back: ModelFacts };
  /** Closes a model. */
  close: { given: { id: number }; back: undefined };
  /** Reads a text with a model. */
  read: { given: { id: number; text: string; names?: readonly string[] | undefined }; back: Reading };
  /** Reads numbers [T, channels] row-major, or token numbers [T]. */
  readSeries: { given: { id: number; data: ArrayLike<number>; names?: readonly string[] | undefined }; back: Reading };
  /** Reads with units ablated and gates held; layers are numbered as in `ModelFacts.layers`. */
  cut: {
    given: Given & { id: number; units: readonly UnitPlace[]; gates?: readonly GatePlace[] | undefined };
    back: CutReading;
  };
  /**
   * Finds where in a corpus (default: elsewhere in the same input) the hidden state of a layer was most similar to that at a step of
   * the input. `steps` is the number of states compared.
   */
  nearest: {
    given: Given & { id: number; step: number; layer: number; count: number; corpus?: Given | undefined };
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
  /** Starts a training. With `from`, the result of "snapshot", it continues that training with its choices. */
  train: {
    given: TrainingRequest & { readonly from?: TrainingSnapshot | undefined };
    back: { parameters: number; vocabularySize: number | undefined };
  };
  /** Returns everything that the rest of the training depends on, in a form that a page can store. Undefined if the training has ended. */
  snapshot: { given: object; back: TrainingSnapshot | undefined };
  /** Pauses the training. */
  pause: { given: object; back: undefined };
  /** Continues the training. */
  resume: { given: object; back: undefined };
  /** Makes one update, then pauses again. */
  step: { given: object; back: undefined };
  /** Goes back to an earlier step. */
  rewind: { given: { step: number }; back: undefined };
  /** Ends the training. */
  stop: { given: object; back: undefined };
  /** Returns the current model as `packRun` packs it. */
  save: { given: object; back: OwnBytes };
}
/** What a worker can be asked. */
export type CallName = keyof Calls;

/** From the page to the worker: a call, by a number that no other call of this page has. */
export interface CallMessage {
  readonly call: CallName;
  readonly number: number;
  readonly given: unknown;
}
/** From the page to the worker: nobody waits for the answer to this call any more. */
export interface AbortMessage {
  readonly abort: number;
}
/** From the worker to the page: the answer to a call, or news of the training. */
export type WorkerMessage =
  | { readonly number: number; readonly back: unknown }
  | { readonly number: number; readonly error: { readonly message: string; readonly code: string } }
  | { readonly progress: TrainingProgress }
  | { readonly ended: { readonly message: string; readonly code: string } | undefined };
