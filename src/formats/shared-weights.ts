import type { Arena, Machine } from "../compute/machine.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import { ParameterStore } from "../tensor/parameter-store.ts";
import { quantizeProducts } from "../tensor/quantize-products.ts";
import { DerivedWeights } from "./derived-weights.ts";
import type { Runnable, WeightForms } from "./runnable.ts";

/**
 * The numbers of one model on one machine: the parameters as its file has them, and what runs make of them. Once the parameters
 * have been handed out, they may change at any time; runs then look whether they did and derive anew.
 */
export class SharedWeights {
  readonly machine: Machine;
  private readonly folds: boolean;
  private readonly store: ParameterStore;
  /** Of a model that computes with them while it is recorded; else they are on the machine alone. */
  private values: ReadonlyMap<string, ArrayLike<number>> = new Map();
  private derived = new DerivedWeights();
  private loaded: { readonly size: number; readonly arenas: Readonly<Record<string, Arena>> } | undefined;
  private handedOut = false;
  /** Goes up whenever plans that were made before are out of date. */
  generation = 0;

  constructor({ layout, weights, folds }: Runnable, machine: Machine) {
    this.machine = machine;
    this.folds = folds;
    if (folds) this.values = new Map([...weights].map(([name, { data }]) => [name, data]));
    this.store = new ParameterStore(machine, layout);
    try {
      this.store.arena("parameters");
      for (const name of layout.names.keys()) this.store.write(name, weights.get(name)!);
    } catch (error) {
      this.store.close();
      throw error;
    }
  }

  get layout(): ParameterStore["layout"] {
    return this.store.layout;
  }

  /** For callers, who may change them. */
  handOut(): ParameterStore {
    this.handedOut = true;
    return this.store;
  }

  /** Has products of these layers read 8 bits in all plans from now on. */
  async quantize(layers: HasParameters): Promise<void> {
    await quantizeProducts(layers, this.store);
    this.unload();
  }

  /** What a recording needs to compute with the weights at once. */
  get forms(): WeightForms {
    return { values: this.values, derived: this.derived };
  }

  /** Notices parameters that were changed. */
  async notice(): Promise<void> {
    if (!this.folds || !this.handedOut) return;
    const now = await this.store.toTensors();
    const same = [...now].every(([name, { data }]) => {
      const before = this.values.get(name)!;
      return data.every((value, k) => value === before[k] || Math.fround(before[k]!) === value);
    });
    if (same) return;
    this.values = new Map([...now].map(([name, { data }]) => [name, data]));
    this.derived = new DerivedWeights();
    this.unload();
  }

  /** All arenas that a plan for this model reads, with everything that was derived by now. */
  arenas(): Readonly<Record<string, Arena>> {
    if (!this.loaded || this.loaded.size < this.derived.size) {
      this.unload();
      this.loaded = { size: this.derived.size, arenas: this.derived.load(this.machine) };
    }
    return { ...this.store.arenas, ...this.loaded.arenas };
  }

  close(): void {
    this.unload();
    this.store.close();
  }

  private unload(): void {
    for (const arena of Object.values(this.loaded?.arenas ?? {})) arena.close();
    this.loaded = undefined;
    this.generation++;
  }
}
