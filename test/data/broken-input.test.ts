import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { readLabelledTexts } from "../../src/data/labelled-texts.ts";
import { readTimeSeries } from "../../src/data/read-time-series.ts";
import { readSentenceRows } from "../../src/data/sentence-rows.ts";
import type { TimeSeries } from "../../src/data/time-series.ts";
import { readTokenColumns } from "../../src/data/token-columns.ts";
import { readLabelledSeries } from "../../src/data/ts-archive.ts";
import { LongshortError } from "../../src/shared/errors.ts";

/*
 * Every loader with every kind of broken input: it is read for what it is, or refused with its class, its code and the place. A kind that a
 * format cannot have is left out of its row, and said to be at the end.
 */

const KINDS = [
  ...["ragged row", "wrong delimiter", "byte order mark", "CRLF", "bad UTF-8", "date", "text for a number"],
  ...["NaN", "infinity", "nothing to learn", "empty file"],
] as const;
type Kind = (typeof KINDS)[number];
type Content = string | Uint8Array<ArrayBuffer>;

/** The same as the good file; or a code, and what the message says of the place. */
type Outcome = "as good" | readonly [code: string, message: RegExp] | { readonly reads: (found: unknown) => void };
type Case = readonly [content: Content, outcome: Outcome];

interface Loader {
  readonly name: string;
  readonly good: Content;
  readonly read: (file: File) => Promise<unknown>;
  readonly cases: Partial<Record<Kind, Case>>;
}

const notText = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([...new TextEncoder().encode(text), 0xff, 0x0a]);
const crlf = (text: string): string => text.replaceAll("\n", "\r\n");
const spaced = (text: string): Case => [`\ufeff${text}`, "as good"];
const ended = (text: string): Case => [crlf(text), "as good"];
const parquet = (...columnData: ColumnSource[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(parquetWriteBuffer({ columnData }));

const series = async (file: File): Promise<unknown> =>
  (await readTimeSeries(file, { targets: ["y"], time: "at" })).series;
const valuesOf = (found: unknown): number[] => [...(found as readonly TimeSeries[])[0]!.values.y!];
const missingSecond: Outcome = { reads: (found) => expect(valuesOf(found)).toEqual([1, Number.NaN, 3]) };

const csv = "at,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n";
const seriesCsv: Loader = {
  name: "series.csv",
  good: csv,
  read: series,
  cases: {
    "ragged row": [csv.replace(",2\n", "\n"), ["ragged-row", /line 3: expected 2 cells .* got 1/]],
    "wrong delimiter": [csv.replaceAll(",", "/"), ["unknown-column", /"at"|one column only/]],
    "byte order mark": spaced(csv),
    CRLF: ended(csv),
    "bad UTF-8": [notText(csv), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    date: [csv.replace("2024-01-02", "02.01.2024"), ["bad-time", /line 3, column "at": .* "02\.01\.2024"/]],
    "text for a number": [csv.replace(",2\n", ",two\n"), ["not-a-number", /line 3, column "y": .* "two"/]],
    NaN: [csv.replace(",2\n", ",NaN\n"), missingSecond],
    infinity: [csv.replace(",2\n", ",-inf\n"), ["not-a-number", /line 3, column "y": .* "-inf"/]],
    "nothing to learn": ["at,y\n2024-01-01,\n2024-01-02,NA\n", ["no-target", /holds no number at all/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const jsonl = csv
  .split("\n")
  .slice(1, -1)
  .map((line) => line.split(","))
  .map(([at, y]) => `{"at":"${at}","y":${y}}\n`)
  .join("");
const seriesJsonl: Loader = {
  name: "series.jsonl",
  good: jsonl,
  read: series,
  cases: {
    "ragged row": [jsonl.replace(',"y":2', ""), missingSecond],
    "wrong delimiter": [jsonl.replace('"y":2', '"y";2'), ["bad-json", /line 2: not valid JSON/]],
    "byte order mark": spaced(jsonl),
    CRLF: ended(jsonl),
    "bad UTF-8": [notText(jsonl), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    date: [jsonl.replace("2024-01-02", "soon"), ["bad-time", /line 2, column "at": .* "soon"/]],
    "text for a number": [jsonl.replace('"y":2', '"y":"two"'), ["not-a-number", /line 2, column "y": .* "two"/]],
    NaN: [jsonl.replace('"y":2', '"y":null'), missingSecond],
    infinity: [jsonl.replace('"y":2', '"y":1e999'), ["not-a-number", /line 2, column "y": .* "Infinity"/]],
    "nothing to learn": ['{"at":"2024-01-01","y":null}\n', ["no-target", /holds no number at all/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const days = ["2024-01-01", "2024-01-02", "2024-01-03"];
const at: ColumnSource = { name: "at", data: days, type: "STRING" };
const y = (...data: (number | null)[]): ColumnSource => ({ name: "y", data, type: "DOUBLE" });
const seriesParquet: Loader = {
  name: "series.parquet",
  good: parquet(at, y(1, 2, 3)),
  read: series,
  cases: {
    "ragged row": [parquet(at, y(1, null, 3)), missingSecond],
    date: [
      parquet({ ...at, data: days.with(1, "2024-02-30") }, y(1, 2, 3)),
      ["bad-time", /row 2, column "at": expected a date/],
    ],
    "text for a number": [
      parquet(at, { name: "y", data: ["1", "two", "3"], type: "STRING" }),
      ["not-a-number", /row 2, column "y": .* "two"/],
    ],
    NaN: [parquet(at, y(1, Number.NaN, 3)), missingSecond],
    infinity: [parquet(at, y(1, Number.NEGATIVE_INFINITY, 3)), ["not-a-number", /row 2, column "y": .* "-Infinity"/]],
    "nothing to learn": [parquet(at, y(null, null, null)), ["no-target", /holds no number at all/]],
    "empty file": ["", ["bad-parquet", /expected a Parquet file/]],
  },
};

const labelled = "text,label\nfine day,1\nbad day,0\n";
const texts = (file: File): Promise<unknown> => readLabelledTexts(file, { text: "text", label: "label" });
const textsCsv: Loader = {
  name: "texts.csv",
  good: labelled,
  read: texts,
  cases: {
    "ragged row": [labelled.replace("fine day,1", "fine, day,1"), ["ragged-row", /line 2: expected 2 cells .* got 3/]],
    "wrong delimiter": [labelled.replaceAll(",", "/"), ["unknown-column", /one column only|"text"/]],
    "byte order mark": spaced(labelled),
    CRLF: ended(labelled),
    "bad UTF-8": [notText(labelled), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    "nothing to learn": [labelled.replace("day,0", "day,"), ["no-label", /line 3: expected a label/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const labelledJson = '{"text":"fine day","label":1}\n{"text":"bad day","label":0}\n';
const textsJsonl: Loader = {
  name: "texts.jsonl",
  good: labelledJson,
  read: texts,
  cases: {
    "ragged row": [labelledJson.replace(',"label":0', ""), ["unknown-column", /line 2: .* "label"/]],
    "wrong delimiter": [labelledJson.replace('day",', 'day";'), ["bad-json", /line 1: not valid JSON/]],
    "byte order mark": spaced(labelledJson),
    CRLF: ended(labelledJson),
    "bad UTF-8": [notText(labelledJson), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    "text for a number": [labelledJson.replace('"bad day"', "[1]"), ["bad-json", /line 2: expected a text/]],
    "nothing to learn": [labelledJson.replace('"label":0', '"label":""'), ["no-label", /line 2: expected a label/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const archive = "@problemName T\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n1,2,3:a\n4,5:b\n";
const seriesTs: Loader = {
  name: "series.ts",
  good: archive,
  read: (file) => readLabelledSeries(file),
  cases: {
    "ragged row": [archive.replace("4,5:b", "4,5:6,7:b"), ["ragged-row", /line 7: expected 1 channel/]],
    "wrong delimiter": [archive.replace("4,5:b", "4,5,b"), ["bad-series", /line 7.* found no ":"/]],
    "byte order mark": spaced(archive),
    CRLF: ended(archive),
    "bad UTF-8": [notText(archive), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    date: [archive.replace("timeStamps false", "timeStamps true"), ["bad-series", /time stamps are not read/]],
    "text for a number": [archive.replace("4,5", "4,five"), ["not-a-number", /line 7, .* "five"/]],
    NaN: [archive.replace("4,5", "4,NaN"), ["missing-value", /line 7, channel 1, value 2 is missing/]],
    infinity: [archive.replace("4,5", "4,Infinity"), ["not-a-number", /line 7, .* "Infinity"/]],
    "nothing to learn": [archive.replace("4,5:b", "4,5:"), ["no-label", /line 7: expected a label/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const columns = "they PRON\nread VERB\n\nbooks NOUN\n";
const tokensTxt: Loader = {
  name: "tokens.txt",
  good: columns,
  read: (file) => readTokenColumns(file, {}),
  cases: {
    "ragged row": [columns.replace(" VERB", ""), ["ragged-row", /line 2: expected 2 columns as in line 1, got 1/]],
    "wrong delimiter": [columns.replaceAll(" ", ","), ["unknown-column", /one column only/]],
    "byte order mark": spaced(columns),
    CRLF: ended(columns),
    "bad UTF-8": [notText(columns), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    "nothing to learn": [columns.replaceAll(" ", "\t").replace("VERB", ""), ["no-label", /line 2: expected a tag/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const sentences = "they read\tPRON VERB\tdo\nbooks\tNOUN\tname\n";
const sentencesTsv: Loader = {
  name: "sentences.tsv",
  good: sentences,
  read: (file) => readSentenceRows(file, { tokens: 1, tags: 2, intent: 3 }),
  cases: {
    "ragged row": [sentences.replace("\tNOUN", ""), ["ragged-row", /line 2: expected 3 cells .* got 2/]],
    "wrong delimiter": [sentences.replaceAll("\t", ";"), ["unknown-column", /one column only/]],
    "byte order mark": spaced(sentences),
    CRLF: ended(sentences),
    "bad UTF-8": [notText(sentences), ["not-text", /is not UTF-8; save it as UTF-8$/]],
    "nothing to learn": [sentences.replace("PRON VERB", "PRON"), ["tag-count", /line 1: .* 2 tokens and 1 tag/]],
    "empty file": ["", ["file-empty", /is empty/]],
  },
};

const tables = [seriesCsv, seriesJsonl, seriesParquet];
const loaders = [...tables, textsCsv, textsJsonl, seriesTs, tokensTxt, sentencesTsv];

describe.each(loaders)("$name", ({ name, good, read, cases }) => {
  const open = (content: Content): Promise<unknown> => read(new File([content], name));

  test.each(Object.entries(cases))("%s", async (_, [content, outcome]) => {
    expect(content).not.toEqual(good);
    if (outcome === "as good") return expect(await open(content)).toEqual(await open(good));
    if ("reads" in outcome) return outcome.reads(await open(content));
    const [code, message] = outcome;
    const error: unknown = await open(content).then(
      () => "nothing was refused",
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(LongshortError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as Error).message).toContain(name);
  });
});

test("what is not in a row, its format cannot have", () => {
  const left = (one: Loader): Kind[] => KINDS.filter((kind) => !(kind in one.cases));
  expect(Object.fromEntries(loaders.map((one) => [one.name, left(one)]))).toEqual({
    "series.csv": [],
    "series.jsonl": [],
    // Bytes with lengths of their own: no lines, no delimiters, and texts are UTF-8 by the format.
    "series.parquet": ["wrong delimiter", "byte order mark", "CRLF", "bad UTF-8"],
    // Texts and names may say anything.
    "texts.csv": ["date", "text for a number", "NaN", "infinity"],
    "texts.jsonl": ["date", "NaN", "infinity"],
    "series.ts": [],
    "tokens.txt": ["date", "text for a number", "NaN", "infinity"],
    "sentences.tsv": ["date", "text for a number", "NaN", "infinity"],
  });
});
