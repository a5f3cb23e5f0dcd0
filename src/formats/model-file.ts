import type { SafeTensor } from "../checkpoint/safe-tensor.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { CanonicalModel } from "./canonical.ts";
import type { OnnxModel } from "./onnx/model.ts";
import type { LoadedText } from "./run-model.ts";

/** Names of the formats of model files. */
export type ModelFormat = "onnx" | "pytorch" | "safetensors" | "npz" | "keras" | "keras-h5" | "tfjs" | "tf1" | "run";

/** A model that is to be converted. */
export interface NamedContent {
  /** Of the file, for messages. */
  readonly name: string;
  readonly content: ModelContent;
}

/** The content of a model file; nothing is on a machine yet. */
export interface ModelFile extends NamedContent {
  readonly format: ModelFormat;
  /** What the file leaves to convention and how it was interpreted, in words. */
  readonly conventions: readonly string[];
}

/** What a file holds; `kind` tells what. */
export type ModelContent =
  /** A graph of operators. */
  | {
      readonly kind: "graph";
      readonly graph: OnnxModel;
      readonly bytes: Uint8Array;
      readonly weights?: ReadonlyMap<string, NamedTensor> | undefined;
    }
  /** Layers, their wiring and weights. */
  | { readonly kind: "network"; readonly network: CanonicalModel }
  /** A language model with its vocabulary. */
  | { readonly kind: "text"; readonly text: LoadedText }
  /** Named tensors that do not say what network they are of. */
  | { readonly kind: "weights"; readonly tensors: ReadonlyMap<string, SafeTensor>; readonly why: string };
