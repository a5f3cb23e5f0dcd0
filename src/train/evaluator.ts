import type { Machine } from "../compute/machine.ts";
import { type Batch, type BatchSource, weightOf } from "../data/batch-source.ts";
import { takeTurns } from "../platform/turns.ts";
import { type Closeable, closing } from "../shared/closing.ts";
import { expectOptions } from "../shared/options.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { expectSameMachine, type ParameterStore } from "../tensor/parameter-store.ts";
import { Plans } from "./plans.ts";

/** Measurements by name: `loss` by custom, and whatever else tells how good a model is. */
export type Metrics = Readonly<Record<string, number>>;

export interface EvaluatorRunOptions {
  /** Ends the measurement early. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many parts (batches, or examples) have been measured, of how many; what it returns is awaited before more are. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => unknown) | undefined;
}

/** Measures a model as it is at the moment, again and again while it is trained. */
export interface Evaluator {
  /** Undefined when `signal` aborted it before the end. */
  run(options?: EvaluatorRunOptions): Promise<Metrics | undefined>;
  /** Frees the plans. */
  close(): void;
}

export interface EvaluatorOptions {
  readonly machine: Machine;
  readonly parameters: ParameterStore;
  /** All batches of epoch 0 are measured, in their order. */
  readonly batches: BatchSource;
  /**
   * Records what is measured of a batch of this shape: metrics of shape [], each a mean over the batch; and what is carried to
   * the next batch, as in training. Without dropout: `graph.training` is false.
   */
  readonly record: (graph: Graph, batch: Batch) => Measurement;
}

/** What is measured of a batch. */
export interface Measurement {
  readonly metrics: Readonly<Record<string, Tensor>>;
  readonly carry?: readonly (readonly [from: Tensor, to: Tensor])[];
}

/**
 * An evaluator whose metrics are means over batches, weighed by their `weight`, added up in float64. Metrics that are no such
 * means (an F1, a median) need an `Evaluator` of your own.
 *
 * @throws UsageError "wrong-machine"
 */
export async function openEvaluator(options: EvaluatorOptions): Promise<Evaluator & Closeable> {
  expectOptions("openEvaluator", options, {
    machine: "required",
    parameters: "required",
    batches: "required",
    record: "required",
  });
  const { machine, parameters, batches, record } = options;
  expectSameMachine(parameters, machine);
  const plans = new Plans({
    machine,
    arenas: parameters.arenas,
    record(batch) {
      const graph = new Graph({ machine, parameters: parameters.layout });
      const { metrics, carry = [] } = record(graph, batch);
      for (const [name, tensor] of Object.entries(metrics)) graph.output(name, tensor);
      for (const [from, to] of carry) graph.copy(from.range, to.range);
      return graph;
    },
  });
  const closeAfter = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      plans.close();
      throw error;
    });
  // What does not fit is said before anything is trained.
  await closeAfter((async () => plans.of(await batches.batch(0, 0)))());
  return closing<Evaluator & Closeable>({
    async run(how = {}) {
      expectOptions("Evaluator.run", how, { signal: 1, onProgress: 1 });
      const { signal, onProgress } = how;
      const turns = takeTurns();
      const sums: Record<string, number> = {};
      let weights = 0;
      for (let index = 0; index < batches.batchesPerEpoch; index++) {
        const batch = await batches.batch(0, index);
        const plan = await plans.ready(batch);
        plan.run();
        const weight = weightOf(batch);
        for (const [name, [value]] of Object.entries(await plan.readAll()))
          sums[name] = (sums[name] ?? 0) + value! * weight;
        weights += weight;
        await turns();
        await onProgress?.({ done: index + 1, total: batches.batchesPerEpoch });
        if (signal?.aborted) return undefined;
      }
      return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / weights]));
    },
    close: () => plans.close(),
  });
}
