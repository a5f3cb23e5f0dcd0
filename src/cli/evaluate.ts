import { resolve } from "node:path";
import type { Command } from "commander";
import { readRunConfig } from "../checkpoint/read-run.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import { openMachine } from "../compute/open.ts";
import { loadRun } from "../run/load-run.ts";
import { defaultsOf, onOff, path, paths, type ValuesOf } from "../schema/fields.ts";
import { type TagSettings, tagFields } from "../schema/tag.ts";
import { UsageError } from "../shared/errors.ts";
import { evaluateText } from "../train/evaluate-text.ts";
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
    about: "text to predict, or sentences with their tags; UTF-8, gzip or not",
    ...{
      unit: "file",
      positional: true,
      otherwise: "the validation part of the run's own text; for a tagger its test part, if it has one",
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
    summary: "evaluate how well a model predicts a text or tags sentences",
    description:
      "Measures how well a trained model predicts a text: loss in nats per token, perplexity, bits per character, beside baselines that count single tokens (unigram) and pairs of tokens (bigram). For a tagger: accuracy and F1 of each label, beside each word's most frequent tag.",
    fields,
    examples: [
      "evaluate runs/2026-01-31-novel other.txt",
      "evaluate runs/2026-01-31-novel",
      "evaluate runs/2026-01-31-tags test.conll",
    ],
    run: (values) => evaluate(values, io),
  });

async function evaluate(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, file } = flags;
  if (flags.baseline !== undefined && !flags.baselines)
    throw new UsageError("bad-option", "--baseline and --no-baselines: give one of them");
  const known = await readRunConfig(folder);
  if ((known.model as { readonly kind?: unknown }).kind === "tagger") return evaluateTags(flags, known, io);
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

/** A tagger is measured as at the end of its training, on the file if one is given. */
async function evaluateTags(flags: ValuesOf<typeof fields>, config: RunConfig, io: Io): Promise<void> {
  const { run: folder, file, baselines, baseline, machine, json } = flags;
  if (baseline !== undefined)
    throw new UsageError(
      "bad-option",
      "--baseline: only for language models; the baseline of a tagger is counted on its training data",
    );
  const own = settingsIn<TagSettings>(config);
  const learned = own.file !== undefined;
  if (!learned && file === undefined)
    throw new UsageError(
      "no-training-text",
      `${folder}: the run does not say what it learned from, because it was not made by \`train tag\`; name a file to evaluate on`,
    );
  if (!learned && baselines)
    await io.stderr.write("Note: no baseline, because the run does not say what it learned from.\n");
  const settings = { ...defaultsOf(tagFields), ...(learned && own), baselines: baselines && learned, machine };
  const test = file === undefined ? undefined : resolve(file);
  const asked = { ...(settings as TagSettings), ...(test !== undefined && { test }) };
  if (!(await tellTaggerScores(asked, { io, folder, json }))) throw noValidation(folder);
}
