import { describe, expect, it } from "vitest";
import type { BadRows } from "../../src/data/bad-rows.ts";
import { readLabelledTexts } from "../../src/data/labelled-texts.ts";
import { readSentenceRows } from "../../src/data/sentence-rows.ts";
import { readSeriesTable } from "../../src/data/series-table.ts";
import { readTokenColumns } from "../../src/data/token-columns.ts";
import { readLabelledSeries } from "../../src/data/ts-archive.ts";

const file = (name: string, lines: readonly string[]): File => new File([lines.join("\n")], name);

/** What a reader gives, and what it said of rows that it left out. */
async function skipping<T>(read: (how: BadRows) => Promise<T>): Promise<readonly [T, readonly string[]]> {
  const said: string[] = [];
  const found = await read({ onBadRow: ({ code, message }) => said.push(`${code}: ${message}`) });
  return [found, said];
}
/** It leaves out what is bad and tells of each; without a listener the first one ends the reading. */
async function leavesOut<T>(read: (how: BadRows) => Promise<T>, reasons: readonly RegExp[]): Promise<T> {
  const [found, said] = await skipping(read);
  expect(said).toHaveLength(reasons.length);
  for (const [k, reason] of reasons.entries()) expect(said[k]).toMatch(reason);
  await expect(read({})).rejects.toThrow(said[0]!.replace(/^.*?: /, ""));
  return found;
}

describe("rows that cannot be read are left out, and each is told", () => {
  it("of a CSV file: rows of other widths and without a label", async () => {
    const table = file("t.csv", ["text,label", "a,x", "b", "c,y", "d,e,x", "f, ", "g,x"]);
    const found = await leavesOut(
      (how) => readLabelledTexts(table, { text: "text", label: "label", ...how }),
      [
        /^ragged-row: t.csv, line 3: expected 2 cells/,
        /^ragged-row: t.csv, line 5: /,
        /^no-label: t.csv, line 6: expected a label/,
      ],
    );
    expect(found).toEqual({
      inputs: ["a", "c", "g"],
      labels: ["x", "y", "x"],
      places: [2, 4, 7].map((n) => `t.csv, line ${n}`),
    });
  });

  it("of JSON lines: what is no JSON, no object, or lacks a key", async () => {
    const lines = [
      '{"text":"a","label":1}',
      "{",
      "[1]",
      '{"text":"b"}',
      '{"text":{},"label":2}',
      '{"text":"c","label":2}',
    ];
    const table = file("t.jsonl", lines);
    const found = await leavesOut(
      (how) => readLabelledTexts(table, { text: "text", label: "label", ...how }),
      [
        /^bad-json: t.jsonl, line 2: not valid JSON/,
        /^bad-json: t.jsonl, line 3: expected a JSON object/,
        /^unknown-column: t.jsonl, line 4: it has no key "label"/,
        /^bad-json: t.jsonl, line 5: expected a text/,
      ],
    );
    expect(found.inputs).toEqual(["a", "c"]);
  });

  it("of sentences in rows: other numbers of tags, and no intent", async () => {
    const table = file("t.tsv", ["a b\tO O\tx", "a\tO O\tx", "c\tO\t ", "d\tO\ty"]);
    const found = await leavesOut(
      (how) => readSentenceRows(table, { tokens: 1, tags: 2, intent: 3, ...how }),
      [/^tag-count: t.tsv, line 2/, /^no-label: t.tsv, line 3/],
    );
    expect(found).toMatchObject({ tokens: [["a", "b"], ["d"]], tags: [["O", "O"], ["O"]], intents: ["x", "y"] });
  });

  it("of columns: a sentence as a whole, once", async () => {
    const table = file("t.txt", ["a O", "b O", "", "c", "d", "e O", "", "f O", "g", "", "h O"]);
    const found = await leavesOut(
      (how) => readTokenColumns(table, how),
      [/^ragged-row: t.txt, line 4: expected 2 columns as in line 1, got 1/, /^ragged-row: t.txt, line 9/],
    );
    expect(found).toEqual({
      tokens: [["a", "b"], ["h"]],
      tags: [["O", "O"], ["O"]],
      places: ["t.txt, line 1", "t.txt, line 11"],
    });
  });

  it("of series: lines without label, with other channels or gaps", async () => {
    const table = file("t.ts", ["@data", "1,2:a", "3,4:", "1:2:b", "?,2:a", "5,6:b"]);
    const found = await leavesOut(
      (how) => readLabelledSeries(table, how),
      [/^no-label: t.ts, line 3/, /^ragged-row: t.ts, line 4/, /^missing-value: t.ts, line 5/],
    );
    expect(found.inputs.map(({ values }) => [...values])).toEqual([
      [1, 2],
      [5, 6],
    ]);
    expect(found.labels).toEqual(["a", "b"]);
  });

  it("of a table of series: those with gaps or without a label", async () => {
    const table = file("t.csv", ["id,x,label", "a,1,u", "a,2,u", "b,1,v", "b,,v", "c,3,", "d,4,v"]);
    const columns = { channels: ["x"], series: "id", label: "label" };
    const found = await leavesOut(
      (how) => readSeriesTable(table, { ...columns, ...how }),
      [/^missing-value: t.csv, series "b"/, /^no-label: t.csv, series "c"/],
    );
    expect(found.labels).toEqual(["u", "v"]);
  });
});

describe("a file that cannot be read is refused in any case", () => {
  it.each([
    ["not one row that can be read", "t.csv", ["text,label", "a", "b"], /t.csv: not one of its rows can be read/],
    ["not one line that can be read", "t.jsonl", ["{", "["], /t.jsonl: not one of its rows can be read/],
    ["not one label", "t.csv", ["text,label", "a,", "b,"], /t.csv: not one of its rows can be read/],
    ["a quotation mark that is not closed", "t.csv", ["text,label", 'a,"x', "b,y"], /a quotation mark is not closed/],
    ["another column", "t.csv", ["words,label", "a,x"], /it has no column "text"/],
    ["a header alone", "t.csv", ["text,label"], /got a header and nothing below it/],
  ])("%s", async (_, name, lines, message) => {
    const read = skipping((how) => readLabelledTexts(file(name, lines), { text: "text", label: "label", ...how }));
    await expect(read).rejects.toThrow(message);
  });
});
