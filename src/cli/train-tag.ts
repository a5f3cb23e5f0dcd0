import { resolve } from "node:path";
import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import { pickSentences, type TaggedSentences } from "../data/tagged-sentences.ts";
import { loadTagger } from "../run/load-tagger.ts";
import { measureTagger } from "../run/measure-tagger.ts";
import type { ValuesOf } from "../schema/fields.ts";
import { type TagSettings, tagFields } from "../schema/tag.ts";
import { mostFrequentTags } from "../train/tagger-baseline.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { counted, quoted } from "./format.ts";
import { EXIT, type Io } from "./io.ts";
import { common } from "./options.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import { claimRunFolder, nameOf, newRunFolder } from "./run-paths.ts";
import { readTagged } from "./tag-data.ts";
import { labelTable, taggingTable } from "./tag-scores.ts";
import { trainTaggerToFolder } from "./tag-training.ts";

const { output, force, quiet, json } = common;
const fields = { ...tagFields, output, force, quiet, json } as const;

export const trainTagCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "tag",
    summary: "train a model that says what each token of a sentence is",
    description:
      "Trains a model that says what each token of a sentence is: its part of speech, or whether it is part of a name or a slot,\nand with --intent what the whole sentence is about. Spans are read in any scheme (IOB1, IOB2, BIOES, BMES, BILOU). At the\nend it is measured on --test (without one on the validation part) beside a baseline.",
    fields,
    config: tagFields,
    examples: [
      "train tag train.conll --validation valid.conll --test test.conll",
      "train tag en_ewt-ud-train.conllu --token 2 --tag 4",
      "train tag atis.tsv --rows --token 1 --tag 2 --intent 3",
    ],
    run: (values) => trainTag(values, io),
  });

async function trainTag(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { output, force, quiet, json, ...rest } = values;
  const folder = output ?? newRunFolder(nameOf(rest.file), io.today());
  const settings: TagSettings = {
    ...rest,
    // Absolute, so that the run can be repeated and resumed from any folder.
    file: resolve(rest.file),
    validation: typeof rest.validation === "string" ? resolve(rest.validation) : rest.validation,
    ...(rest.test !== undefined && { test: resolve(rest.test) }),
  };
  // What is wrong with the last file is said before anything is trained.
  if (settings.test !== undefined) await readTagged(settings.test, settings);
  claimRunFolder(folder, { force });
  await runTaggerTraining(settings, { io, folder, quiet, json, existing: "overwrite" });
}

/** Trains, or goes on, and says how good the result is. */
export async function runTaggerTraining(settings: TagSettings, options: TrainingOptions): Promise<void> {
  const { io, folder, quiet, json } = options;
  const { interrupted, saved } = await trainTaggerToFolder(settings, options);
  if (json) await io.stdout.write(`${JSON.stringify({ type: "saved", folder, ...saved })}\n`);
  else {
    const when = saved.savedEpoch === undefined ? `step ${saved.savedStep}` : `epoch ${saved.savedEpoch}`;
    await io.stdout.write(`Saved in ${folder} (the weights after ${when}).\n`);
    if (interrupted)
      await io.stdout.write(`To go on as if nothing had been:\n  ${io.program} resume ${quoted(folder)}\n`);
  }
  if (interrupted) throw new Ended(EXIT.interrupted);
  await tellScores(settings, options);
  if (!json && !quiet)
    await io.stdout.write(`Next:\n  ${io.program} predict ${quoted(folder)} --input "a sentence , its tokens apart"\n`);
}

/** What was learned from and what is measured now, as the training divided them. */
async function partsOf(settings: TagSettings): Promise<{ train: TaggedSentences; measured: TaggedSentences }> {
  const { seed, validation, test } = settings;
  const all = await readTagged(settings.file, settings);
  const split =
    typeof validation === "string"
      ? undefined
      : stratifiedSplit(all.intents ?? all.tokens.map(() => ""), { validation, seed });
  const train = split ? pickSentences(all, split.train) : all;
  if (test !== undefined) return { train, measured: await readTagged(test, settings) };
  return {
    train,
    measured: split ? pickSentences(all, split.validation) : await readTagged(validation as string, settings),
  };
}

async function tellScores(settings: TagSettings, { io, folder, json }: TrainingOptions): Promise<void> {
  const { train, measured } = await partsOf(settings);
  if (measured.tokens.length === 0) return;
  const part = settings.test === undefined ? "validation" : "test";
  const machine = await openMachine(settings.machine);
  try {
    const tagger = await loadTagger(folder, machine);
    const { config } = tagger.model;
    const model = await measureTagger(tagger, measured);
    const baseline = settings.baselines ? mostFrequentTags(config, train, measured) : undefined;
    const rows = [["this model", model], ...(baseline ? [["each word's most frequent tag", baseline]] : [])] as const;
    if (json) {
      for (const [k, [, scores]] of rows.entries())
        await io.stdout.write(
          `${JSON.stringify({ type: "scores", part, name: k === 0 ? "model" : rows[k]![0], ...(scores as object) })}\n`,
        );
      return;
    }
    const lines = [
      `On the ${counted(measured.tokens.length, `${part} sentence`)} (${counted(model.tokens, "token")})${part === "validation" ? ", which also chose the weights" : ""}:`,
      taggingTable(rows as Parameters<typeof taggingTable>[0]),
      "",
      labelTable(model),
    ];
    await io.stdout.write(`${lines.join("\n")}\n`);
    await tellUnseen(measured, config, io);
  } finally {
    machine.close();
  }
}

/** Names of labels that a test has and the training had not: they cannot be found. */
async function tellUnseen(
  { tags, intents }: TaggedSentences,
  config: Awaited<ReturnType<typeof loadTagger>>["model"]["config"],
  io: Io,
): Promise<void> {
  const bare = (tag: string): string => (config.scheme ? tag.replace(/^[A-Z]-/, "") : tag);
  const known = new Set([...config.tags.map(bare), ...(config.intents ?? [])]);
  const unseen = [...new Set([...tags.flat().map(bare), ...(config.intents ? (intents ?? []) : [])])].filter(
    (label) => !known.has(label),
  );
  if (unseen.length > 0)
    await io.stderr.write(
      `Note: ${unseen.map((label) => JSON.stringify(label)).join(", ")} did not occur in training and cannot be found.\n`,
    );
}
