import type { Machine } from "../compute/machine.ts";
import { size } from "../shared/shapes.ts";
import type { Parameter, ParameterLayout } from "../tensor/parameter.ts";
import { ParameterStore } from "../tensor/parameter-store.ts";

/**
 * The numbers of an imported model. Which of the file's tensors are parameters, and in which form, shows when a graph is
 * recorded (another branch may need others), so the layout grows; what lies in it never moves.
 */
export class ModelWeights implements ParameterLayout {
  readonly names = new Map<string, Parameter>();
  readonly offsets = new Map<Parameter, number>();
  length = 0;
  private readonly values = new Map<string, ArrayLike<number>>();

  /** The parameter of this name, made of `data` when it is asked for the first time. */
  parameter(name: string, shape: readonly number[], data: () => ArrayLike<number>): Parameter {
    const known = this.names.get(name);
    if (known) return known;
    const values = data();
    const parameter: Parameter = { shape, initialize: () => values };
    this.add(name, parameter, values);
    return parameter;
  }

  private add(name: string, parameter: Parameter, values: ArrayLike<number>): void {
    this.names.set(name, parameter);
    this.offsets.set(parameter, this.length);
    this.values.set(name, values);
    this.length += Math.ceil(size(parameter.shape) / 16) * 16;
  }

  /** The numbers on a machine, at least as many as are laid out now. What `old` holds goes over. */
  async store(machine: Machine, old?: ParameterStore): Promise<ParameterStore> {
    const held = old ? await old.toTensors() : new Map<string, { readonly data: ArrayLike<number> }>();
    const layout = { names: new Map(this.names), offsets: new Map(this.offsets), length: this.length };
    const store = new ParameterStore(machine, layout);
    try {
      store.arena("parameters");
      for (const name of layout.names.keys()) store.write(name, held.get(name)?.data ?? this.values.get(name)!);
    } catch (error) {
      store.close();
      throw error;
    }
    return store;
  }
}
