import { platform } from "#platform";
import type { Numbers } from "../compute/machine.ts";
import { type Batch, expectSource, weightOf } from "../data/batch-source.ts";
import { takeTurns } from "../platform/turns.ts";
import { checkOptions } from "../schema/check.ts";
import { Closing } from "../shared/closing.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { wasAborted } from "../shared/signal.ts";
import { expectSameMachine, type ParameterStore } from "../tensor/parameter-store.ts";
import { diverged } from "./breakdown.ts";
import type { Evaluator, Metrics } from "./evaluator.ts";
import type { Callbacks, EndEvent, TrainEvent, ValidationEvent } from "./events.ts";
import { type Learner, openLearner } from "./learner.ts";
import type { StepReading } from "./notes.ts";
import { relay } from "./relay.ts";
import { type RestoreOptions, snapshotOf, type TrainingSnapshot, usable } from "./snapshot.ts";
import { planOf, type TrainerOptions, type TrainingPlan, trainingOptions } from "./trainer-options.ts";
import { firstState, type TrainerState } from "./trainer-state.ts";

/**
 * Opens a training of any model, from a function that records the loss, a source of batches and, optionally, an evaluator. Nothing runs
 * until it is iterated or `run` is called; progress is reported as events. While an event is handled the parameters do not change: save
 * them then.
 * @example
 * ```ts
 * const trainer = await openTrainer({ machine, parameters, batches, record, epochs: 20, earlyStopping: { patience: 3 } });
 * for await (const event of trainer) {
 *   if (event.type === "epoch") console.log(event.epoch, event.trainLoss, event.metrics);
 * }
 * ```
 * @throws UsageError for wrong options; FailureError "out-of-memory" before anything is allocated. While training:
 *   FailureError "diverged" when the loss is no number; no such update has reached the parameters. UsageError "not-a-number" when a schedule gives no finite rate
 */
export async function openTrainer<F extends object = object>(options: TrainerOptions<F>): Promise<Trainer<F>> {
  checkOptions<TrainerOptions<F>>("openTrainer", options, {
    ...trainingOptions,
    ...{ machine: "required", parameters: "required", batches: "required", record: "required" },
    ...{ evaluator: 1, monitor: { metric: "required", mode: "required" }, facts: 1, owned: 1 },
  });
  expectSource(options.batches);
  return startTrainer(options);
}

/** `openTrainer` for callers that have checked their options, which may hold more than those of a trainer. */
export async function startTrainer<F extends object = object>(
  options: TrainerOptions<F>,
  plan: TrainingPlan = planOf(options, options.batches.batchesPerEpoch),
): Promise<Trainer<F>> {
  const { machine, parameters, batches, record, owned = [] } = options;
  expectSameMachine(parameters, machine);
  const { metric } = plan.best.monitor;
  if (!options.evaluator && metric !== "loss")
    throw new UsageError(
      "bad-option",
      `monitor: ${JSON.stringify(metric)} is measured on validation data, and there are none; give some, or leave monitor out`,
    );
  const { optimizer, clipNorm, clipValue, recompute, seed, accumulate } = plan;
  const learner = await openLearner({
    ...{ machine, parameters, optimizer, clipNorm, clipValue, recompute, seed, record, accumulates: accumulate > 1 },
  });
  try {
    // What does not fit is said before anything is trained.
    await learner.plan(await batches.batch(0, 0));
  } catch (error) {
    learner.close();
    throw error;
  }
  const closers = [learner, ...(options.evaluator ? [options.evaluator] : []), ...owned];
  return new Trainer(options, plan, learner, closers);
}

/**
 * A training in progress: see `openTrainer`. After leaving the loop, iterating again continues where it stopped. A second loop at the
 * same time is refused with a UsageError "busy".
 */
export class Trainer<F extends object = object> extends Closing implements AsyncIterable<TrainEvent<F>> {
  /** The current weights. */
  readonly parameters: ParameterStore;
  private readonly options: TrainerOptions<F>;
  private readonly plan: TrainingPlan;
  private readonly learner: Learner;
  private readonly owned: readonly { close(): void }[];
  private state: TrainerState<F>;
  private started = false;
  private saveDue = false;
  private lastSave = platform.now();
  private lastNorm: number | undefined;
  /** Whether an update or a copy of it all is under way, and whether a measurement is. */
  private working = false;
  private measuring = false;
  private closed = false;

  constructor(options: TrainerOptions<F>, plan: TrainingPlan, learner: Learner, owned: readonly { close(): void }[]) {
    super();
    this.options = options;
    this.plan = plan;
    this.learner = learner;
    this.owned = owned;
    this.parameters = options.parameters;
    this.state = firstState(plan);
  }

  /** Number of updates so far. */
  get step(): number {
    return this.state.step;
  }

  /** Whether something is measured that tells which weights are best; if not, the latest count as best. */
  get validates(): boolean {
    return this.options.evaluator !== undefined;
  }

  /** Trains, and tells what happens on the way. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent<F>, void> {
    const { signal } = this.options;
    const turns = takeTurns();
    this.expectOpen();
    const fresh = !this.started;
    this.started = true;
    if (fresh) yield this.startEvent();
    let aborted = false;
    for (;;) {
      for (let event = this.state.events.shift(); event; event = this.state.events.shift()) {
        yield event;
        this.expectOpen();
      }
      if (this.state.due) {
        if (this.measuring) throw busy();
        this.measuring = true;
        try {
          aborted = !(yield* this.measure());
        } finally {
          this.measuring = false;
        }
        if (aborted) break;
      } else if (this.saveDue) {
        this.saveDue = false;
        this.lastSave = platform.now();
        yield { type: "checkpoint", step: this.state.step, epoch: this.epochNumber };
      } else if (this.ended) break;
      else {
        aborted = signal?.aborted ?? false;
        if (aborted) break;
        await this.alone(() => this.advance(turns));
      }
    }
    await this.alone(async () => this.standStill());
    const { step, seconds, stopped } = this.state;
    yield { type: "end", reason: aborted ? "aborted" : stopped ? "stopped-early" : "done", step, seconds };
  }

  /** Trains to the end and calls the given callbacks; each is awaited before training continues. */
  async run(callbacks: Callbacks<F> = {}): Promise<EndEvent> {
    expectOptions<Callbacks>("Trainer.run", callbacks, {
      start: 1,
      progress: 1,
      validation: 1,
      evaluation: 1,
      epoch: 1,
      checkpoint: 1,
      end: 1,
    });
    for await (const event of this) {
      const { type }: { readonly type: keyof Callbacks } = event;
      await (callbacks as Callbacks as Partial<Record<string, (event: unknown) => unknown>>)[type]?.(event);
      if (event.type === "end") return event;
    }
    throw new UsageError("closed", "this training has ended");
  }

  /**
   * Resolves to copies of the gradients of the last update by the name of their parameter, before clipping, while an event is handled or
   * between two loops. Frozen parameters have none.
   */
  gradients(): Promise<Map<string, { shape: readonly number[]; data: Numbers }>> {
    return this.alone(() => this.learner.readGradients());
  }

  /**
   * Returns everything that the rest of the training depends on, while an event is handled or between two loops. A trainer opened in
   * the same way that restores it continues bit for bit like this one.
   * @throws FailureError "not-finite" when a parameter is no finite number
   */
  async snapshot(): Promise<TrainingSnapshot> {
    const tensors = await this.alone(() => this.learner.readTensors());
    return snapshotOf(this.options, this.plan, this.state, tensors);
  }

  /**
   * Continues from a snapshot. Epochs, steps, logging and evaluation may differ from when it was taken.
   * @throws UsageError "other-training", "different-schedule", "different-arithmetic", and what `ParameterStore.loadTensors` throws
   */
  async restore(snapshot: TrainingSnapshot, options: RestoreOptions = {}): Promise<void> {
    expectOptions("Trainer.restore", options, { allowDifferentArithmetic: 1, allowDifferentSchedule: 1 });
    const state = usable<F>(snapshot, this.options, this.plan, options);
    await this.alone(async () => {
      await this.learner.restoreTensors(snapshot.tensors);
      this.state = state;
      this.standStill();
    });
    this.started = false;
    this.saveDue = false;
    this.lastSave = platform.now();
  }

  /** Frees everything opened for the training; parameters that were given stay. */
  close(): void {
    this.closed = true;
    for (const one of this.owned) one.close();
  }

  private expectOpen(): void {
    if (this.closed)
      throw new UsageError(
        "closed",
        "this training was closed and cannot go on; to go on later keep a snapshot, and restore it into a trainer that is opened in the same way",
      );
  }

  /** Does what nothing else may come in between of: a second loop would make the same update twice. */
  private async alone<T>(work: () => Promise<T>): Promise<T> {
    this.expectOpen();
    if (this.working) throw busy();
    this.working = true;
    try {
      return await work();
    } finally {
      this.working = false;
    }
  }

  private get ended(): boolean {
    return this.state.stopped || this.state.step >= this.plan.totalSteps;
  }

  /** One update, and what is to be told and measured after it. */
  private async advance(turns: () => Promise<void>): Promise<void> {
    const { totalSteps, stepsPerEpoch, logEvery, evaluateEvery, checkpoints } = this.plan;
    const { state } = this;
    const start = platform.now();
    this.learner.showAverage(false);
    const batches = await this.batchesOf(state.step);
    const rate = this.plan.rate.schedule?.(state.step) ?? state.plateau!.rate;
    const reading = await this.learner.learn(batches, state.step + 1, rate);
    state.step += 1;
    if (reading.failedAt > 0) this.breakDown(reading, rate, batches);
    this.lastNorm = reading.gradientNorm;
    await turns();
    this.count(reading.lossSum, batches, (platform.now() - start) / 1000);
    if (state.step % logEvery === 0) this.tellProgress(reading, rate);
    if (state.step % stepsPerEpoch === 0) state.due = "epoch";
    else if (state.step % evaluateEvery === 0 || state.step === totalSteps) state.due = "evaluation";
    this.saveDue =
      state.due !== null ||
      state.step % checkpoints.steps === 0 ||
      platform.now() - this.lastSave >= checkpoints.seconds * 1000;
    if (this.saveDue || state.events.length > 0) this.standStill();
  }

  /** Before anybody looks at the parameters: those with `average` become their means. */
  private standStill(): void {
    if (this.state.step > 0) this.learner.showAverage(true);
  }

  private async batchesOf(step: number): Promise<Batch[]> {
    const { stepsPerEpoch, accumulate } = this.plan;
    const source = this.options.batches;
    const epoch = Math.floor(step / stepsPerEpoch);
    const from = (step % stepsPerEpoch) * accumulate;
    const batches: Batch[] = [];
    for (let index = from; index < Math.min(from + accumulate, source.batchesPerEpoch); index++)
      batches.push(await source.batch(epoch, index));
    return batches;
  }

  private count(loss: number, batches: readonly Batch[], seconds: number): void {
    const weight = batches.reduce((sum, batch) => sum + weightOf(batch), 0);
    this.state.seconds += seconds;
    for (const sums of [this.state.epoch, this.state.progress]) {
      sums.loss += loss * weight;
      sums.weight += weight;
      sums.seconds += seconds;
    }
  }

  private breakDown({ failedAt }: StepReading, learningRate: number, batches: readonly Batch[]): never {
    throw diverged({
      ...{ failedAt, step: this.state.step, learningRate, batches, lastNorm: this.lastNorm },
      epoch: Math.ceil(failedAt / this.plan.stepsPerEpoch),
      clips: this.plan.clipNorm !== undefined,
    });
  }

  private startEvent(): TrainEvent<F> {
    const { stepsPerEpoch, epochs, totalSteps } = this.plan;
    return {
      ...{ type: "start", step: this.state.step, parameters: this.parameters.count },
      ...{ stepsPerEpoch, epochs, totalSteps, bytes: this.learner.bytes },
      ...(this.validates && { monitor: this.plan.best.monitor }),
      ...(this.options.facts as F),
    };
  }

  private tellProgress({ gradientNorm, skipped }: StepReading, learningRate: number): void {
    const { step, progress, seconds } = this.state;
    this.state.progress = { loss: 0, weight: 0, seconds: 0 };
    this.state.events.push({
      type: "progress",
      ...{ step, epoch: this.epochNumber, loss: progress.loss / progress.weight, learningRate, gradientNorm, skipped },
      itemsPerSecond: progress.weight / progress.seconds,
      secondsLeft: ((this.plan.totalSteps - step) * seconds) / step,
    });
  }

  /** From 1: the epoch of the update made last. */
  private get epochNumber(): number {
    return Math.max(1, Math.ceil(this.state.step / this.plan.stepsPerEpoch));
  }

  /** Makes the measurement that is due; false when it was aborted, and is still due. */
  private async *measure(): AsyncGenerator<ValidationEvent, boolean> {
    const { state } = this;
    const { evaluator, signal } = this.options;
    const { best: rule, rate } = this.plan;
    let metrics: Metrics | undefined;
    try {
      metrics = evaluator && (yield* this.evaluated(evaluator, signal));
    } catch (error) {
      if (wasAborted(error, signal)) return false;
      throw error;
    }
    const trainLoss = state.epoch.loss / state.epoch.weight;
    const watched = metrics ?? (state.due === "epoch" ? { loss: trainLoss } : undefined);
    if (watched) {
      state.best = rule.next(state.best, watched, state.step);
      state.stopped = rule.stops(state.best);
      if (rate.plateau) state.plateau = rate.plateau.next(state.plateau!, rule.of(watched));
    }
    // The loss of training says nothing of how good weights are.
    const measured = { ...told(metrics), best: !metrics || state.best.step === state.step };
    const at = { step: state.step, epoch: this.epochNumber };
    if (state.due === "epoch") {
      state.events.push({ type: "epoch", ...at, trainLoss, ...measured, seconds: state.epoch.seconds });
      state.epoch = { loss: 0, weight: 0, seconds: 0 };
    } else if (metrics) state.events.push({ type: "evaluation", ...at, ...measured });
    state.due = null;
    return true;
  }

  /** What an evaluator measures, and how far it is where that takes long. */
  private evaluated(evaluator: Evaluator, signal: AbortSignal | undefined) {
    const begun = platform.now();
    let last = begun;
    return relay<ValidationEvent, Metrics>(
      (tell, ends) =>
        evaluator.run({
          signal: ends,
          onProgress: async ({ done, total }) => {
            const now = platform.now();
            if (now - last < TELL_EVERY * 1000 || done >= total) return;
            last = now;
            const secondsLeft = ((now - begun) / 1000) * (total / done - 1);
            await tell({
              type: "validation",
              step: this.state.step,
              epoch: this.epochNumber,
              done,
              total,
              secondsLeft,
            });
          },
        }),
      signal,
    );
  }
}

/** Seconds between two events of a measurement. */
const TELL_EVERY = 1;

const busy = (): UsageError =>
  new UsageError("busy", "this training is in the middle of something: go through it in one loop at a time");

const told = (metrics: Metrics | undefined) =>
  metrics && { metrics, ...(Object.hasOwn(metrics, "loss") && { validationLoss: metrics.loss! }) };
