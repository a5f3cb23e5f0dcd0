import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Trainer } from "./trainer.ts";

/** A training that was opened: what `trainText`, `trainClassifier`, `trainForecaster` and `trainTagger` resolve to, each with more of its own. */
export interface Training<Facts extends object, Model> {
  /** Nothing runs until it is iterated or its `run` is called. Closing it closes all that was opened for it. */
  readonly trainer: Trainer<Facts>;
  readonly model: Model;
  /** The weights as they are now. While an event is being handled they stand still: save them then. */
  readonly parameters: ParameterStore;
}
