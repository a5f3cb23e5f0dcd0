import { openMachine } from "../compute/open.ts";
import { type Examples, pick } from "../data/examples.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import type { Classifier } from "../run/classifier.ts";
import { type ClassifierScores, evaluateClassifier, evaluateRegression } from "../run/evaluate-classifier.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { classifierBaselines } from "../train/classifier-baselines.ts";
import { type TellBadRows, toStderr } from "./bad-rows.ts";
import { calibrationInWords } from "./calibration-words.ts";
import { readExamples } from "./classify-data.ts";
import { confusionTable, type Scores, scoreTable } from "./classify-scores.ts";
import { counted, jsonLine, percent } from "./format.ts";
import type { Io } from "./io.ts";
import { chosenBy, ownPart, readAgain } from "./run-settings.ts";

export interface TellClassifierScoresOptions {
  readonly io: Io;
  /** Of the run. */
  readonly folder: string;
  readonly json: boolean;
  /** Whether the rows that are left out of the run's own file were told. */
  readonly told?: boolean;
}

/**
 * Says how good the classifier of a run is on its test part, without one on the part that it was validated on, beside baselines.
 * @returns whether there was either
 */
export async function tellClassifierScores(
  settings: ClassifySettings,
  { io, folder, json, told = false }: TellClassifierScoresOptions,
): Promise<boolean> {
  const { test } = settings;
  const examples = await measuredExamples(settings, told && test === undefined ? undefined : toStderr(io));
  if (examples.inputs.length === 0) return false;
  const { seed, regression } = settings;
  const part = ownPart(settings);
  const train = settings.baselines ? await readAgain(io, divided(settings)) : undefined;
  using machine = await openMachine(settings.machine);
  const classifier = await loadClassifier(folder, { machine });
  const model = regression
    ? await evaluateRegression(classifier, examples)
    : await evaluateClassifier(classifier, examples);
  const baselines = train ? await classifierBaselines({ machine, classifier, train, test: examples, seed }) : [];
  if (json) {
    for (const { name, scores, ...rest } of [{ name: "model", scores: model }, ...baselines])
      await io.stdout.write(jsonLine({ type: "scores", part, name, ...scores, ...rest }));
    return true;
  }
  const measured = baselines.flatMap(({ name, scores }): [string, Scores][] => (scores ? [[name, scores]] : []));
  const lines = [
    `On the ${counted(examples.inputs.length, `${part} example`)}${chosenBy(part)}:`,
    scoreTable([["this model", model], ...measured], io.stdout),
    ...baselines.flatMap(({ name, scores, why }) => (scores ? [] : [`(${name}: ${why})`])),
    ...("confusion" in model ? ["", confusionTable(model, io.stdout), "", calibrationLine(model, classifier)] : []),
  ];
  await io.stdout.write(`${lines.join("\n")}\n`);
  const unseen = "confusion" in model ? model.confusion.labels.slice(classifier.model.config.classes!.length) : [];
  if (unseen.length > 0)
    await io.stderr.write(
      `Note: ${unseen.map((label) => JSON.stringify(label)).join(", ")} did not occur in training; these examples count as wrong.\n`,
    );
  return true;
}

/** How far probabilities may be believed, and what was done for it. */
function calibrationLine({ loss, calibrationError }: ClassifierScores, { calibration }: Classifier): string {
  const off = `Probabilities: cross entropy ${loss.toFixed(4)}, expected calibration error ${percent(calibrationError)}`;
  return calibration ? `${off} (${calibrationInWords(calibration)})` : off;
}

/** What is learned from and what is validated on, cut as in training. */
async function divided(
  settings: ClassifySettings,
  tell?: TellBadRows,
): Promise<{ readonly train: Examples; readonly rest: Examples }> {
  const { seed, validation, regression } = settings;
  const all = await readExamples(settings.file, settings, tell);
  const split = stratifiedSplit(regression ? all.labels.map(() => "") : all.labels, { validation, seed });
  return { train: pick(all, split.train), rest: pick(all, split.validation) };
}

/** The test part of a run, without one that which it was validated on. */
export async function measuredExamples(settings: ClassifySettings, tell?: TellBadRows): Promise<Examples> {
  const { test } = settings;
  return test === undefined ? (await divided(settings, tell)).rest : readExamples(test, settings, tell);
}
