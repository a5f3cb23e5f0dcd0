import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { Family } from "./family.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonConfig = Readonly<Record<string, JsonValue>>;

/** A layer as Keras writes it. */
export interface WrittenLayer {
  readonly className: string;
  /** Without name, shape and type, which all layers have. */
  readonly config: JsonConfig;
  /** In Keras' order, under the names that follow the layer's own ("kernel", "forward_lstm/kernel"). */
  readonly arrays: readonly WrittenArray[];
}
export interface WrittenArray {
  readonly name: string;
  /** Where a .weights.h5 file of Keras 3 keeps it below the layer, "cell" or "forward_layer/cell"; "" for the layer itself. */
  readonly part: string;
  readonly tensor: NamedTensor;
}

/** What a writer of one kind of layer gets. */
export interface WriteContext {
  readonly name: string;
  readonly family: Family;
  /** Whether some layer of the model masks steps: then what layers give out at them matters. */
  readonly masks: boolean;
  /** Whether states come from somewhere: a stateful layer, or inputs of the node. */
  readonly givenStates: boolean;
  readonly weight: (name: string) => NamedTensor | undefined;
}

/** `{ class_name, config }`, with what Keras 3 adds. */
export const classEntry = (className: string, config: JsonConfig, { kind }: Family): JsonConfig =>
  kind === "keras-3"
    ? { module: "keras.layers", class_name: className, config, registered_name: null }
    : { class_name: className, config };

/** The same inside a layer: there Keras 3 looks for the module in files of Keras 2, too, which has written it since 2.13. */
export const innerEntry = (className: string, config: JsonConfig, family: Family): JsonConfig =>
  classEntry(className, config, family.kind === "keras-2" ? { ...family, kind: "keras-3" } : family);
