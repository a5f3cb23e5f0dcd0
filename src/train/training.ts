import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Trainer } from "./trainer.ts";

/** What `trainText`, `trainClassifier`, `trainForecaster` and `trainTagger` resolve to. */
export interface Training<Facts extends object, Model> {
  /** Runs the training when iterated or when `run` is called. Closing it closes everything opened for the training. */
  readonly trainer: Trainer<Facts>;
  readonly model: Model;
  /** The current weights. While an event is handled they do not change: save them then. */
  readonly parameters: ParameterStore;
}
