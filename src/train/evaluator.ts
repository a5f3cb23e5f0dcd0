import type { Machine } from "../compute/machine.ts";
import { type Batch, type BatchSource, expectSource, weightOf } from "../data/batch-source.ts";
import { takeTurns } from "../platform/turns.ts";
import { type Closeable, closing } from "../shared/closing.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { expectSameMachine, type ParameterStore } from "../tensor/parameter-store.ts";
import { Plans } from "./plans.ts";
import { carryStates, expectNumber } from "./recorded.ts";

/** Results of an evaluation by name; by convention one of them is `loss`. */
export type Metrics = Readonly<Record<string, number>>;

/** Options of `Evaluator.run`. */
export interface EvaluatorRunOptions extends Abortable {
  /** Called with the number of batches (or examples) done and the total; its result is awaited. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => unknown) | undefined;
}

/** Evaluates a model with its current weights, during training. */
export interface Evaluator {
  /** Evaluates the model. @throws the reason of `signal` */
  run(options?: EvaluatorRunOptions): Promise<Metrics>;
  /** Frees the plans. */
  close(): void;
}

/** Options of `openEvaluator`. */
export interface EvaluatorOptions {
  readonly machine: Machine;
  readonly parameters: ParameterStore;
  /** The batches of epoch 0 are evaluated in order. */
  readonly batches: BatchSource;
  /**
   * Records the metrics of a batch of this shape, each of shape [] and a mean over the batch; and what is carried to the next batch, as
   * in training. `graph.training` is false.
   */
  readonly record: (graph: Graph, batch: Batch) => Measurement;
}

/** What an evaluation records for a batch. */
export interface Measurement {
  readonly metrics: Readonly<Record<string, Tensor>>;
  readonly carry?: readonly (readonly [from: Tensor, to: Tensor])[] | undefined;
}

/**
 * Opens an evaluator whose metrics are means over batches, weighted by `weight` and summed in float64. For metrics that are not such
 * means (F1, medians) write an `Evaluator` of your own.
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
  expectSource(batches);
  expectSameMachine(parameters, machine);
  const plans = new Plans({
    machine,
    arenas: parameters.arenas,
    record(batch) {
      const graph = new Graph({ machine, parameters: parameters.layout });
      const measured = record(graph, batch);
      if (typeof measured?.metrics !== "object")
        throw new UsageError(
          "bad-option",
          `record: expected { metrics: { loss, … } }, numbers by name, got ${describe(measured)}`,
        );
      for (const [name, tensor] of Object.entries(measured.metrics))
        graph.output(name, expectNumber(`metrics.${name}`, tensor));
      carryStates(graph, measured.carry);
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
      const turns = takeTurns(signal);
      const sums: Record<string, number> = {};
      let weights = 0;
      for (let index = 0; index < batches.batchesPerEpoch; index++) {
        await turns();
        const batch = await batches.batch(0, index);
        const plan = await plans.ready(batch);
        plan.run();
        const weight = weightOf(batch);
        for (const [name, [value]] of Object.entries(await plan.readAll()))
          sums[name] = (sums[name] ?? 0) + value! * weight;
        weights += weight;
        await onProgress?.({ done: index + 1, total: batches.batchesPerEpoch });
      }
      return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / weights]));
    },
    close: () => plans.close(),
  });
}
