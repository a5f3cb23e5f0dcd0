import { gzipSync } from "node:zlib";
import { describe, expect, it, test } from "vitest";
import { readSentenceLines, readSentenceRows, type SentenceColumns } from "../../src/data/sentence-rows.ts";
import { readTokenColumns, type TokenColumns } from "../../src/data/token-columns.ts";

const file = (text: string | Uint8Array<ArrayBuffer>, name = "t.txt"): File => new File([text], name);
const columns = (text: string | Uint8Array<ArrayBuffer>, options: TokenColumns = {}) =>
  readTokenColumns(file(text), options);
const rows = (text: string, options: Partial<SentenceColumns> = {}, name = "t.tsv") =>
  readSentenceRows(file(text, name), { tokens: 1, tags: 2, ...options });

describe("columns", () => {
  const plain = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\nIt PRP O\n";
  const expected = {
    tokens: [["EU", "rejects"], ["It"]],
    tags: [["B-ORG", "O"], ["O"]],
    places: ["t.txt, line 3", "t.txt, line 7"],
  };

  test.each<[string, string | Uint8Array<ArrayBuffer>, TokenColumns?]>([
    ["as they are", plain],
    ["with a byte order mark", `\ufeff${plain}`],
    ["with CRLF", plain.replaceAll("\n", "\r\n")],
    ["without a line end", plain.trimEnd()],
    ["with more spaces", plain.replaceAll(" ", "   ").replaceAll("\n", " \n")],
    ["with tabs", plain.replaceAll(" ", "\t")],
    ["with a delimiter", plain.replaceAll(" ", ";"), { delimiter: ";" }],
    ["zipped", Uint8Array.from(gzipSync(plain))],
    ["with lines of spaces between sentences", plain.replaceAll("\n\n", "\n  \n")],
  ])("%s", async (_, text, options) => expect(await columns(text, options)).toEqual(expected));

  it("takes other columns, or the tokens alone", async () => {
    expect((await readTokenColumns(file(plain), { token: 2, tag: 1 })).tags[1]).toEqual(["It"]);
    expect(await readTokenColumns(file(plain))).toEqual(await readTokenColumns(file(plain), { tag: "last" }));
    expect(await columns("a\nb\n\nc\n", { tag: "none" })).toEqual({
      tokens: [["a", "b"], ["c"]],
      places: ["t.txt, line 1", "t.txt, line 4"],
    });
  });

  it("keeps a token that is another white space", async () => {
    expect((await columns("\u3000 O\n\u00a0\u3000 B-A\n")).tokens).toEqual([["\u3000", "\u00a0\u3000"]]);
  });

  it("leaves comments out, and keeps the token #", async () => {
    const text = "# text = we win\n#\nwe PRON\n# SYM\nwin VERB\n";
    expect((await columns(text)).tokens).toEqual([["we", "#", "win"]]);
  });

  it("reads CoNLL-U, without words that are written as one", async () => {
    const row = (id: string, form: string, tag: string) => `${id}\t${form}\t_\t${tag}\t_\t_\t_\t_\t_\t_\n`;
    const text = `# sent_id = 1\n${row("1-2", "don't", "_")}${row("1", "do", "AUX")}${row("2", "n't", "PART")}${row("2.1", "x", "X")}`;
    expect(await columns(text, { token: 2, tag: 4 })).toMatchObject({
      tokens: [["do", "n't"]],
      tags: [["AUX", "PART"]],
    });
  });

  it("finds tabs behind a comment: words of CoNLL-U may hold spaces", async () => {
    const row = (id: number, form: string, tag: string) => `${id}\t${form}\t_\t${tag}${"\t_".repeat(6)}\n`;
    const text = `# sent_id = 1\n${row(1, "10 000", "NUM")}${row(2, "hommes", "NOUN")}`;
    expect((await columns(text, { token: 2, tag: 4 })).tokens).toEqual([["10 000", "hommes"]]);
  });

  test.each<[string, string | Uint8Array<ArrayBuffer>, TokenColumns, string, RegExp]>([
    ["an empty file", "", {}, "file-empty", /is empty/],
    ["empty lines", "\n\n# a\n", {}, "table-empty", /got none/],
    ["a row that is too short", "a X\nb\n", {}, "ragged-row", /line 2: expected 2 columns as in line 1, got 1/],
    ["a row that is too long", "a X\nb c X\n", {}, "ragged-row", /line 2/],
    ["another delimiter", "a,X\nb,Y\n", {}, "unknown-column", /one column only: .* than spaces \(--delimiter\)/],
    ["a column that is not there", "a X\n", { tag: 4 }, "unknown-column", /tag in column 4, there are 2 columns/],
    ["no tag", "a\tX\nb\t\n", {}, "no-label", /line 2: expected a tag/],
    ["no token", "a\tX\n\tY\n", {}, "no-label", /line 2: expected a token/],
    ["bytes that are no UTF-8", Uint8Array.of(97, 32, 0xff, 10), {}, "not-text", /byte 2 is not UTF-8/],
    ["a column 0", "a X\n", { token: 0 }, "out-of-range", /token/],
    ["a long delimiter", "a X\n", { delimiter: ", " }, "bad-option", /one character/],
  ])("refuses %s", async (_, text, options, code, message) => {
    await expect(columns(text, options)).rejects.toThrow(expect.objectContaining({ code }));
    await expect(columns(text, options)).rejects.toThrow(message);
  });
});

describe("rows", () => {
  it("holds a sentence each", async () => {
    const found = await rows("\ufeffto new york\tO B-to I-to\tflight\r\nhi\tO\thello\r\n", { intent: 3 });
    expect(found).toEqual({
      tokens: [["to", "new", "york"], ["hi"]],
      tags: [["O", "B-to", "I-to"], ["O"]],
      intents: ["flight", "hello"],
      places: ["t.tsv, line 1", "t.tsv, line 2"],
    });
    expect(await readSentenceRows(file("a b\n", "t.tsv"), { tokens: 1 })).toEqual({
      tokens: [["a", "b"]],
      places: ["t.tsv, line 1"],
    });
    const named = await readSentenceRows(file("words,slots\na b,O O\n", "t.csv"), { tokens: "words", tags: "slots" });
    expect(named.tags).toEqual([["O", "O"]]);
  });

  test.each<[string, string, Partial<SentenceColumns>, string, RegExp]>([
    ["fewer tags than tokens", "a b\tO\n", {}, "tag-count", /line 1: .* got 2 tokens and 1 tag$/],
    ["a sentence of nothing", "a\tO\n\t\n", {}, "tag-count", /line 2: .* got 0 tokens and 0 tags/],
    ["no intent", "a\tO\tx\nb\tO\t\n", { intent: 3 }, "no-label", /line 2: .* intent/],
    ["ragged rows", "a\tO\nb\n", {}, "ragged-row", /line 2/],
    ["the wrong delimiter", "a,O\n", {}, "unknown-column", /one column only/],
  ])("refuses %s", async (_, text, options, code, message) => {
    await expect(rows(text, options)).rejects.toThrow(expect.objectContaining({ code }));
    await expect(rows(text, options)).rejects.toThrow(message);
  });
});

test("sentences by line: empty lines are skipped; what is no text is not advised to be read as bytes", async () => {
  const { tokens, places } = await readSentenceLines(file("Ada lives\r\n\n  in  London \n"));
  expect(tokens).toEqual([
    ["Ada", "lives"],
    ["in", "London"],
  ]);
  expect(places).toEqual(["t.txt, line 1", "t.txt, line 3"]);
  const error = await readSentenceLines(file(Uint8Array.of(0x41, 0))).catch((cause: Error) => cause);
  expect(error).toMatchObject({ code: "not-text" });
  expect((error as Error).message).not.toContain("tokenizer");
});
