import type { CellSpec } from "../../cells/registry.ts";
import { UsageError } from "../../shared/errors.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { LayerSpec } from "../canonical.ts";

export interface StateDictNetworkOptions {
  /** How the recurrent cells were made, where it is known: a state dictionary says it only by their shapes. */
  readonly cell?: CellSpec;
  /** Of nn.RNN, which the file does not say. Default "tanh", as in PyTorch. */
  readonly nonlinearity?: "tanh" | "relu" | undefined;
}

/** What a module becomes: layers, one after the other, and the width of what they give. */
export interface ModuleLayers {
  readonly layers: readonly { readonly name: string; readonly spec: LayerSpec }[];
  readonly weights: ReadonlyMap<string, NamedTensor>;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly conventions: readonly string[];
}

export const unknownNetwork = (why: string): UsageError =>
  new UsageError(
    "unknown-network",
    `the tensors do not determine the network: ${why}; make the model with this package and load them into it with loadStateDict`,
  );
