import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import Papa from "papaparse";
import { describe, expect, test } from "vitest";
import { type CellRow, cellRows, type QuoteError } from "../../src/data/delimited-cells.ts";
import { classesOf, targetsOf } from "../../src/data/examples.ts";
import { readLabelledTexts, type TextColumns } from "../../src/data/labelled-texts.ts";
import { stratifiedSplit } from "../../src/data/stratified-split.ts";
import { readLabelledSeries } from "../../src/data/ts-archive.ts";

const file = (name: string, content: string | Uint8Array): File => new File([content as BlobPart], name);
const columns = { text: "text", label: "label" } as const;
const read = (name: string, content: string | Uint8Array, how: TextColumns = columns) =>
  readLabelledTexts(file(name, content), how as { text: string; label: string });

describe("readLabelledTexts", () => {
  test.each<[string, string, string | Uint8Array, TextColumns?]>([
    ["commas", "t.csv", "text,label\ngood day,yes\nbad day,no\n"],
    ["semicolons", "t.csv", "text;label\ngood day;yes\nbad day;no\n"],
    ["tabs", "t.tsv", "text\tlabel\ngood day\tyes\nbad day\tno"],
    ["CRLF and empty lines", "t.csv", "text,label\r\ngood day,yes\r\n\r\nbad day,no\r\n"],
    ["a byte order mark", "t.csv", "\ufefftext,label\ngood day,yes\nbad day,no\n"],
    ["columns in another order, and others", "t.csv", "id,label,text\n1,yes,good day\n2,no,bad day\n"],
    ["numbers of columns, no header", "t.csv", "yes,good day\nno,bad day\n", { text: 2, label: 1 }],
    [
      "numbers of columns, a header all the same",
      "t.csv",
      "l,t\nyes,good day\nno,bad day\n",
      { text: 2, label: 1, header: true },
    ],
    ["quotation marks", "t.csv", 'text,label\n"good day",yes\n"bad day",no\n'],
    ["gzip", "t.csv.gz", gzipSync("text,label\ngood day,yes\nbad day,no\n")],
    ["JSON lines", "t.jsonl", '{"text":"good day","label":"yes"}\r\n\n{"label":"no","text":"bad day","more":[1]}\n'],
  ])("reads %s", async (_, name, content, how) => {
    const { inputs, labels } = await read(name, content, how);
    expect({ inputs, labels }).toEqual({ inputs: ["good day", "bad day"], labels: ["yes", "no"] });
  });

  test("of two columns of one name neither is taken for the other, unless nobody asks for them", async () => {
    await expect(read("t.csv", "text,text,label\na,b,yes\n")).rejects.toThrow(
      't.csv: columns 1 and 2 are both called "text"; rename one of them',
    );
    expect((await read("t.csv", "more,more,text,label\n1,2,a,yes\n")).inputs).toEqual(["a"]);
  });

  test("a cell in quotation marks holds commas, marks and line ends; in a table with tabs marks are text", async () => {
    expect((await read("t.csv", 'text,label\n"a, ""b""\nc",1\n')).inputs).toEqual(['a, "b"\nc']);
    expect((await read("t.tsv", 'text\tlabel\n"a\t1\n')).inputs).toEqual(['"a']);
  });

  test("places are lines, also after cells with line ends", async () => {
    expect((await read("t.csv", 'text,label\n"a\n\nb",1\nb,2\n')).places).toEqual(["t.csv, line 2", "t.csv, line 5"]);
    expect((await read("t.jsonl", '\n{"text":"a","label":1}\n')).places).toEqual(["t.jsonl, line 2"]);
  });

  test("without a label column there are no labels", async () => {
    const { inputs, labels } = await readLabelledTexts(file("t.csv", "text\na\nb\n"), { text: "text", delimiter: "," });
    expect({ inputs, labels }).toEqual({ inputs: ["a", "b"], labels: undefined });
  });

  test("cells are what Papa Parse reads", () => {
    const piece = fc.constantFrom("a", "b c", '"', ",", ";", "\n", "\r\n", "", "é", "|");
    const cell = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(""));
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    const options = { delimiter: fc.constantFrom(",", ";", "|", "\t"), newline: fc.constantFrom("\n", "\r\n") };
    fc.assert(
      fc.property(table, fc.record(options), (rows, { delimiter, newline }) => {
        const text = Papa.unparse(rows, { delimiter, newline });
        expect(Array.from(cellRows(text, delimiter), ({ cells }) => cells)).toEqual(
          Papa.parse(text, { delimiter, newline, skipEmptyLines: true }).data,
        );
      }),
    );
  });

  test("read in pieces, a row gives the same cells wherever the pieces are cut", () => {
    const piece = fc.constantFrom("a", "b c", '"', ",", ";", "\n", "\r", "\r\n", '""', "é");
    const text = fc.array(piece, { maxLength: 14 }).map((parts) => parts.join(""));
    const whole = (source: string, delimiter: string): unknown => {
      const found: CellRow[] = [];
      try {
        for (const row of cellRows(source, delimiter)) found.push(row);
      } catch (error) {
        return [found, (error as QuoteError).line, (error as Error).message];
      }
      return [found];
    };
    const inPieces = (source: string, delimiter: string, cut: number): unknown => {
      const found: CellRow[] = [];
      let [rest, line] = ["", 1];
      try {
        for (let at = 0; at < source.length || at === 0; at += cut) {
          rest += source.slice(at, at + cut);
          const rows = cellRows(rest, delimiter, { line, more: at + cut < source.length });
          let next = rows.next();
          for (; !next.done; next = rows.next()) found.push(next.value);
          rest = rest.slice(next.value.at);
          line = next.value.line;
        }
      } catch (error) {
        return [found, (error as QuoteError).line, (error as Error).message];
      }
      return [found];
    };
    fc.assert(
      fc.property(text, fc.constantFrom(",", ";"), fc.integer({ min: 1, max: 5 }), (source, delimiter, cut) => {
        expect(inPieces(source, delimiter, cut)).toEqual(whole(source, delimiter));
      }),
    );
  });

  test("Parquet, and a label that is missing in it", async () => {
    const file = fileURLToPath(new URL("../golden/parquet/gzip.parquet", import.meta.url));
    const { inputs, labels, places } = await readLabelledTexts(file, { text: "text", label: "day" });
    expect(inputs[0]).toBe("abc".repeat(160));
    expect(labels[2]).toBe("2024-03-11T00:00:00.000");
    expect(places[1]).toBe(`${file}, row 2`);
    await expect(readLabelledTexts(file, { text: "text", label: "y" })).rejects.toThrow(/row 2: expected a label/);
  });

  test("a table of many pieces: rows, lines, quotation marks over their ends, another delimiter at the end than it seems", async () => {
    const rows = Array.from({ length: 9000 }, (_, k) => `"text ${k}, ""and""\n${"x".repeat(k % 97)}";${k % 7}`);
    const { inputs, labels, places } = await read("t.csv", `text;label\r\n${rows.join("\r\n")}\r\n`);
    expect(inputs).toHaveLength(9000);
    expect(inputs[8765]).toBe(`text 8765, "and"\n${"x".repeat(8765 % 97)}`);
    expect([labels[8765], places[8765]]).toEqual([String(8765 % 7), `t.csv, line ${2 + 2 * 8765}`]);
    const ragged = read("t.csv", `text;label\n${"a;1\n".repeat(200_000)}b\n`);
    await expect(ragged).rejects.toThrow(/line 200002: expected 2 cells .* got 1/);
    const json = await read("t.jsonl", '{"text":"a","label":1}\n'.repeat(30_000));
    expect([json.inputs.length, json.places.at(-1)]).toEqual([30_000, "t.jsonl, line 30000"]);
  });

  test.each<[string, string, string | Uint8Array, string, RegExp]>([
    [
      "text after a closed quotation mark",
      "t.csv",
      'text,label\n"a"b,1\n',
      "bad-quotes",
      /line 2: after a closed .* "b"/,
    ],
    [
      "a row with a cell too many",
      "t.csv",
      "text,label\na,1\nb,c,2\n",
      "ragged-row",
      /line 3: expected 2 cells .* got 3/,
    ],
    ["a row with a cell too few", "t.csv", "text,label\na,1\nb\n", "ragged-row", /line 3: expected 2 cells .* got 1/],
    ["the wrong delimiter", "t.tsv", "text,label\na,1\n", "unknown-column", /one column only: .* than a tab/],
    ["an unknown column", "t.csv", "text,labels\na,1\n", "unknown-column", /did you mean labels/],
    [
      "an open quotation mark",
      "t.csv",
      'text,label\n"a,1\nb,2\n',
      "bad-quotes",
      /line 2: a quotation mark is not closed/,
    ],
    ["bytes that are no UTF-8", "t.csv", Uint8Array.of(116, 44, 0xff, 10), "not-text", /byte 2 is not UTF-8/],
    ["UTF-16", "t.csv", Uint8Array.of(0xff, 0xfe, 116, 0), "not-text", /UTF-16/],
    ["an empty file", "t.csv", "", "file-empty", /is empty/],
    ["a header alone", "t.csv", "text,label\n", "table-empty", /nothing below it/],
    ["an empty label", "t.csv", "text,label\na,1\nb,\n", "no-label", /line 3: expected a label/],
    ["a line that is no JSON", "t.jsonl", '{"text":"a","label":1}\n{"text":\n', "bad-json", /line 2: not valid JSON/],
    ["a line that is no object", "t.jsonl", "3\n", "bad-json", /expected a JSON object, got 3/],
    ["a key that is missing", "t.jsonl", '{"text":"a"}\n', "unknown-column", /no key "label", its keys are text/],
    ["a text that is null", "t.jsonl", '{"text":null,"label":1}\n', "bad-json", /expected a text/],
  ])("refuses %s", async (_, name, content, code, message) => {
    const error: unknown = await read(name, content).catch((error) => error);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("labels", () => {
  const of = (...labels: string[]) => ({ labels, places: labels.map((_, k) => `row ${k + 1}`) });

  test("classes are sorted, whole numbers by size", () => {
    expect(classesOf(of("b", "a", "b"))).toEqual(["a", "b"]);
    expect(classesOf(of("10", "9", "-1"))).toEqual(["-1", "9", "10"]);
  });
  test("one class only is nothing to learn", () =>
    expect(() => classesOf(of("x", "x"))).toThrow(/2 of the one class "x"/));
  test.each(["high", "NaN", "Infinity", "-inf", "1e999", "", "1,5", "0x10"])("%j is no number to predict", (label) =>
    expect(() => targetsOf(of("1.5", label))).toThrow(/^row 2: expected a number to predict/),
  );
  test("numbers in all spellings", () =>
    expect([...targetsOf(of("1", "-2.5e-3", " +.5 "))]).toEqual([1, -2.5e-3, 0.5]));
});

const header = "# words\n@problemName Test\n@timeStamps false\n@univariate false\n@classLabel true a b\n@data\n";

describe("readLabelledSeries", () => {
  test("reads channels step by step, ragged, with comments, CRLF, a byte order mark and gzip", async () => {
    const source = `\ufeff${header}1,2,3:4,5,6:a\n# between\n7:8:b\n\n`.replaceAll("\n", "\r\n");
    const { inputs, labels, places } = await readLabelledSeries(file("x_TRAIN.ts.gz", gzipSync(source)));
    expect(inputs).toEqual([
      { channels: 2, values: Float64Array.of(1, 4, 2, 5, 3, 6) },
      { channels: 2, values: Float64Array.of(7, 8) },
    ]);
    expect({ labels, places: places[1] }).toEqual({ labels: ["a", "b"], places: "x_TRAIN.ts.gz, line 9" });
  });

  test.each<[string, string, string, RegExp]>([
    ["another number of channels", `${header}1,2:3,4:a\n1,2:b\n`, "ragged-row", /line 8: expected 2 channels .* got 1/],
    ["channels of different length", `${header}1,2:3:a\n`, "bad-series", /channel 2 has 1 values, channel 1 has 2/],
    ["a missing value", `${header}1,?:3,4:a\n`, "missing-value", /line 7, channel 1, value 2 is missing/],
    ["NaN", `${header}1,2:3,NaN:a\n`, "missing-value", /channel 2, value 2 is missing/],
    ["infinity", `${header}1,2:3,Infinity:a\n`, "not-a-number", /expected a finite number, got "Infinity"/],
    ["a word", `${header}1,2:3,four:a\n`, "not-a-number", /got "four"/],
    ["commas in place of colons", `${header}1,2,a\n`, "bad-series", /found no ":"/],
    ["an empty label", `${header}1,2:\n`, "no-label", /expected a label/],
    ["no @data", "@problemName x\n", "bad-series", /expected a line @data/],
    ["no header", "1,2,3:a\n", "bad-series", /expected a header/],
    ["time stamps", header.replace("@timeStamps false", "@timeStamps true"), "bad-series", /time stamps are not read/],
    ["no labels", header.replace("@classLabel true a b", "@classLabel false"), "no-label", /no labels/],
    ["no series", header, "table-empty", /got none/],
    ["an empty file", "", "file-empty", /is empty/],
  ])("refuses %s", async (_, source, code, message) => {
    const error: unknown = await readLabelledSeries(file("x.ts", source)).catch((error) => error);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("stratifiedSplit", () => {
  const labels = Array.from({ length: 200 }, (_, k) => (k < 150 ? "a" : k < 199 ? "b" : "rare"));

  test("keeps every tenth of each class, another with another seed", () => {
    const { train, validation } = stratifiedSplit(labels, { seed: 1 });
    expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...labels.keys()]);
    const share = (name: string): number => validation.filter((k) => labels[k] === name).length;
    expect([share("a"), share("rare")]).toEqual([15, 0]);
    expect(share("b")).toBeGreaterThanOrEqual(4);
    expect(stratifiedSplit(labels, { seed: 1 })).toEqual({ train, validation });
    expect(stratifiedSplit(labels, { seed: 2 }).validation).not.toEqual(validation);
  });
  test("a class always keeps an example to learn from", () => {
    const few = ["a", "b", "c", "d"];
    expect(stratifiedSplit(few, { validation: 0.5 }).train).toEqual([0, 1, 2, 3]);
  });
  test("no share, no validation; a share that is none is refused", () => {
    expect(stratifiedSplit(labels, { validation: 0 })).toMatchObject({ validation: [] });
    expect(() => stratifiedSplit(labels, { validation: 0.9 })).toThrow(/from 0 to 0.5/);
  });
});
