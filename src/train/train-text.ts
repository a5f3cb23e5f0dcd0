import type { Machine } from "../compute/machine.ts";
import { carriedBatches, fitWindows } from "../data/carried-batches.ts";
import { LanguageModel } from "../models/language-model.ts";
import { checkOptions, type OptionsTable } from "../schema/check.ts";
import { textTrainingFields } from "../schema/text-training.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { expectTokens, hashOf, partOf, type Tokens } from "../text/token-sequence.ts";
import { openTextEvaluator } from "./evaluate-text.ts";
import { recordText } from "./record-text.ts";
import { type TrainingOptions, trainingOptions } from "./trainer-options.ts";
import { openTraining, type Training } from "./training.ts";

/** Options of `trainText`. */
export interface TrainTextOptions<S extends string = string> extends TrainingOptions {
  /** The language model to train. */
  readonly model: LanguageModel<S>;
  readonly machine: Machine;
  /** Training tokens. */
  readonly train: Tokens;
  /** Validation tokens, evaluated after each epoch. Default: none. */
  readonly validation?: Tokens | undefined;
  /** Number of validation tokens to evaluate, from the beginning. Default: all. */
  readonly validationTokens?: number | undefined;
  /** Parameters to train further, in place; they are not closed with the trainer. Default: new ones, initialized with `seed`. */
  readonly parameters?: ParameterStore | undefined;
  /** B: contiguous pieces of the text that are trained on in parallel. Default 32, fewer for short texts. */
  readonly batchSize?: number | undefined;
  /** T: number of tokens of each stream in an update, which is how far back gradients reach. Default 64, fewer for short texts. */
  readonly sequenceLength?: number | undefined;
  /** B of the validation. Default: that of `evaluateText`. */
  readonly validationBatchSize?: number | undefined;
}

const textOptions: OptionsTable<TrainTextOptions> = {
  ...trainingOptions,
  ...{ model: "required", machine: "required", parameters: 1, train: "required", validation: 1 },
  validationTokens: textTrainingFields.validationTokens,
  batchSize: textTrainingFields.batchSize,
  sequenceLength: textTrainingFields.sequenceLength,
  validationBatchSize: textTrainingFields.batchSize,
};

/** Further facts in the start event of a training on text. */
export interface TextFacts {
  readonly trainTokens: number;
  readonly validationTokens: number;
  /** B and T, as given or as fitted to a short text. */
  readonly batchSize: number;
  readonly sequenceLength: number;
}
/** What `trainText` gives. */
export type TextTraining<S extends string = string> = Training<TextFacts, LanguageModel<S>>;

/**
 * Trains a language model by truncated backpropagation through time: the text is cut into B streams, read T steps at a time; the state
 * is carried from window to window and starts at zero in each epoch. Nothing runs until the trainer is iterated or `run` is called;
 * progress is reported as events. While an event is handled the parameters do not change: save them then.
 * @example
 * ```ts
 * const { trainer, parameters } = await trainText({ model, machine, train, validation, epochs: 3 });
 * for await (const event of trainer) {
 *   if (event.type === "epoch") console.log(event.epoch, event.trainLoss, event.validationLoss);
 * }
 * ```
 * @see Williams & Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent network trajectories"
 * @throws UsageError for wrong options or too short a text; FailureError "out-of-memory" before anything is allocated. While
 *   training: FailureError "diverged" when the loss is no number; no such update has reached the weights
 */
export async function trainText<S extends string>(options: TrainTextOptions<S>): Promise<TextTraining<S>> {
  checkOptions("trainText", options, textOptions);
  const { model, machine } = options;
  if (!(model instanceof LanguageModel))
    throw new UsageError("bad-option", `model: expected a language model, got ${describe(model)}`);
  const train = expectTokens("train", options.train);
  const all = expectTokens("validation", options.validation ?? new Int32Array(0));
  const { validationTokens: most = all.length } = options;
  const validation = most < all.length ? partOf(all, 0, most) : all;
  const { streams, steps } = windowSizes(train.length, options);
  const identify = () => ({
    ...{ tokens: train.length, hash: hashOf(train), streams, steps },
    validation: validation.length > 0 ? hashOf(validation) : null,
  });
  const { runner: _, ...training } = await openTraining<TextFacts, LanguageModel<S>, undefined>(
    {
      ...options,
      batches: carriedBatches({ tokens: train, streams, steps, identify }),
      facts: {
        ...{ trainTokens: train.length, validationTokens: validation.length },
        ...{ batchSize: streams, sequenceLength: steps },
      },
    },
    async (parameters) => ({
      runner: undefined,
      evaluator:
        validation.length > 0
          ? await openTextEvaluator({
              ...{ model, parameters, machine, tokens: validation, batchSize: options.validationBatchSize },
            })
          : undefined,
      record: (graph, batch) => recordText(graph, model, batch),
    }),
  );
  return training;
}

/** Streams and steps as asked for; of what was not asked for as many as a short text has room for, with some windows where nothing was. */
function windowSizes(
  length: number,
  { batchSize, sequenceLength }: TrainTextOptions,
): { streams: number; steps: number } {
  const fitting = (usual: number, beside: number): number =>
    Math.max(1, Math.min(usual, Math.floor((length - 1) / beside)));
  if (batchSize === undefined && sequenceLength === undefined)
    return fitWindows(length, { streams: 32, steps: 64, windows: 8 });
  return {
    streams: batchSize ?? fitting(32, sequenceLength!),
    steps: sequenceLength ?? fitting(64, batchSize!),
  };
}
