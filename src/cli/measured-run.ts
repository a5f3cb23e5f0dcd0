import { resolve } from "node:path";
import { type RunConfig, readConfig, type Saveable } from "../checkpoint/run-folder.ts";
import { ofKind } from "../checkpoint/run-kinds.ts";
import type { Machine } from "../compute/machine.ts";
import { backtest } from "../run/backtest.ts";
import { evaluateClassifier, evaluateRegression } from "../run/evaluate-classifier.ts";
import { evaluateTagger } from "../run/evaluate-tagger.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import { loadRun } from "../run/load-run.ts";
import { loadTagger } from "../run/load-tagger.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import type { TagSettings } from "../schema/tag.ts";
import { type Closeable, closing } from "../shared/closing.ts";
import { UsageError } from "../shared/errors.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import { evaluateText } from "../train/evaluate-text.ts";
import { measuredSeries } from "./backtest.ts";
import { toStderr } from "./bad-rows.ts";
import { measuredExamples } from "./classifier-scores.ts";
import { readExamples } from "./classify-data.ts";
import { counted } from "./format.ts";
import type { Io } from "./io.ts";
import { ownPart, settingsIn } from "./run-settings.ts";
import { noValidation, trainedOn, wholeText } from "./run-text.ts";
import { readTagged } from "./tag-data.ts";
import { measuredPart } from "./tagger-scores.ts";
import type { TextSettings } from "./text-settings.ts";

/** A run of any task, with what it is measured on. */
export interface MeasuredRun extends Closeable {
  readonly config: RunConfig;
  readonly model: HasParameters;
  /** What a run is saved with beside its config. */
  readonly saved: Omit<Saveable, "config">;
  /** What it is measured on, in words. */
  readonly on: string;
  /** How good it is, as its parameters are now, by the name of the figure; the first is what training makes small. */
  measure(): Promise<Readonly<Record<string, number>>>;
}

type Opened = Omit<MeasuredRun, "config" | typeof Symbol.dispose>;

interface Asked {
  readonly folder: string;
  readonly machine: Machine;
  /** Default: the run's own test part, without one its validation part. */
  readonly file: string | undefined;
  readonly io: Io;
}

/** @throws UsageError "no-validation", "no-columns", and what reading the run and its data throws */
export async function openMeasuredRun(asked: Asked): Promise<MeasuredRun> {
  const config = await readConfig(asked.folder);
  return closing<MeasuredRun>({ config, ...(await (ofKind(config, KINDS) ?? openText)(asked, config)) });
}

const KINDS: Readonly<Record<string, (asked: Asked, config: RunConfig) => Promise<Opened>>> = {
  "sequence-classifier": openClassifier,
  tagger: openTagger,
  forecaster: openForecaster,
};

async function openText({ folder, machine, file, io }: Asked, config: RunConfig): Promise<Opened> {
  const run = await loadRun(folder, { machine });
  const { model, parameters, tokenizer } = run;
  const own = settingsIn<TextSettings>(config);
  const text =
    file === undefined
      ? (await trainedOn(own, tokenizer, { needed: true, io }))!
      : await wholeText([file], tokenizer, own);
  const tokens = file === undefined ? text.validation : text.train;
  if (tokens.length < 2) throw noValidation(folder);
  return {
    ...{ model, saved: { tokenizer, parameters } },
    on: `${file ?? "The validation part of the run's text"}: ${counted(tokens.length, "token")}`,
    close() {
      text.close();
      run.close();
    },
    async measure() {
      const { loss: nats, perplexity } = await evaluateText({ model, parameters, machine, tokens });
      return { nats, perplexity };
    },
  };
}

async function openClassifier({ folder, machine, file, io }: Asked, config: RunConfig): Promise<Opened> {
  const settings = trainedBy<ClassifySettings>("classify", config, folder);
  const classifier = await loadClassifier(folder, { machine });
  const examples =
    file === undefined
      ? await measuredExamples(settings, toStderr(io))
      : await readExamples(resolve(file), settings, toStderr(io));
  if (examples.inputs.length === 0) throw noValidation(folder);
  return {
    ...{ model: classifier.model, saved: classifier, close: () => classifier.close() },
    on: `${file ?? `The ${ownPart(settings)} part`}: ${counted(examples.inputs.length, "example")}`,
    async measure() {
      if (!classifier.model.config.classes) {
        const { loss, rmse, mae } = await evaluateRegression(classifier, examples);
        return { loss, rmse, mae };
      }
      const { loss, accuracy, macroF1 } = await evaluateClassifier(classifier, examples);
      return { loss, accuracy, macroF1 };
    },
  };
}

async function openTagger({ folder, machine, file, io }: Asked, config: RunConfig): Promise<Opened> {
  const settings = trainedBy<TagSettings>("tag", config, folder);
  const tagger = await loadTagger(folder, { machine });
  const sentences =
    file === undefined
      ? await measuredPart(settings, toStderr(io))
      : await readTagged(resolve(file), settings, toStderr(io));
  if (sentences.tokens.length === 0) throw noValidation(folder);
  return {
    ...{ model: tagger.model, saved: tagger, close: () => tagger.close() },
    on: `${file ?? `The ${ownPart(settings)} part`}: ${counted(sentences.tokens.length, "sentence")}`,
    async measure() {
      const { loss, accuracy, spans, intentAccuracy } = await evaluateTagger(tagger, sentences);
      return {
        ...{ loss, accuracy, ...(spans && { f1: spans.f1 }) },
        ...(intentAccuracy !== undefined && { intentAccuracy }),
      };
    },
  };
}

async function openForecaster({ folder, machine, file }: Asked): Promise<Opened> {
  const forecaster = await loadForecaster(folder, { machine });
  const { series, own } = await measuredSeries(forecaster, folder, file);
  return {
    ...{ model: forecaster.model, saved: forecaster, close: () => forecaster.close() },
    on: `${file ?? `The ${own} part`}: ${counted(series.length, "series", "series")}`,
    async measure() {
      const { rows } = await backtest(forecaster, { series, baselines: false });
      return Object.fromEntries(
        Object.entries(rows[0]!.scores).flatMap(([target, { mae, pinball }]) => [
          [`MAE of ${target}`, mae],
          ...(pinball === undefined ? [] : [[`pinball loss of ${target}`, pinball] as const]),
        ]),
      );
    },
  };
}

/** How a run was trained by its command. @throws UsageError "no-columns" for one of a program, which does not say it */
function trainedBy<S extends { readonly file: string }>(command: string, config: RunConfig, folder: string): S {
  const settings = settingsIn<S>(config);
  if (settings.file !== undefined) return settings as S;
  throw new UsageError(
    "no-columns",
    `${folder}: the run does not say what it learned from, because it was not made by \`train ${command}\`; quantize and measure it in a program (\`quantize\`)`,
  );
}
