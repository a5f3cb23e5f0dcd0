import type { Machine } from "../compute/machine.ts";
import type { SequenceForecaster } from "../models/sequence-forecaster.ts";
import { mapValues, unprefixed } from "../shared/records.ts";
import type { Executable } from "../tensor/executable.ts";
import { Executables } from "../tensor/executables.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

/** Numbers of each input by name. */
export type InputArrays = Readonly<Record<string, ArrayLike<number>>>;

/** Declares the inputs of a forecaster for B windows of `windowInputs`. */
export function declareForecastInputs(graph: Graph, model: SequenceForecaster, arrays: InputArrays, rows: number) {
  const { channels, known, targets, categories } = model.config;
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

/** The network, compiled for each shape of its inputs; each run uses the current weights. */
export class ForecastPlans {
  private readonly plans: Executables;
  private readonly model: SequenceForecaster;

  constructor(model: SequenceForecaster, machine: Machine, parameters: ParameterStore) {
    this.model = model;
    this.plans = new Executables(machine, parameters);
  }

  /** L */
  get layers(): number {
    return this.model.config.numLayers;
  }

  /**
   * Predicts as `SequenceForecaster.forward` does, and returns the states after `x`.
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
    const all = Object.entries(await plan.readAll());
    const below = (prefix: string): InputArrays => Object.fromEntries(unprefixed(prefix, all));
    return { prediction: below("prediction."), states: below("final.") };
  }

  close(): void {
    this.plans.close();
  }

  private plan(arrays: InputArrays, rows: number, states: InputArrays | undefined): Promise<Executable> {
    const { model } = this;
    const sizes = Object.entries(arrays).map(([name, { length }]) => `${name}:${length}`);
    return this.plans.of(`${rows} ${sizes.join(" ")} ${states !== undefined}`, (graph) => {
      const inputs = declareForecastInputs(graph, model, arrays, rows);
      const shapes = model.parts.encoder.stateShapes(rows);
      const initial = states && mapValues(shapes, (shape, name) => graph.input(`state.${name}`, shape));
      const { prediction, final } = model.forward({ ...inputs, initial });
      for (const [name, tensor] of Object.entries(prediction)) graph.output(`prediction.${name}`, tensor);
      for (const [name, tensor] of Object.entries(final)) graph.output(`final.${name}`, tensor);
    });
  }
}
