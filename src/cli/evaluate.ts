import { resolve } from "node:path";
import type { Command } from "commander";
import { readRunConfig } from "../checkpoint/read-run.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import { ofKind } from "../checkpoint/run-kinds.ts";
import { openMachine } from "../compute/open.ts";
import { loadRun } from "../run/load-run.ts";
import { classifyFields } from "../schema/classify.ts";
import { defaultsOf, type Fields, onOff, path, paths, type ValuesOf } from "../schema/fields.ts";
import { tagFields } from "../schema/tag.ts";
import { UsageError } from "../shared/errors.ts";
import { evaluateText } from "../train/evaluate-text.ts";
import { tellClassifierScores } from "./classifier-scores.ts";
import { defineCommand } from "./command.ts";
import { counted, jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import { settingsIn } from "./run-settings.ts";
import { noValidation, trainedOn, wholeText } from "./run-text.ts";
import { scores, scoresTable } from "./scores.ts";
import { tellTaggerScores } from "./tagger-scores.ts";
import type { TextSettings } from "./text-settings.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "text to predict, or labelled examples or sentences as the run was trained on; UTF-8, gzip or not",
    ...{
      unit: "file",
      positional: true,
      otherwise:
        "the validation part of the run's own text; for classifiers and taggers their test part, if they have one",
    },
  }),
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  baseline: paths({
    about: "text to count the baselines on",
    ...{ unit: "file", otherwise: "what the run was trained on" },
  }),
  machine,
  json,
} as const;

export const evaluateCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "evaluate",
    summary: "evaluate how well a model predicts a text, classifies or tags",
    description:
      "Measures how well a trained model predicts a text: loss in nats per token, perplexity, bits per character, beside baselines that count single tokens (unigram) and pairs of tokens (bigram). For a classifier: accuracy, F1, confusion matrix and how far its probabilities may be believed, beside simple baselines. For a tagger: accuracy and F1 of each label, beside each word's most frequent tag.",
    fields,
    examples: [
      "evaluate runs/2026-01-31-novel other.txt",
      "evaluate runs/2026-01-31-novel",
      "evaluate runs/2026-01-31-tags test.conll",
      "evaluate runs/2026-01-31-reviews test.csv",
    ],
    run: (values) => evaluate(values, io),
  });

async function evaluate(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, file } = flags;
  if (flags.baseline !== undefined && !flags.baselines)
    throw new UsageError("bad-option", "--baseline and --no-baselines: give one of them");
  const known = await readRunConfig(folder);
  const measure = ofKind(known, MEASURES);
  if (measure) return evaluateTask(flags, known, measure, io);
  using machine = await openMachine(flags.machine);
  const { config, model, parameters, tokenizer } = await loadRun(folder, { machine });
  const own = settingsIn<TextSettings>(config);
  if (file !== undefined && own.files?.includes(resolve(file)))
    await io.stderr.write(`Note: the model was trained on ${file}; on text that it has not seen it will do worse.\n`);

  const needsOwn = file === undefined || (flags.baselines && flags.baseline === undefined);
  using trained = needsOwn ? await trainedOn(own, tokenizer, { needed: file === undefined, io }) : undefined;
  using asked = file === undefined ? undefined : await wholeText([file], tokenizer, own);
  const tokens = asked?.train ?? trained!.validation;
  if (tokens.length < 2) throw noValidation(folder);
  using baseline = flags.baseline ? await wholeText(flags.baseline, tokenizer, own) : undefined;

  const { loss: nats } = await evaluateText({ model, parameters, machine, tokens });
  const result = scores({
    tokenizer,
    train: flags.baselines ? (baseline ?? trained)?.train : undefined,
    validation: tokens,
    model: { name: model.config.cell.name, nats },
  });
  if (flags.json) {
    for (const row of result.rows) await io.stdout.write(jsonLine({ type: "score", ...row }));
    const { tokensPerCharacter } = result;
    await io.stdout.write(jsonLine({ type: "text", tokens: tokens.length, tokensPerCharacter }));
    return;
  }
  const what = file ?? "The validation part of the run's text";
  await io.stdout.write(
    `${what}: ${counted(tokens.length, "token")} (${tokenizer.kind})\n${scoresTable(result, io.stdout)}`,
  );
}

/** How a run of a task is measured that is measured as at the end of its training, on the file if one is given. */
interface Measure {
  /** What its models are called. */
  readonly of: string;
  /** What makes its runs. */
  readonly command: string;
  readonly fields: Fields;
  readonly tell: (
    settings: never,
    options: { readonly io: Io; readonly folder: string; readonly json: boolean },
  ) => Promise<boolean>;
}

const MEASURES: Readonly<Record<string, Measure>> = {
  tagger: { of: "tagger", command: "train tag", fields: tagFields, tell: tellTaggerScores },
  "sequence-classifier": {
    ...{ of: "classifier", command: "train classify", fields: classifyFields, tell: tellClassifierScores },
  },
};

async function evaluateTask(
  flags: ValuesOf<typeof fields>,
  config: RunConfig,
  { of, command, fields: known, tell }: Measure,
  io: Io,
): Promise<void> {
  const { run: folder, file, baselines, baseline, machine, json } = flags;
  if (baseline !== undefined)
    throw new UsageError(
      "bad-option",
      `--baseline: only for language models; the baselines of a ${of} are counted on its training data`,
    );
  const own = settingsIn<{ readonly file: string }>(config);
  const learned = own.file !== undefined;
  if (!learned && file === undefined)
    throw new UsageError(
      "no-training-text",
      `${folder}: the run does not say what it learned from, because it was not made by \`${command}\`; name a file to evaluate on`,
    );
  if (!learned && baselines)
    await io.stderr.write("Note: no baseline, because the run does not say what it learned from.\n");
  const { classes } = config.model as { readonly classes?: unknown };
  const settings = {
    ...{ ...defaultsOf(known), regression: of === "classifier" && classes === undefined, ...(learned && own) },
    ...{ baselines: baselines && learned, machine, ...(file !== undefined && { test: resolve(file) }) },
  };
  if (!(await tell(settings as never, { io, folder, json }))) throw noValidation(folder);
}
