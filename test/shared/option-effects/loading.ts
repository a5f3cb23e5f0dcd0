import { safeTensor } from "../../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../../src/checkpoint/safetensors.ts";
import type { BadRows } from "../../../src/data/bad-rows.ts";
import { readLabelledTexts, type TextColumns } from "../../../src/data/labelled-texts.ts";
import { type ReadTimeSeriesOptions, readTimeSeries } from "../../../src/data/read-time-series.ts";
import { readSentenceLines, readSentenceRows, type SentenceColumns } from "../../../src/data/sentence-rows.ts";
import { readSeriesTable, type SeriesTableColumns } from "../../../src/data/series-table.ts";
import type { TimeSeriesSet } from "../../../src/data/time-series.ts";
import { type TimeSeriesSetOptions, timeSeriesSet } from "../../../src/data/time-series-set.ts";
import { readTokenColumns, type TokenColumns } from "../../../src/data/token-columns.ts";
import { type ReadLabelledSeriesOptions, readLabelledSeries } from "../../../src/data/ts-archive.ts";
import { abortable, type EffectTable, outcomeOf, shows } from "./effects.ts";

const file = (content: string) => new Blob([content]);
const table = file("t,l,n\nup a,x,1\ndown b,y,2\nup c,x,3\n");
const sentences = file("w,g,i\nin may,O B-T,x\nwe may,B-T O,y\n");
const commas = file("y;z\n1,5;1\n-20,25;2\n");
const motions = file("id,day,x,y,kind\na,2024-01-02,1,2,up\na,2024-01-01,3,4,up\nb,2024-01-01,5,6,down\n");
const tokens = file("in IN O\nmay NN B\n\nwe PR O\n");
const sales = file(
  Array.from(
    { length: 8 },
    (_, k) => `${k === 0 ? "day,shop,sales,price,rain\n" : ""}2024-01-0${k + 1} 01:00,a,${k},${10 + k},${k % 2}\n`,
  ).join(""),
);
const y = [1, 2, 3, 4, 5, 6];

/** A set of series without functions. */
const plain = ({ timeZone, ...rest }: TimeSeriesSet) => [rest, timeZone.name];

/** A reading with a bad row without anybody to hear of it, and with. */
const withAndWithout = (read: (how: BadRows) => Promise<unknown>) =>
  Promise.all([outcomeOf(() => read({})), outcomeOf(() => read({ onBadRow: () => undefined }))]);

export const loading: EffectTable = {
  readLabelledTexts: shows(
    (options: TextColumns) => outcomeOf(() => readLabelledTexts(table, options)),
    { text: 1 },
    {
      text: [2],
      label: [2],
      delimiter: [";"],
      header: [true],
      onBadRow: () => withAndWithout((how) => readLabelledTexts(file("a,x\nb\n"), { text: 1, ...how })),
      signal: [AbortSignal.abort()],
    },
  ),
  readSeriesTable: shows(
    (options: SeriesTableColumns) => outcomeOf(() => readSeriesTable(motions, options)),
    { channels: ["x"], series: "id" },
    {
      ...{ channels: [["y"]], series: ["kind"], time: ["day"], label: ["kind"], delimiter: [";"], header: [false] },
      onBadRow: () =>
        withAndWithout((how) =>
          readSeriesTable(file("id,x\na,1\nb,2\nb,\n"), { channels: ["x"], series: "id", ...how }),
        ),
      signal: [AbortSignal.abort()],
    },
  ),
  readSentenceRows: shows(
    (options: SentenceColumns) => outcomeOf(() => readSentenceRows(sentences, options)),
    { tokens: "w" },
    {
      onBadRow: () => withAndWithout((how) => readSentenceRows(file("a,x\nb\n"), { tokens: 1, ...how })),
      ...{ tags: ["g"], intent: ["i", { tags: "g" }], delimiter: [";"], signal: [AbortSignal.abort()] },
    },
  ),
  readTokenColumns: shows(
    (options: TokenColumns) => outcomeOf(() => readTokenColumns(tokens, options)),
    {},
    {
      onBadRow: () => withAndWithout((how) => readTokenColumns(file("a O\n\nb\n"), how)),
      ...{ token: [2], tag: [2], delimiter: ["\t"], signal: [AbortSignal.abort()] },
    },
  ),
  readTimeSeries: shows(
    (options: ReadTimeSeriesOptions) => outcomeOf(async () => plain(await readTimeSeries(sales, options))),
    { targets: ["sales"], time: "day" },
    {
      ...{
        targets: [["price"]],
        past: [["rain"]],
        known: [["price"]],
        categories: [["shop"]],
        series: ["shop"],
        time: [undefined],
        resample: ["2d"],
      },
      ...{ timeZone: ["Asia/Shanghai"], delimiter: [";"], header: [false] },
      signal: [AbortSignal.abort()],
      decimal: async () => [
        await outcomeOf(() => readTimeSeries(commas, { targets: ["y"] })),
        await outcomeOf(async () => plain(await readTimeSeries(commas, { targets: ["y"], decimal: "," }))),
      ],
    },
  ),
  readSentenceLines: abortable((options) => readSentenceLines(file("a b\nc\n"), options)),
  readLabelledSeries: shows(
    (options: ReadLabelledSeriesOptions) => outcomeOf(() => readLabelledSeries(file("@data\n1,2:a\n3,4:\n"), options)),
    {},
    { onBadRow: [() => undefined], signal: [AbortSignal.abort(), { onBadRow: () => undefined }] },
  ),
  timeSeriesSet: shows(
    (options: TimeSeriesSetOptions) => outcomeOf(() => plain(timeSeriesSet(options))),
    { targets: ["y"], series: [{ values: { y, x: y, z: y } }] },
    {
      categories: [["kind"], { series: [{ values: { y }, categories: { kind: "a" } }] }],
      targets: [["x"]],
      past: [["x"]],
      known: [["z"]],
      step: ["1h", { series: [{ start: 0, values: { y } }] }],
      timeZone: ["Asia/Shanghai", { step: "1h", series: [{ start: 0, values: { y } }] }],
    },
  ),
  writeSafetensors: shows(
    (options: { metadata?: Readonly<Record<string, string>> }) =>
      readSafetensors(writeSafetensors(new Map([["a", safeTensor("F32", [1], [1])]]), options)).metadata,
    {},
    { metadata: [{ made: "by hand" }] },
  ),
};
