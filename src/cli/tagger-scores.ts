import { openMachine } from "../compute/open.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import { pickSentences, type TaggedSentences } from "../data/tagged-sentences.ts";
import type { SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import { evaluateTagger, type TaggerScores, type TaggingScores } from "../run/evaluate-tagger.ts";
import { loadTagger } from "../run/load-tagger.ts";
import type { TagSettings } from "../schema/tag.ts";
import { mostFrequentTags } from "../train/tagger-baseline.ts";
import { type TellBadRows, toStderr } from "./bad-rows.ts";
import { counted, jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { chosenBy, ownPart, readAgain } from "./run-settings.ts";
import { readTagged } from "./tag-data.ts";
import { labelTable, taggingTable } from "./tag-scores.ts";

export interface TellTaggerScoresOptions {
  readonly io: Io;
  /** Of the run. */
  readonly folder: string;
  readonly json: boolean;
  /** Whether the rows that are left out of the run's own files were told. */
  readonly told?: boolean;
}

type Row = readonly [name: string, scores: TaggingScores & Partial<TaggerScores>];

/**
 * Says how good the tagger of a run is on its test part, without one on the part that it was validated on, beside a baseline.
 * @returns whether there was either
 */
export async function tellTaggerScores(
  settings: TagSettings,
  { io, folder, json, told = false }: TellTaggerScoresOptions,
): Promise<boolean> {
  const { test } = settings;
  const measured = await measuredPart(settings, told && test === undefined ? undefined : toStderr(io));
  if (measured.tokens.length === 0) return false;
  const part = ownPart(settings);
  const train = settings.baselines ? await readAgain(io, divided(settings)) : undefined;
  using machine = await openMachine(settings.machine);
  const tagger = await loadTagger(folder, { machine });
  const { config } = tagger.model;
  const model = await evaluateTagger(tagger, measured);
  const baselines: Row[] = train ? [["each word's most frequent tag", mostFrequentTags(config, train, measured)]] : [];
  if (json) {
    for (const [name, scores] of [["model", model] as Row, ...baselines])
      await io.stdout.write(jsonLine({ type: "scores", part, name, ...scores }));
    return true;
  }
  const lines = [
    `On the ${counted(measured.tokens.length, `${part} sentence`)} (${counted(model.tokens, "token")})${chosenBy(part)}:`,
    taggingTable([["this model", model], ...baselines], io.stdout),
    "",
    labelTable(model, io.stdout),
  ];
  await io.stdout.write(`${lines.join("\n")}\n`);
  const unseen = unseenLabels(measured, config).map((label) => JSON.stringify(label));
  if (unseen.length > 0)
    await io.stderr.write(`Note: ${unseen.join(", ")} did not occur in training and cannot be found.\n`);
  return true;
}

/** What is learned from and what is validated on, cut as in training; undefined where the validation part is a file. */
async function divided(
  settings: TagSettings,
  tell?: TellBadRows,
): Promise<{ train: TaggedSentences; rest: TaggedSentences | undefined }> {
  const { seed, validation } = settings;
  const all = await readTagged(settings.file, settings, tell);
  if (typeof validation === "string") return { train: all, rest: undefined };
  const split = stratifiedSplit(all.intents ?? all.tokens.map(() => ""), { validation, seed });
  return { train: pickSentences(all, split.train), rest: pickSentences(all, split.validation) };
}

/** The test part of a run, without one that which it was validated on. */
export async function measuredPart(settings: TagSettings, tell?: TellBadRows): Promise<TaggedSentences> {
  const { test, validation } = settings;
  if (test !== undefined) return readTagged(test, settings, tell);
  if (typeof validation === "string") return readTagged(validation, settings, tell);
  return (await divided(settings, tell)).rest!;
}

/** Labels and intents that the model does not have. */
function unseenLabels({ tags, intents = [] }: TaggedSentences, config: SequenceTaggerConfig): string[] {
  const bare = (tag: string): string => (config.scheme ? tag.replace(/^[A-Z]-/, "") : tag);
  const known = new Set([...config.tags.map(bare), ...(config.intents ?? [])]);
  const there = new Set([...tags.flat().map(bare), ...(config.intents ? intents : [])]);
  return [...there].filter((label) => !known.has(label));
}
