import type { Machine } from "../compute/machine.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { ModelWeights } from "./model-weights.ts";

/**
 * The numbers of one model on one machine. Where a format shows only while recording which of them are parameters, the layout
 * grows; then all numbers move to a new store, trained ones too, and plans that were made for the old one are made anew.
 */
export class SharedWeights {
  readonly weights: ModelWeights;
  readonly machine: Machine;
  private store: ParameterStore | undefined;

  constructor(weights: ModelWeights, machine: Machine) {
    this.weights = weights;
    this.machine = machine;
  }

  /** The store that holds all parameters known by now, if there is one already. */
  get current(): ParameterStore | undefined {
    return this.store;
  }

  async upToDate(): Promise<ParameterStore> {
    const old = this.store;
    if (old && old.layout.length >= this.weights.length) return old;
    this.store = await this.weights.store(this.machine, old);
    old?.close();
    return this.store;
  }

  close(): void {
    this.store?.close();
    this.store = undefined;
  }
}
