import type { BadRows } from "../data/bad-rows.ts";
import { readSentenceRows } from "../data/sentence-rows.ts";
import type { TaggedSentences, UntaggedSentences } from "../data/tagged-sentences.ts";
import { readTokenColumns } from "../data/token-columns.ts";
import type { FileSource } from "../platform/platform.ts";
import type { TagSettings } from "../schema/tag.ts";
import { UsageError } from "../shared/errors.ts";
import { type TellBadRows, withBadRows } from "./bad-rows.ts";

export type TagColumns = Partial<Pick<TagSettings, "token" | "tag" | "rows" | "intent" | "delimiter" | "skipBadRows">>;

/**
 * @param tell hears of rows that are left out
 * @throws UsageError "missing-option", "not-an-integer", and what the readers throw
 */
export const readTagged = (file: string, columns: TagColumns, tell?: TellBadRows): Promise<TaggedSentences> =>
  withBadRows(columns, tell, (how) => taggedIn(file, columns, how));

async function taggedIn(file: string, columns: TagColumns, how: BadRows): Promise<TaggedSentences> {
  const { token = "1", tag, rows, intent, delimiter } = columns;
  if (intent !== undefined && !rows)
    throw new UsageError("missing-option", "--intent: expected --rows beside it: in columns there is no place for it");
  if (!rows)
    return readTokenColumns(file, {
      ...how,
      ...{ token: numberOf("token", token), delimiter },
      tag: tag === undefined ? "last" : numberOf("tag", tag),
    });
  if (tag === undefined)
    throw new UsageError("missing-option", `--tag is required: the column of ${file} with the tags`);
  return readSentenceRows(file, { tokens: token, tags: tag, intent, delimiter, ...how });
}

/** The tokens alone, where the file may have no tags; their column is what `--text` of `predict` says. */
export const readUntagged = (file: FileSource, columns: TagColumns, tell?: TellBadRows): Promise<UntaggedSentences> =>
  withBadRows(columns, tell, async (how) => {
    const { token = "1", rows, delimiter } = columns;
    return rows
      ? readSentenceRows(file, { tokens: token, delimiter, ...how })
      : readTokenColumns(file, { token: numberOf("text", token), tag: "none", delimiter, ...how });
  });

function numberOf(name: string, column: string): number {
  if (/^[1-9]\d*$/.test(column)) return Number(column);
  throw new UsageError(
    "not-an-integer",
    `--${name}: expected the number of a column, from 1, got ${JSON.stringify(column)} (columns have names in tables only, with --rows)`,
  );
}
