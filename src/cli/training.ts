import { openMachine } from "../compute/open.ts";
import { type Corpus, openCorpus } from "../data/corpus.ts";
import { languageModel } from "../models/language-model.ts";
import { formatBytes } from "../shared/shapes.ts";
import { trainText } from "../train/train-text.ts";
import { EXIT, type Io, isLive } from "./io.ts";
import { ProgressDisplay } from "./progress.ts";
import { openRunLog } from "./run-log.ts";
import { corpusOptions, modelOptions, type TextSettings, tokenizerOptions } from "./text-settings.ts";
import { TrainingRecord, type TrainingResult } from "./training-record.ts";

export interface TrainingOptions {
  readonly io: Io;
  readonly folder: string;
  /** Nothing on standard error but warnings. */
  readonly quiet: boolean;
  /** Events as JSON lines on standard output. */
  readonly json: boolean;
}

/** Steps between two looks at the loss: often enough for a bar that moves. */
const LOG_EVERY = 5;

/**
 * Trains a language model on files and saves it as a run: after every epoch that is the best so far, at the end, and when
 * Ctrl-C stops it. So a power cut costs one epoch at most.
 */
export async function trainToFolder(settings: TextSettings, options: TrainingOptions): Promise<TrainingResult> {
  const { io, quiet, folder } = options;
  const display = new ProgressDisplay({ out: io.stderr, live: isLive(io) && !quiet, now: io.now, quiet });
  const controller = new AbortController();
  const off = io.onInterrupt(() => {
    if (controller.signal.aborted) {
      display.end();
      io.exit(EXIT.interrupted);
    }
    controller.abort();
    display.log("Stopping after this step, then saving. Ctrl-C again ends at once; what was not saved is lost.");
  });
  const machine = await openMachine(settings.machine);
  const open: { close(): void }[] = [machine];
  try {
    const corpus = await readCorpus(settings, display);
    open.push(corpus);
    const model = languageModel(modelOptions(settings, corpus.tokenizer.vocabularySize));
    const trainer = await trainText({
      model,
      machine,
      train: corpus.train,
      validation: corpus.validation,
      batchSize: settings.batchSize,
      steps: settings.steps,
      epochs: settings.epochs,
      maxSteps: settings.maxSteps,
      learningRate: settings.learningRate,
      clipNorm: settings.clipNorm,
      seed: settings.seed,
      logEvery: LOG_EVERY,
      signal: controller.signal,
    });
    open.push(trainer);
    const record = new TrainingRecord({ ...options, settings, corpus, model, trainer, display });
    const log = openRunLog({
      ...{ folder, settings, display, model, machine },
      tokenizer: corpus.tokenizer,
      trainer,
      now: io.today,
    });
    for await (const event of trainer) {
      await record.take(event);
      await log.take(event);
    }
    return record.result();
  } finally {
    display.end();
    off();
    for (const one of open.reverse()) one.close();
  }
}

/** The text that settings name, as tokens for training and validation. */
async function readCorpus(settings: TextSettings, display: ProgressDisplay): Promise<Corpus> {
  const corpus = await openCorpus({
    ...corpusOptions(settings),
    tokenizer: tokenizerOptions(settings),
    onProgress: ({ file, bytes, pass }) => display.note(`Reading ${file} (${pass}): ${formatBytes(bytes)}`),
  });
  display.end();
  return corpus;
}
