import type { Examples } from "../data/examples.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import type { Metrics } from "../train/evaluator.ts";
import type { StartEvent } from "../train/events.ts";
import {
  type ClassifierFacts,
  type ClassifierTraining,
  monitorOf,
  trainClassifier,
} from "../train/train-classifier.ts";
import { readExamples } from "./classify-data.ts";
import { taskLine } from "./epoch-line.ts";
import { counted, integer, percent } from "./format.ts";
import { modelLine, trainingLine, unitsOf, vocabularyOf } from "./introduction.ts";
import { recordedTraining, type TrainingOptions } from "./recorded-training.ts";
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
    const examples = await readExamples(settings.file, settings);
    const training = await trainClassifier({ ...trainOptions(settings, examples), machine, examples, signal });
    const { trainer, classifier } = training;
    own(trainer);
    return recordTold<ClassifierFacts>(trainer, tools, options, {
      task: "classify",
      // The metric that decides stands there even if nobody named it: a run without one is old (`inOldRuns`).
      config: { model: classifier.model.config, training: { ...settings, monitor: monitorOf(settings) } },
      tokenizer: classifier.tokenizer,
      introduction: (start) => introduction(start, training, settings),
      measured: (event, epochs) => taskLine(event, epochs, event.metrics && measured(event.metrics)),
    });
  });
}

function trainOptions(settings: ClassifySettings, { inputs: [first] }: Examples) {
  const { cell, hiddenSize, numLayers, initialize, dropout, bidirectional, pooling, embeddingSize, memorySteps } =
    settings;
  const { tokenizer, vocabularySize, minCount, alphabet, normalize } = settings;
  const { regression, validation, classWeights, scaling, batchSize, monitor } = settings;
  const stages = normalize ?? (tokenizer === "word" ? (["lowercase"] as const) : []);
  return {
    ...trainerOptions(settings),
    ...{ regression, validation, classWeights, scaling, batchSize, monitor },
    model: { cell, hiddenSize, numLayers, initialize, dropout, bidirectional, pooling, embeddingSize, memorySteps },
    ...(typeof first === "string" && {
      tokenizer: { kind: tokenizer, normalize: stages, vocabularySize, minCount, alphabet },
    }),
  };
}

function introduction(
  start: StartEvent<ClassifierFacts>,
  { classifier }: ClassifierTraining,
  settings: ClassifySettings,
): string[] {
  const { cell, pooling, machine } = settings;
  const { classes, channels } = classifier.model.config;
  const what = classes ? counted(classes.length, "class", "classes") : "regression";
  const read = classifier.tokenizer ? vocabularyOf(classifier.tokenizer) : counted(channels!, "channel");
  return [
    `Data: ${counted(start.trainExamples, "example")} for training, ${integer(start.validationExamples)} for validation; ${what}; ${read}`,
    modelLine(`${cell}, ${unitsOf(settings)}, pooling ${pooling}`, start),
    trainingLine(counted(start.batchSize, "example"), start, machine),
  ];
}

const measured = ({ accuracy, macroF1, rmse }: Metrics): readonly string[] =>
  accuracy === undefined
    ? [`RMSE ${rmse!.toPrecision(4)}`]
    : [`accuracy ${percent(accuracy)}`, `macro-F1 ${percent(macroF1!)}`];
