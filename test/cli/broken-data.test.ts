import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-broken-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const lines = (count: number, line: (k: number) => string): string =>
  Array.from({ length: count }, (_, k) => `${line(k)}\n`).join("");
const small = ["--hidden-size", "4", "--epochs", "1"];
let count = 0;

/** Puts the content into a file of its own and calls the command with it; every run has a folder of its own. */
function call(words: readonly string[], name: string, content: string | Uint8Array) {
  const file = at(`${count}-${name}`);
  writeFileSync(file, content);
  return longshort([...words.map((word) => (word === "FILE" ? file : word)), "-o", at(`run-${count++}`)]);
}

const forecast = ["train", "forecast", "FILE", "--target", "y", "--horizon", "3", ...small];
const classify = ["train", "classify", "FILE", "--text", "text", "--label", "label", ...small];
const series = ["train", "classify", "FILE", ...small];
const tag = ["train", "tag", "FILE", ...small];
const header = "@problemName T\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n";
const notText = (text: string) => Uint8Array.from([...new TextEncoder().encode(text), 0xff, 10]);

describe("data that are broken are refused in words, before anything is trained", () => {
  it.each<[string, readonly string[], string, string | Uint8Array, RegExp]>([
    ["forecast: a ragged row", forecast, "a.csv", "x,y\n1,2\n3\n", /a\.csv, line 3: expected 2 cells .* got 1/],
    [
      "forecast: a wrong delimiter",
      [...forecast, "--delimiter", ";"],
      "a.csv",
      "x,y\n1,2\n",
      /one column only: .* ";"/,
    ],
    ["forecast: bad UTF-8", forecast, "a.csv", notText("y\n1\n"), /byte 4 is not UTF-8/],
    ["forecast: bad UTF-8 in JSON", forecast, "a.jsonl", notText('{"y":1}\n'), /byte 8 is not UTF-8/],
    [
      "forecast: a date of no calendar",
      [...forecast, "--time", "x"],
      "a.csv",
      "x,y\n31.12.2024,2\n",
      /line 2, column "x": expected a date/,
    ],
    [
      "forecast: a target of text",
      forecast,
      "a.csv",
      "y\n1\nhigh\n",
      /line 3, column "y": expected a finite number, got "high"/,
    ],
    [
      "forecast: a target of text in JSON",
      forecast,
      "a.jsonl",
      '{"y":1}\n{"y":"high"}\n',
      /line 2, column "y": .* "high"/,
    ],
    [
      "forecast: decimals with a comma",
      forecast,
      "a.csv",
      "x;y\n1;20,5\n2;1.020,5\n",
      /line 2, column "y": expected a finite number, got "20,5"; write decimals with a point/,
    ],
    ["forecast: infinity", forecast, "a.csv", "y\n1\n-Infinity\n", /finite number, got "-Infinity"/],
    ["forecast: nothing but NaN", forecast, "a.csv", "y\nNaN\nNaN\n", /holds no number at all/],
    [
      "forecast: shorter than the window",
      forecast,
      "a.csv",
      `y\n${lines(7, String)}`,
      /series of at least \d+ steps to learn from/,
    ],
    ["forecast: no Parquet", forecast, "a.parquet", "PAR1", /expected a Parquet file/],
    ["classify: a ragged row", classify, "a.csv", "text,label\na,1\nb\n", /line 3: expected 2 cells .* got 1/],
    ["classify: a wrong delimiter", [...classify, "--delimiter", "|"], "a.csv", "text,label\na,1\n", /one column only/],
    ["classify: bad UTF-8", classify, "a.csv", notText("text,label\na,1\n"), /byte 15 is not UTF-8/],
    ["classify: one class", classify, "a.csv", "text,label\na,1\nb,1\n", /2 of the one class "1"/],
    [
      "classify: numbers that are NaN",
      [...classify, "--regression"],
      "a.csv",
      "text,label\na,1\nb,NaN\n",
      /line 3: expected a number .* "NaN"/,
    ],
    [
      "classify: numbers that are infinite",
      [...classify, "--regression"],
      "a.csv",
      "text,label\na,1\nb,inf\n",
      /"inf"/,
    ],
    [
      "classify: series with another number of channels",
      series,
      "a.ts",
      `${header}1,2:a\n1,2:3,4:b\n`,
      /line 7: expected 1 channels/,
    ],
    [
      "classify: series with infinity",
      series,
      "a.ts",
      `${header}1,2:a\n1,Infinity:b\n`,
      /finite number, got "Infinity"/,
    ],
    ["classify: series with NaN", series, "a.ts", `${header}1,2:a\n1,NaN:b\n`, /value 2 is missing/],
    ["classify: series of one class", series, "a.ts", `${header}1,2:a\n1,3:a\n`, /the one class "a"/],
    ["classify: series in bad UTF-8", series, "a.ts", notText(header), /is not UTF-8/],
    ["tag: a ragged row", tag, "a.txt", "a X\nb\n", /line 2: expected 2 columns .* got 1/],
    ["tag: a wrong delimiter", tag, "a.txt", "a,X\nb,Y\n", /one column only/],
    ["tag: bad UTF-8", tag, "a.txt", notText("a X\n"), /byte 4 is not UTF-8/],
    ["tag: one tag", tag, "a.txt", lines(20, () => "a O\n"), /the one class "O"/],
  ])("%s", async (_, words, name, content, message) => {
    const { code, stdout, stderr } = await call(words, name, content);
    expect({ code, stdout, stderr }).toEqual({
      code: expect.any(Number),
      stdout: "",
      stderr: expect.stringMatching(message),
    });
    expect(code).toBe(name.endsWith(".parquet") ? 1 : 2);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it("series of a test file with other channels are refused before the training", async () => {
    writeFileSync(at("two_TEST.ts"), `${header}1,2:3,4:a\n`);
    const train = `${header}${lines(20, (k) => `1,${k}:${k % 2 ? "a" : "b"}`)}`;
    const { code, stderr } = await call([...series, "--test", at("two_TEST.ts")], "one_TRAIN.ts", train);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/two_TEST\.ts, line 6: expected 1 channel/),
    });
  });
});

describe("data that are odd are read for what they are", () => {
  it("a byte order mark, CRLF and NaN: missing values, told of", async () => {
    const rows = lines(60, (k) => `${k},${k % 9 === 0 ? "NaN" : k % 5}\r`);
    const { code, stderr } = await call([...forecast, "--no-baselines"], "a.csv", `\ufeffx,y\r\n${rows}`);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('Column "y": 7 of 60 values are missing.'),
    });
  });

  it("a series that never changes has forecasts that are numbers", async () => {
    const run = at(`run-${count}`);
    expect((await call([...forecast, "-q"], "a.csv", `y\n${lines(60, () => "5")}`)).code).toBe(0);
    const { stdout } = await longshort(["forecast", run]);
    expect(stdout).toMatch(/^61,y,[3-7]\.\d+,/m);
    expect(stdout).not.toContain("NaN");
  });

  it("labels and tags that come in the test alone count as wrong, and are named", async () => {
    const good = `text,label\n${lines(40, (k) => (k % 2 ? "good day,yes" : "bad day,no"))}`;
    writeFileSync(at("test.csv"), "text,label\ngood day,maybe\nbad day,no\n");
    const texts = await call([...classify, "--test", at("test.csv"), "-q"], "a.csv", good);
    expect({ code: texts.code, stderr: texts.stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('Note: "maybe" did not occur in training'),
    });
    expect(texts.stdout).toMatch(/^maybe +/m);
    writeFileSync(at("test.txt"), "EU B-LOC\nsays O\n");
    const words = await call(
      [...tag, "--test", at("test.txt"), "-q"],
      "a.txt",
      lines(30, () => "EU B-ORG\nsays O\n"),
    );
    expect(words.code, words.stderr).toBe(0);
    expect(words.stdout).toMatch(/^LOC +1 +0 +0/m);
  });
});
