import type { Hold } from "../../layers/held-values.ts";
import type { Tensor } from "../../tensor/graph.ts";
import type { HasParameters } from "../../tensor/parameter.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { LayerSpec } from "../canonical.ts";
import type { Value } from "./value.ts";

/** What a layer is told when a node that uses it is recorded. */
export interface NodeContext {
  /** The state before the first step, [B, W], if the caller or the run before gives one. */
  initial(state: string, batch: number): Tensor | undefined;
  /** Whether that state is of the steps just before: a sequence is fed in pieces. Default false. */
  readonly pieces?: boolean | undefined;
  /** Takes the state after the last step, [B, W]. */
  final(state: string, value: Tensor): void;
  /** Values of cells to write out, and where they go, [T, B, W]. */
  readonly trace: readonly string[];
  traced(name: string, value: Tensor): void;
  /** Given where values of cells are to be held, by the names that `traced` is given. */
  readonly hold?: Hold | undefined;
}

/** A layer of a canonical model as something that records itself. */
export interface NetworkLayer extends HasParameters {
  /** Names and widths of its states; none if it has none. */
  readonly states?: Readonly<Record<string, number>>;
  /** Whether its states are carried from run to run. */
  readonly stateful?: boolean;
  /** Which of its states go from the end to the beginning; none if none does. */
  readonly backward?: readonly string[];
  /** Shapes of numbers of the file that are not learned. */
  readonly buffers?: Readonly<Record<string, readonly number[]>>;
  forward(inputs: readonly Value[], context: NodeContext): readonly Value[];
}

/** Makes the layer that a description names. `weight` gives numbers of the file that are not learned. */
export type MakeLayer<S extends LayerSpec> = (spec: S, weight: (name: string) => NamedTensor) => NetworkLayer;
