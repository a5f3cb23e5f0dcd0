import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { readTokenizer } from "../checkpoint/run-folder.ts";
import { type Corpus, openCorpus } from "../data/corpus.ts";
import { MEMORY_LIMIT } from "../data/token-store.ts";
import { type LanguageModel, languageModel } from "../models/language-model.ts";
import { generate } from "../run/generate.ts";
import type { LoadedRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import { generationFields } from "../schema/generation.ts";
import { UsageError } from "../shared/errors.ts";
import { formatBytes } from "../shared/shapes.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";
import type { StartEvent } from "../train/events.ts";
import { type TextFacts, trainText } from "../train/train-text.ts";
import { textLine } from "./epoch-line.ts";
import { counted, integer } from "./format.ts";
import { modelLine, trainingLine, unitsOf, vocabularyOf } from "./introduction.ts";
import type { Io } from "./io.ts";
import { ownCell } from "./own-cell.ts";
import type { ProgressDisplay } from "./progress.ts";
import { recordedTraining, type TrainingOptions } from "./recorded-training.ts";
import { removeEmpty } from "./run-paths.ts";
import { corpusOptions, modelOptions, type TextSettings, tokenizerOptions } from "./text-settings.ts";
import { recordTold } from "./told-training.ts";
import { trainerOptions } from "./trainer-settings.ts";
import type { TrainingResult } from "./training-result.ts";

/** Milliseconds of reading after which it is explained. */
const LONG_MS = 3000;

/**
 * Trains a language model on files and records it as a run: its best weights, and checkpoints after every validation, every
 * few minutes and when Ctrl-C stops it. So a power cut costs minutes, and `resume` goes on as if nothing had been.
 */
export async function trainToFolder(
  settings: TextSettings,
  options: TrainingOptions,
): Promise<TrainingResult & { readonly example: string }> {
  const { io, folder, existing } = options;
  let example = "";
  const result = await recordedTraining(settings, options, async (tools) => {
    const { machine, display, signal, own } = tools;
    const known = existing === "resume" ? await tokenizerOf(folder) : undefined;
    const corpus = await readCorpus(settings, { display, folder, io, tokenizer: known, signal });
    own(corpus);
    const { tokenizer } = corpus;
    example = beginningOf(corpus);
    const model = languageModel(modelOptions(settings, tokenizer.vocabularySize, await ownCell(settings, options)));
    const { trainer } = await trainText({
      model,
      machine,
      train: corpus.train,
      validation: corpus.validation,
      validationTokens: settings.validationTokens,
      batchSize: settings.batchSize,
      sequenceLength: settings.sequenceLength,
      ...trainerOptions(settings),
      signal,
    });
    own(trainer);
    const { parameters } = trainer;
    const { sampleLength } = settings;
    return recordTold<TextFacts>(trainer, tools, options, {
      task: "text",
      config: { model: model.config, training: settings },
      tokenizer,
      introduction: (start) => introduction(start, tokenizer, model, settings),
      measured: textLine,
      ...(sampleLength > 0 && { sample: () => sampleOf({ model, machine, parameters, tokenizer }, settings) }),
    });
  });
  return { ...result, example };
}

/** Some words of the text: what the model can read for certain. */
function beginningOf({ tokenizer, train }: Corpus): string {
  const tokens = new Int32Array(Math.min(16, train.length));
  train.copyTo(tokens, 0, 0, tokens.length);
  return tokenizer
    .decode(tokens)
    .replace(/\ufffd+$/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** Text of the model as it is now. */
async function sampleOf(
  run: Pick<LoadedRun, "model" | "parameters" | "machine" | "tokenizer">,
  { sampleLength: length, seed }: TextSettings,
): Promise<string> {
  using session = await openSession(run);
  const { default: temperature } = generationFields.temperature;
  let text = "";
  for await (const piece of generate({ session, tokenizer: run.tokenizer, length, seed, temperature })) text += piece;
  return text;
}

function introduction(
  start: StartEvent<TextFacts>,
  tokenizer: Tokenizer,
  { config }: LanguageModel,
  { files, machine }: TextSettings,
): string[] {
  return [
    `Text: ${counted(files.length, "file")}, ${counted(start.trainTokens, "token")} for training, ${integer(start.validationTokens)} for validation; ${vocabularyOf(tokenizer)}`,
    modelLine(`${config.cell.name}, ${unitsOf(config)}, embedding ${config.embeddingSize}`, start),
    trainingLine(`${start.batchSize} × ${start.sequenceLength} tokens`, start, machine),
  ];
}

/** The tokenizer of a run that was begun; undefined when it was killed before it had one. */
async function tokenizerOf(folder: string): Promise<Tokenizer | undefined> {
  try {
    return tokenizerFromJSON(await readTokenizer(folder));
  } catch (error) {
    if (error instanceof UsageError && error.code === "not-a-run") return undefined;
    throw error;
  }
}

/** The text that settings name, as tokens for training and validation. */
async function readCorpus(
  settings: TextSettings,
  options: {
    readonly display: ProgressDisplay;
    readonly folder: string;
    readonly io: Io;
    readonly tokenizer: Tokenizer | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Corpus> {
  const { display, folder, io, signal, tokenizer = tokenizerOptions(settings) } = options;
  const { vocabularySample } = settings;
  const cache = join(folder, "tokens");
  const begun = io.now();
  let told = false;
  const corpus = await openCorpus({
    ...corpusOptions(settings),
    ...(vocabularySample !== undefined && { vocabularySample: Math.ceil(vocabularySample * 1e6) }),
    ...{ tokenizer, cache, signal },
    onProgress({ file, bytes, pass }) {
      if (!told && io.now() - begun > LONG_MS) {
        told = true;
        display.say(
          `All text is read before training begins. Tokens beyond ${formatBytes(MEMORY_LIMIT)} are kept in ${cache}, so that resume starts at once; --vocabulary-sample shortens the first reading, --tokenizer byte needs none.`,
        );
      }
      const size = statSync(file).size;
      const share = bytes <= size ? ` of ${formatBytes(size)}, ${Math.floor((100 * bytes) / size)} %` : "";
      display.note(`Reading ${basename(file)} for the ${pass}: ${formatBytes(bytes)}${share}`);
    },
  }).catch((error) => {
    removeEmpty(cache);
    throw error;
  });
  display.end();
  return corpus;
}
