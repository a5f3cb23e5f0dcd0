import type { Machine } from "../compute/machine.ts";
import { readSentenceLines } from "../data/sentence-rows.ts";
import type { UntaggedSentences } from "../data/tagged-sentences.ts";
import { type FileSource, sourceName } from "../platform/platform.ts";
import { loadTagger } from "../run/load-tagger.ts";
import type { TagPrediction } from "../run/tagger.ts";
import { UsageError } from "../shared/errors.ts";
import { type TellBadRows, toStderr } from "./bad-rows.ts";
import { counted, jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { readUntagged, type TagColumns } from "./tag-data.ts";

export interface PredictTagsOptions {
  readonly run: string;
  readonly machine: Machine;
  /** A file of sentences, or one sentence. */
  readonly file: FileSource | undefined;
  readonly input: string | undefined;
  readonly columns: TagColumns;
  /** Each line of the file is a sentence, its tokens separated by spaces. */
  readonly lines: boolean;
  readonly probabilities: boolean;
  readonly json: boolean;
}

/** Says what the tokens of sentences are: in columns, in rows where the run was trained on rows, or as JSON lines. */
export async function predictTags(options: PredictTagsOptions, io: Io): Promise<void> {
  const { run, machine, file, input, columns, lines, probabilities, json } = options;
  const tagger = await loadTagger(run, { machine });
  const { characters, intents } = tagger.model.config;
  const rows = lines || columns.rows === true;
  const { tokens, places }: UntaggedSentences =
    input === undefined
      ? await (lines ? readSentenceLines(file!) : inColumnsOf(file!, columns, toStderr(io)))
      : { tokens: [cut(input, characters === undefined)], places: ["--input"] };
  if (input === undefined && !rows && tokens.length === 1)
    await io.stderr.write(
      `${sourceName(file!)} was read as one sentence of ${counted(tokens[0]!.length, "token")}, a token a line; with --lines each line is a sentence.\n`,
    );
  const found = await tagger.predict(tokens, { probabilities });
  for (const [k, prediction] of found.entries())
    await io.stdout.write(
      json
        ? jsonLine({ type: "prediction", place: places[k], tokens: tokens[k], ...prediction })
        : rows && !probabilities
          ? `${[tokens[k]!.join(" "), prediction.tags.join(" "), ...(intents ? [prediction.intent] : [])].join("\t")}\n`
          : inColumns(tokens[k]!, prediction),
    );
}

/** A file that is not in columns may well have a sentence a line. */
export async function inColumnsOf(
  file: FileSource,
  columns: TagColumns,
  tell?: TellBadRows,
): Promise<UntaggedSentences> {
  try {
    return await readUntagged(file, columns, tell);
  } catch (cause) {
    if (columns.rows || !(cause instanceof UsageError && cause.code === "ragged-row")) throw cause;
    throw new UsageError(cause.code, `${cause.message}; a file with a sentence a line is read with --lines`, { cause });
  }
}

/** A model that reads no characters of words, because its tokens are characters, reads a text character by character. */
export const cut = (text: string, words: boolean): string[] =>
  words || /\s/u.test(text.trim()) ? text.trim().split(/\s+/u) : Array.from(text.trim());

function inColumns(tokens: readonly string[], { tags, intent, probabilities }: TagPrediction): string {
  const lines = tokens.map((token, t) => {
    const likely = probabilities && Object.entries(probabilities[t]!).sort(([, a], [, b]) => b - a);
    // What is too unlikely to be printed with three decimals is left out.
    const shown = likely?.filter(([, p], k) => k === 0 || p >= 5e-4).map(([tag, p]) => `${tag}=${p.toFixed(3)}`);
    return [token, tags[t]!, ...(shown ? [shown.join(" ")] : [])].join("\t");
  });
  return `${[...(intent === undefined ? [] : [`# intent = ${intent}`]), ...lines].join("\n")}\n\n`;
}
