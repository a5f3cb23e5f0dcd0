import type { Machine } from "../compute/machine.ts";
import type { ForecastNetwork } from "../models/forecast-network.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

/** Numbers of each input by name. */
export type InputArrays = Readonly<Record<string, ArrayLike<number>>>;

/** The inputs of a network, declared for what `windowInputs` gives for B windows. */
export function declareForecastInputs(graph: Graph, network: ForecastNetwork, arrays: InputArrays, rows: number) {
  const { channels, known, targets, categories } = network.config;
  const input = (name: string, width: number): Tensor =>
    graph.input(name, [arrays[name]!.length / (rows * width), rows, width]);
  return {
    x: input("x", channels),
    ...(arrays.future && { future: input("future", known) }),
    ...(arrays.base && { base: input("base", targets) }),
    ...(arrays.scale && { scale: input("scale", targets) }),
    ...(categories && {
      categories: categories.map((kinds, k) => graph.input(`category.${k}`, [rows], { type: "int", below: kinds })),
    }),
  };
}

/** Networks that predict, compiled for each shape of their inputs. They see the weights as they are at each call. */
export class ForecastPlans {
  private readonly plans = new Map<string, Executable>();
  private readonly network: ForecastNetwork;
  private readonly machine: Machine;
  private readonly parameters: ParameterStore;

  constructor(network: ForecastNetwork, machine: Machine, parameters: ParameterStore) {
    this.network = network;
    this.machine = machine;
    this.parameters = parameters;
  }

  /** L */
  get layers(): number {
    return this.network.config.numLayers;
  }

  /**
   * Parameters of what is predicted, as `ForecastNetwork.forward` gives them, and the states after `x`.
   * @param states state before the first step by name, [L, B, W]; default zero
   */
  async run(
    arrays: InputArrays,
    rows: number,
    states?: InputArrays,
  ): Promise<{ readonly prediction: InputArrays; readonly states: InputArrays }> {
    const plan = await this.plan(arrays, rows, states);
    for (const [name, data] of Object.entries(arrays)) plan.write(name, data);
    for (const [name, data] of Object.entries(states ?? {})) plan.write(`state.${name}`, data);
    plan.run();
    const read = async (prefix: string) => {
      const names = Object.keys(plan.graph.outputs).filter((name) => name.startsWith(prefix));
      const found = await Promise.all(names.map((name) => plan.read(name)));
      return Object.fromEntries(names.map((name, k) => [name.slice(prefix.length), found[k]!]));
    };
    return { prediction: await read("prediction."), states: await read("final.") };
  }

  close(): void {
    for (const plan of this.plans.values()) plan.close();
    this.plans.clear();
  }

  private async plan(arrays: InputArrays, rows: number, states: InputArrays | undefined): Promise<Executable> {
    const sizes = Object.entries(arrays).map(([name, { length }]) => `${name}:${length}`);
    const key = `${rows} ${sizes.join(" ")} ${states !== undefined}`;
    const known = this.plans.get(key);
    if (known) return known;
    const { machine, network, parameters } = this;
    const graph = new Graph({ machine, parameters: parameters.layout });
    const inputs = declareForecastInputs(graph, network, arrays, rows);
    const shapes = Object.entries(network.parts.encoder.stateShapes(rows));
    const initial =
      states && Object.fromEntries(shapes.map(([name, shape]) => [name, graph.input(`state.${name}`, shape)]));
    const { prediction, final } = network.forward({ ...inputs, initial });
    for (const [name, tensor] of Object.entries(prediction)) graph.output(`prediction.${name}`, tensor);
    for (const [name, tensor] of Object.entries(final)) graph.output(`final.${name}`, tensor);
    const plan = await compile(graph, { machine, arenas: parameters.arenas });
    this.plans.set(key, plan);
    return plan;
  }
}
