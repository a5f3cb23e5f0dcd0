import { platform } from "#platform";
import { readConfig, writeConfig } from "../checkpoint/run-folder.ts";
import type { Examples } from "../data/examples.ts";
import { expectTwoClasses } from "../models/calibration.ts";
import type { SequenceClassifier, SequenceModel } from "../models/sequence-classifier.ts";
import type { Classifier } from "../run/classifier.ts";
import type { ThresholdGoal } from "../run/fit-calibration.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import { type ClassifySettings, classifyFields } from "../schema/classify.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import type { Metrics } from "../train/evaluator.ts";
import type { StartEvent } from "../train/events.ts";
import {
  type ClassifierFacts,
  type ClassifierTraining,
  monitorOf,
  trainClassifier,
} from "../train/train-classifier.ts";
import { calibrationInWords } from "./calibration-words.ts";
import { readExamples } from "./classify-data.ts";
import { taskLine } from "./epoch-line.ts";
import { counted, integer, percent } from "./format.ts";
import { modelLine, trainingLine, unitsOf, vocabularyOf } from "./introduction.ts";
import { type OwnCell, ownCell } from "./own-cell.ts";
import { type Beginning, beginningWith, noteOf, pretrainedLine, structureOf } from "./pretrained.ts";
import { recordedTraining, type TrainingOptions, type TrainingTools } from "./recorded-training.ts";
import { recordTold } from "./told-training.ts";
import { trainerOptions } from "./trainer-settings.ts";
import type { TrainingResult } from "./training-result.ts";

/**
 * Trains a classifier on a file and records it as a run, as `trainToFolder` does for text.
 */
export async function trainClassifierToFolder(
  settings: ClassifySettings,
  options: TrainingOptions,
): Promise<TrainingResult> {
  return recordedTraining(settings, options, async (tools) => {
    const { machine, signal, own } = tools;
    const examples = await readExamples(settings.file, settings, (text) => tools.display.log(text));
    const cell = await ownCell(settings, options);
    const training = await beginningWith(settings, classifyFields, options, tools, (beginning) =>
      trainClassifier({ ...trainOptions(settings, examples, { ...beginning, own: cell }), machine, examples, signal }),
    );
    const { trainer, classifier, pretrained } = training;
    own(trainer);
    expectThreshold(settings, classifier);
    const result = await recordTold<ClassifierFacts>(trainer, tools, options, {
      task: "classify",
      // The metric that decides stands there even if nobody named it: a run without one is old (`inOldRuns`).
      config: {
        model: classifier.model.config,
        training: { ...settings, ...(pretrained && decidedBy(classifier)), monitor: monitorOf(settings) },
        ...noteOf(settings, pretrained),
      },
      tokenizer: classifier.tokenizer,
      introduction: (start) => introduction(start, training, settings),
      measured: (event, epochs) => taskLine(event, epochs, event.metrics && measured(event.metrics)),
    });
    if (calibrates(settings) && !result.interrupted)
      await calibrateSaved(settings, options.folder, training.validation!, tools);
    return result;
  });
}

const calibrates = ({ calibrate, threshold }: ClassifySettings): boolean => calibrate || threshold !== undefined;

/** What can be said of a calibration before anything is read. @throws UsageError "bad-option" */
export function expectCalibratable(settings: ClassifySettings): void {
  goalOf(settings);
  if (!calibrates(settings)) return;
  const flag = settings.calibrate ? "--calibrate" : "--threshold";
  if (settings.regression)
    throw new UsageError("bad-option", `${flag}: with --regression there are no probabilities; leave it out`);
  if (settings.validation === 0)
    throw new UsageError("bad-option", `${flag}: found on the validation part, and --validation 0 keeps none`);
}

/** The same once the classes are known. @throws UsageError "bad-option", "unknown-choice" */
function expectThreshold({ threshold, thresholdLabel }: ClassifySettings, { model }: Classifier): void {
  const { classes = [] } = model.config;
  if (threshold === undefined) return;
  expectTwoClasses("--threshold", classes);
  if (thresholdLabel !== undefined) expectOneOf("--threshold-label", thresholdLabel, classes);
}

/** @throws UsageError "bad-option" */
function goalOf({ threshold }: ClassifySettings): ThresholdGoal | undefined {
  if (threshold === undefined || threshold === "f1") return threshold;
  const [, what, least] = /^(precision|recall):(.+)$/.exec(threshold) ?? [];
  const share = Number(least);
  if (what !== undefined && share > 0 && share <= 1) return { [what]: share } as unknown as ThresholdGoal;
  throw new UsageError(
    "bad-option",
    `--threshold: expected f1, precision:SHARE or recall:SHARE with a share above 0 and at most 1, got ${JSON.stringify(threshold)}`,
  );
}

/** Calibrates the saved weights, which need not be the last ones, on the validation part. */
async function calibrateSaved(
  settings: ClassifySettings,
  folder: string,
  validation: Examples,
  { machine, display, own }: TrainingTools,
): Promise<void> {
  const classifier = await loadClassifier(folder, { machine });
  own(classifier);
  try {
    const calibration = await classifier.calibrate(validation, {
      ...(!settings.calibrate && { temperature: 1 }),
      ...{ threshold: goalOf(settings), label: settings.thresholdLabel },
    });
    await writeConfig(platform.files, folder, { ...(await readConfig(folder)), model: classifier.config.model });
    display.say(`Calibrated on the validation part: ${calibrationInWords(calibration)}`);
  } catch (error) {
    if (!(error instanceof UsageError && ["no-temperature", "no-threshold"].includes(error.code))) throw error;
    // What was trained is there all the same.
    display.log(`Not calibrated: ${error.message}`);
  }
}

/** What a pretrained run decides of a model. */
const STRUCTURE = ["cell", "hiddenSize", "numLayers", "bidirectional", "embeddingSize", "pooling"] as const;

const decidedBy = ({ model, tokenizer }: Classifier<SequenceModel>) => ({
  ...structureOf((model as SequenceClassifier).config, STRUCTURE),
  ...(tokenizer && { tokenizer: tokenizer.kind }),
});

function trainOptions(
  settings: ClassifySettings,
  { inputs: [first] }: Examples,
  beginning: Beginning & { readonly own: OwnCell },
) {
  const { initialize, dropout, memorySteps } = settings;
  const { tokenizer, vocabularySize, minCount, alphabet, normalize } = settings;
  const { regression, validation, classWeights, batchSize, monitor } = settings;
  const { options, embeds, given, own } = beginning;
  // That of a pretrained run is used, unless another one was asked for.
  const { scaling } = options.pretrained ? given(settings, ["scaling"]) : settings;
  const stages = normalize ?? (tokenizer === "word" ? (["lowercase"] as const) : []);
  return {
    ...trainerOptions(settings),
    ...{ regression, validation, classWeights, scaling, batchSize, monitor },
    ...options,
    model: { initialize, dropout, memorySteps, ...given(settings, STRUCTURE), ...own },
    ...(typeof first === "string" &&
      !embeds && {
        tokenizer: { kind: tokenizer, normalize: stages, vocabularySize, minCount, alphabet },
      }),
  };
}

function introduction(
  start: StartEvent<ClassifierFacts>,
  { classifier, pretrained }: ClassifierTraining,
  settings: ClassifySettings,
): string[] {
  const { machine } = settings;
  const { config } = classifier.model as SequenceClassifier;
  const { classes, channels, cell, pooling } = config;
  const what = classes ? counted(classes.length, "class", "classes") : "regression";
  const read = classifier.tokenizer ? vocabularyOf(classifier.tokenizer) : counted(channels!, "channel");
  return [
    `Data: ${counted(start.trainExamples, "example")} for training, ${integer(start.validationExamples)} for validation; ${what}; ${read}`,
    ...pretrainedLine(settings, pretrained),
    modelLine(`${cell.name}, ${unitsOf(config)}, pooling ${pooling}`, start),
    trainingLine(counted(start.batchSize, "example"), start, machine),
  ];
}

const measured = ({ accuracy, macroF1, rmse }: Metrics): readonly string[] =>
  accuracy === undefined
    ? [`RMSE ${rmse!.toPrecision(4)}`]
    : [`accuracy ${percent(accuracy)}`, `macro-F1 ${percent(macroF1!)}`];
