import { type HasParameters, layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../tensor/parameter-store.ts";
import { expectRoom } from "./learner.ts";
import { startTrainer, type Trainer } from "./trainer.ts";
import { planOf, type TrainerOptions } from "./trainer-options.ts";

/** What `trainText`, `trainClassifier`, `trainForecaster` and `trainTagger` resolve to. */
export interface Training<Facts extends object, Model> {
  /** Runs the training when iterated or when `run` is called. Closing it closes everything opened for the training. */
  readonly trainer: Trainer<Facts>;
  readonly model: Model;
  /** The current weights. While an event is handled they do not change: save them then. */
  readonly parameters: ParameterStore;
}

interface OpenTrainingOptions<Facts extends object, Model>
  extends Omit<TrainerOptions<Facts>, "parameters" | "record" | "evaluator" | "owned"> {
  readonly model: Model;
  /** Parameters to train further; they are not closed with the trainer. Default: new ones, initialized with `seed`. */
  readonly parameters?: ParameterStore | undefined;
}

/** What a task makes of its parameters. */
interface Task<Runner> extends Pick<TrainerOptions, "record" | "evaluator"> {
  /** What predicts with the current weights; closed with the trainer. */
  readonly runner: Runner;
}

/**
 * Creates the parameters of a model and a trainer that owns them. When something fails, nothing stays open.
 * @param prepare called once the parameters are there, before the trainer is opened
 */
export async function openTraining<F extends object, M extends HasParameters, R extends { close(): void } | undefined>(
  { model, parameters: given, ...options }: OpenTrainingOptions<F, M>,
  prepare: (parameters: ParameterStore) => Task<R> | Promise<Task<R>>,
): Promise<Training<F, M> & { readonly runner: R }> {
  const { machine, batches } = options;
  const plan = planOf(options, batches.batchesPerEpoch);
  const layout = given?.layout ?? layoutParameters(model);
  expectRoom(machine, layout, plan.optimizer, plan.accumulate > 1);
  const parameters = given ?? (await createParameters({ machine, layout, seed: plan.seed }));
  const opened: { close(): void }[] = given ? [] : [parameters];
  try {
    const { runner, evaluator, record } = await prepare(parameters);
    if (runner) opened.unshift(runner);
    const owned = [...opened];
    if (evaluator) opened.unshift(evaluator);
    const trainer = await startTrainer<F>({ ...options, parameters, record, evaluator, owned }, plan);
    return { trainer, model, parameters, runner };
  } catch (error) {
    for (const one of opened) one.close();
    throw error;
  }
}

/**
 * The signal of a training for what is made before it can be opened. One that was aborted before is left to the training, which opens and
 * says so.
 */
export const unlessAborted = (signal: AbortSignal | undefined): AbortSignal | undefined =>
  signal?.aborted ? undefined : signal;
