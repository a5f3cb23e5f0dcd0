import { platform } from "#platform";
import type { Checkpoint } from "../checkpoint/checkpoint-file.ts";
import { latestCheckpoint, removeCheckpoints, saveCheckpoint } from "../checkpoint/checkpoints.ts";
import { type RunLock, takeLock } from "../checkpoint/lock.ts";
import { MetricsFile } from "../checkpoint/metrics-file.ts";
import {
  configOf,
  configToSave,
  type RunConfig,
  runPaths,
  type Saveable,
  writeConfig,
  writeTokenizer,
  writeWeights,
} from "../checkpoint/run-folder.ts";
import { readSafetensors } from "../checkpoint/safetensors.ts";
import { type FileLayer, makeDurableFolder, removeTemporary, writeAtomic } from "../platform/files.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { VERSION } from "../shared/version.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { EpochEvent, EvaluationEvent, TrainEvent } from "./events.ts";
import type { RestoreOptions, TrainingSnapshot } from "./snapshot.ts";
import type { Trainer } from "./trainer.ts";

/** Options of `openRun`. */
export interface OpenRunOptions {
  /** Folder of the run; created if needed. */
  readonly folder: string;
  /** What to do with an existing run: "refuse" (default), "resume" it (one without a checkpoint starts again), or "overwrite" it. */
  readonly existing?: "refuse" | "resume" | "overwrite" | undefined;
  /** Number of checkpoints to keep besides the best one. Default 3. */
  readonly keep?: number | undefined;
  /** File operations. Default: those of the platform. */
  readonly files?: FileLayer | undefined;
  /** Called with messages for the user, such as a damaged checkpoint that was skipped. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

/** Options of `Run.record`: a `Classifier`, a `Tagger` or a `Forecaster` as it is, or what such a run is made of. */
export interface RecordOptions extends RestoreOptions, Omit<Saveable, "parameters"> {
  /** Those that the trainer trains, which are saved. May be left out. */
  readonly parameters?: ParameterStore | undefined;
}

/** Which weights `model.safetensors` holds. */
export interface SavedWeights {
  /** The update after which they were saved. */
  readonly savedStep: number;
  /** The epoch at whose end they were saved, from 1; undefined within an epoch. */
  readonly savedEpoch?: number;
  readonly validationLoss?: number;
}

/** What a checkpoint holds besides tensors. */
interface RunState extends Omit<TrainingSnapshot, "tensors"> {
  /** Of the package. */
  readonly version: string;
  readonly metricsBytes: number;
  readonly saved: SavedWeights | null;
  readonly totalSteps: number;
}

/**
 * Opens a folder to record a training in, and locks it against other processes until it is closed.
 * @throws UsageError "run-locked", "run-exists", "no-checkpoint"; FailureError "file-write-failed", "disk-full"
 */
export async function openRun(options: OpenRunOptions): Promise<Run> {
  expectOptions("openRun", options, { folder: "required", existing: 1, keep: 1, files: 1, onNotice: 1 });
  const { folder, existing = "refuse", files = platform.files } = options;
  expectOneOf("existing", existing, ["refuse", "resume", "overwrite"]);
  expectInteger("keep", options.keep ?? 3, { min: 1 });
  if (typeof folder !== "string" || folder === "") throw new UsageError("bad-run", "folder: expected a path");
  await makeDurableFolder(files, folder);
  const lock = await takeLock({ files, path: runPaths(folder).lock, what: folder, processes: platform });
  try {
    const names = await files.list(folder);
    if (existing === "refuse" && names.some((name) => runPaths(folder).config.endsWith(`/${name}`)))
      throw new UsageError(
        "run-exists",
        `${folder}: there is a run already; choose another folder, or say whether to resume or to overwrite it`,
      );
    if (existing === "resume") await expectNothingLost(files, folder, names);
    await removeTemporary(files, folder);
    return new Run({ ...options, files }, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Every training makes a folder for its checkpoints before it saves weights. Weights without that folder were saved, copied or quantized,
 * and a training that began anew would put an untrained model in their place.
 * @throws UsageError "no-checkpoint"
 */
async function expectNothingLost(files: FileLayer, folder: string, names: readonly string[]): Promise<void> {
  const { weights, checkpoints, config } = runPaths(folder);
  const has = (path: string): boolean => names.some((name) => path.endsWith(`/${name}`));
  if (!has(weights) || has(checkpoints)) return;
  const { tensors } = readSafetensors(await files.read(weights));
  const quantizedFrom = has(config) ? configOf(folder, await files.read(config)).quantizedFrom : undefined;
  const eightBits = [...tensors.values()].some(({ dtype }) => dtype === "I8");
  throw new UsageError(
    "no-checkpoint",
    eightBits
      ? `${folder}: its weights are 8-bit and cannot be trained further; resume the run that they were quantized from${typeof quantizedFrom === "string" ? `, ${quantizedFrom},` : ""} and quantize it again`
      : `${folder}: it has weights but no checkpoints to resume from; resume it where it was trained, or say that another training is to replace it`,
  );
}

/** A folder in which a training is recorded: see `openRun`. */
export class Run implements AsyncDisposable {
  private readonly options: OpenRunOptions & { readonly files: FileLayer };
  private readonly lock: RunLock;
  private metrics: MetricsFile | undefined;
  private saved: SavedWeights | undefined;
  private totalSteps = 0;
  private found: ReturnType<typeof latestCheckpoint> | undefined;
  /** Step of the last checkpoint. */
  private kept = -1;

  constructor(options: OpenRunOptions & { readonly files: FileLayer }, lock: RunLock) {
    this.options = options;
    this.lock = lock;
  }

  /** Which weights `model.safetensors` holds; undefined before the first save. */
  get savedWeights(): SavedWeights | undefined {
    return this.saved;
  }

  /** The update of the last checkpoint, from which a resumed training continues; undefined before the first. */
  get lastCheckpoint(): number | undefined {
    return this.kept < 0 ? undefined : this.kept;
  }

  /** How the numbers of the checkpoint that `record` will go on from were computed; undefined where it begins anew. */
  async arithmetic(): Promise<TrainingSnapshot["arithmetic"] | undefined> {
    if (this.options.existing !== "resume") return undefined;
    return ((await this.latest()).found?.state as RunState | undefined)?.arithmetic;
  }

  /**
   * Runs a training and records it: config, metrics, best weights (without an evaluator the last) and checkpoints. With `existing: "resume"` it continues from the last
   * checkpoint. Events are passed on after they have been recorded: the best weights are in `model.safetensors`, and at `checkpoint`
   * and `end` everything needed to resume is in `checkpoints/`. Close the run afterwards.
   * @example `for await (const event of run.record(trainer, classifier)) console.log(event.type);`
   * @throws UsageError "missing-option", "bad-option", "other-training", "different-schedule", "different-arithmetic"; FailureError "disk-full", "file-write-failed", "diverged". The
   *   last good checkpoint stays in all cases
   */
  async *record<F extends object>(trainer: Trainer<F>, options: RecordOptions): AsyncGenerator<TrainEvent<F>, void> {
    expectOptions("Run.record", options, {
      ...{ model: 1, config: 1, tokenizer: 1, parameters: 1, allowDifferentArithmetic: 1, allowDifferentSchedule: 1 },
    });
    const { parameters = trainer.parameters } = options;
    if (parameters !== trainer.parameters)
      throw new UsageError(
        "bad-option",
        "Run.record: parameters: expected those of the trainer, got those of another model; what is recorded must be what is trained",
      );
    const config = configToSave("Run.record", options);
    await this.begin(trainer, config, options);
    for await (const event of trainer) {
      await this.keep(event, trainer, config);
      yield event;
    }
  }

  /** Unlocks the folder. */
  async close(): Promise<void> {
    await this.lock.release();
  }

  /** The same as `close`: `await using run = await openRun(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private latest(): ReturnType<typeof latestCheckpoint> {
    const { files, folder } = this.options;
    this.found ??= latestCheckpoint({ files, folder: runPaths(folder).checkpoints });
    return this.found;
  }

  private async begin(trainer: Trainer, config: RunConfig, options: RecordOptions): Promise<void> {
    const { tokenizer, allowDifferentArithmetic, allowDifferentSchedule } = options;
    const { files, folder, existing, onNotice } = this.options;
    const paths = runPaths(folder);
    const place = { files, folder: paths.checkpoints };
    const { found, rejected } = existing === "resume" ? await this.latest() : { found: undefined, rejected: [] };
    // It is large, and needed once.
    this.found = undefined;
    const used = found ? "the one before it is used" : "there is no other, so the training begins anew";
    for (const { path, why } of rejected) onNotice?.(`${path} is damaged (${why}) and was renamed; ${used}.`);
    if (found) return this.goOn(trainer, found, config, { allowDifferentArithmetic, allowDifferentSchedule });
    await removeCheckpoints(place);
    for (const old of [paths.weights, paths.metrics]) await files.remove(old);
    await writeAtomic(files, paths.metrics, "");
    await makeDurableFolder(files, paths.checkpoints);
    if (tokenizer) await writeTokenizer(files, folder, tokenizer);
    await writeConfig(files, folder, config);
    this.metrics = (await MetricsFile.open(files, paths.metrics, 0)).metrics;
  }

  private async goOn(
    trainer: Trainer,
    { tensors, state }: Checkpoint,
    config: RunConfig,
    restore: RestoreOptions,
  ): Promise<void> {
    const { files, folder, onNotice } = this.options;
    const { metricsBytes, saved, totalSteps, ...snapshot } = state as RunState;
    await trainer.restore({ ...snapshot, tensors }, restore);
    const { metrics, missing } = await MetricsFile.open(files, runPaths(folder).metrics, metricsBytes);
    if (missing > 0)
      onNotice?.(`${runPaths(folder).metrics} has lost its last ${missing} bytes; the curves have a gap.`);
    this.metrics = metrics;
    this.saved = saved ?? undefined;
    this.totalSteps = totalSteps;
    this.kept = trainer.step;
    await writeConfig(files, folder, { ...config, ...(saved && { saved }) });
  }

  private async keep<F extends object>(event: TrainEvent<F>, trainer: Trainer<F>, config: RunConfig): Promise<void> {
    const metrics = this.metrics!;
    switch (event.type) {
      case "start":
        // A training that goes on as it would have gone says nothing; one that is to go on for longer says so.
        if (event.totalSteps !== this.totalSteps) metrics.add(event);
        this.totalSteps = event.totalSteps;
        break;
      case "epoch":
      case "evaluation":
        metrics.add(event);
        if (event.best) await this.saveWeights(trainer.parameters, config, event);
        break;
      case "validation":
        break;
      case "checkpoint":
        await this.saveCheckpoint(trainer);
        break;
      case "end":
        if (!this.saved || (!trainer.validates && this.saved.savedStep !== event.step))
          await this.saveWeights(trainer.parameters, config, { type: "end", step: event.step });
        if (this.kept !== event.step || event.reason === "aborted") await this.saveCheckpoint(trainer);
        metrics.add(event);
        await metrics.flush();
        break;
      default:
        metrics.add(event);
    }
  }

  /** Before the checkpoint that knows of it: then the best weights are never older than what a checkpoint says. */
  private async saveWeights(
    parameters: ParameterStore,
    config: RunConfig,
    event: { readonly type: string; readonly step: number; readonly epoch?: number } & Partial<
      Pick<EpochEvent | EvaluationEvent, "validationLoss">
    >,
  ): Promise<void> {
    const { files, folder } = this.options;
    await writeWeights(files, folder, parameters);
    this.saved = {
      savedStep: event.step,
      ...(event.type === "epoch" && { savedEpoch: event.epoch! }),
      ...(event.validationLoss !== undefined && { validationLoss: event.validationLoss }),
    };
    await writeConfig(files, folder, { ...config, saved: this.saved });
  }

  private async saveCheckpoint<F extends object>(trainer: Trainer<F>): Promise<void> {
    const { files, folder, keep = 3 } = this.options;
    const { tensors, ...snapshot } = await trainer.snapshot();
    const state: RunState = {
      ...{ ...snapshot, version: VERSION, totalSteps: this.totalSteps, saved: this.saved ?? null },
      metricsBytes: await this.metrics!.flush(),
    };
    const place = { files, folder: runPaths(folder).checkpoints };
    const { step } = snapshot.state;
    await saveCheckpoint(place, { tensors, state }, { step, keep, best: this.saved?.savedStep ?? 0 });
    this.kept = step;
  }
}
