import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { classifierBaselines } from "../../src/train/classifier-baselines.ts";
import { longshort } from "./fake-io.ts";
import { logOf, ownTagsOf } from "./run-logs.ts";

vi.mock("../../src/train/classifier-baselines.ts", async (original) => {
  const module = await original<typeof import("../../src/train/classifier-baselines.ts")>();
  return { ...module, classifierBaselines: vi.fn(module.classifierBaselines) };
});

const folder = mkdtempSync(join(tmpdir(), "longshort-classify-"));
const at = (name: string): string => join(folder, name);
const ofSeries = ["--hidden-size", "6", "--learning-rate", "0.03", "--epochs", "3"];
const small = [...ofSeries, "--embedding-size", "6"];

/** "up …" or "down …", one in five with quotation marks and commas. */
const rows = Array.from({ length: 60 }, (_, k) => [
  k % 2 ? "up" : "down",
  `${k % 2 ? "up" : "down"} we, "go" ${k % 7}`,
]);
const csv = (all: readonly (readonly string[])[]): string =>
  `kind,words\n${all.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")).join("\n")}\n`;
const header = "@problemName t\n@timeStamps false\n@classLabel true low high\n@data\n";
const series = Array.from({ length: 30 }, (_, k) => {
  const values = Array.from({ length: 3 + (k % 3) }, (_, t) => (k % 2 ? 1 : -1) + Math.sin(k * 7 + t) / 2);
  return `${values.join(",")}:${k % 2 ? "high" : "low"}`;
});

beforeAll(async () => {
  writeFileSync(at("t.csv"), csv(rows));
  writeFileSync(at("s_TRAIN.ts"), `${header}${series.join("\n")}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("texts of a table: trained, measured beside baselines, predicted, resumed", async () => {
  writeFileSync(at("test.csv"), csv([...rows.slice(0, 9), ["sideways", "we go"]]));
  const train = ["train", "classify", at("t.csv"), "--text", "words", "--label", "kind", ...small];
  const ran = await longshort([...train, "--test", at("test.csv"), "-o", at("run")]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toMatch(/54 examples for training, 6 for validation; 2 classes/);
  expect(ran.stderr).toMatch(/epoch 3\/3: .* accuracy 100.0 %/);
  expect(ran.stderr).toMatch(/"sideways" did not occur in training/);
  expect(ran.stdout).toMatch(/On the 10 test examples:/);
  expect(ran.stdout).toMatch(/this model +90.0 %/);
  expect(ran.stdout).toMatch(/always "(up|down)" +\d/);
  expect(ran.stdout).toMatch(/logistic regression on counts of tokens +\d/);
  expect(ran.stdout).toMatch(/true \\ predicted +down +up +sideways +precision +recall +F1/);

  const log = logOf(at("run"));
  expect(ran.stderr.startsWith(`${log.slice(0, -1).join("\n")}\n`)).toBe(true);
  expect(log.slice(-2)).toEqual([
    expect.stringMatching(/^epoch 3\/3: /),
    expect.stringMatching(/^end \(done\) after /),
  ]);
  expect(ownTagsOf(at("run"))).toEqual(["accuracy/validation", "macroF1/validation", "speed/examples per second"]);

  const found = await longshort(["predict", at("run"), at("test.csv")]);
  const [head, first] = found.stdout.split("\n");
  expect(head).toBe("label,down,up");
  expect(first).toMatch(/^down,0\.\d{6},0\.\d{6}$/);
  expect(found.stdout.trim().split("\n")).toHaveLength(11);
  const one = await longshort(["predict", at("run"), "--input", 'up we, "go" 3', "--json"]);
  const { label, probabilities } = JSON.parse(one.stdout);
  expect({ label, classes: Object.keys(probabilities) }).toEqual({ label: "up", classes: ["down", "up"] });

  writeFileSync(at("other.csv"), "what\nup\n");
  for (const [command, hint] of [
    ["predict", "--text says which one it is"],
    ["inspect", "give a file with the columns of the training file"],
  ] as const) {
    const { code, stderr } = await longshort([command, at("run"), at("other.csv")]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(new RegExp(`no column "words".*; ${hint}\n$`))]);
  }

  cpSync(at("run"), at("before"), { recursive: true });
  const more = await longshort(["resume", at("run"), "--epochs", "4"]);
  expect(more.code, more.stderr).toBe(0);
  expect(more.stderr).toMatch(/Resumed after step \d+/);
  expect(logOf(at("run")).slice(0, log.length)).toEqual(log);
  const up = async (...words: string[]): Promise<number> =>
    JSON.parse((await longshort(["predict", ...words, "--input", "up we go", "--json"])).stdout).probabilities.up;
  const [now, then] = [await up(at("run")), await up(at("before"))];
  expect(now).not.toBe(then);
  expect(await up(at("run"), "--with", at("before"), "--with", at("before"))).toBeCloseTo((now + 2 * then) / 3, 12);
  const info = (await longshort(["info", at("run")])).stdout;
  expect(info).toMatch(/^Model +lstm, 6 units in both directions, embedding 6 for/m);
  expect(info).toMatch(/train classify --config/);
  const other = await longshort(["generate", at("run")]);
  expect(other).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/of a classifier; for it there are the commands predict, evaluate and inspect/),
  });
});

test("series: classes beside the nearest one by dynamic time warping; JSON", async () => {
  const ran = await longshort([
    "train",
    "classify",
    at("s_TRAIN.ts"),
    ...ofSeries,
    "--epochs",
    "20",
    "--json",
    "-q",
    "-o",
    at("series"),
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  const lines = ran.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const scores = lines.filter(({ type }) => type === "scores");
  expect(scores.map(({ name }) => name)).toEqual(["model", 'always "high"', "nearest series by dynamic time warping"]);
  expect(scores[0]).toMatchObject({ part: "validation", accuracy: 1 });
  expect(scores[2].accuracy).toBe(1);
  expect(existsSync(at("series/tokenizer.json"))).toBe(false);
  expect(JSON.parse(readFileSync(at("series/config.json"), "utf8")).model).toMatchObject({
    kind: "sequence-classifier",
    channels: 1,
  });
  expect((await longshort(["predict", at("series"), at("s_TRAIN.ts")])).stdout).toMatch(/^label,high,low\nlow,/);
});

test("what could not be measured is said, also in JSON", async () => {
  const left = [{ name: "a slow one", scores: undefined, why: "would take too long here" }];
  const train = ["train", "classify", at("s_TRAIN.ts"), ...ofSeries, "-q", "--force", "-o", at("slow")];
  vi.mocked(classifierBaselines).mockResolvedValueOnce(left).mockResolvedValueOnce(left);
  expect((await longshort(train)).stdout).toContain("\n(a slow one: would take too long here)\n");
  const [, , told] = (await longshort([...train, "--json"])).stdout
    .split("\n")
    .filter((line) => /"(scores|saved)"/.test(line));
  expect(JSON.parse(told!)).toEqual({ type: "scores", part: "validation", name: "a slow one", why: left[0]!.why });
});

test("series in a long table: trained, predicted, inspected and evaluated by the columns that were named", async () => {
  const row = (k: number): string => {
    const one = Math.floor(k / 4);
    return `r${one},${k},${one % 2 ? 5 + (k % 4) : 1},${(k * 7) % 3},${one % 2 ? "high" : "low"}\n`;
  };
  writeFileSync(at("long.csv"), `who,at,x,y,kind\n${Array.from({ length: 160 }, (_, k) => row(k)).join("")}`);
  const named = ["--channels", "x", "y", "--id", "who", "--label", "kind"];
  const train = ["train", "classify", at("long.csv"), ...ofSeries, "--no-baselines", "-q"];
  const ran = await longshort([...train, ...named, "--test", at("long.csv"), "--epochs", "20", "-o", at("long")]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stdout).toMatch(/On the 40 test examples:/);
  expect(JSON.parse(readFileSync(at("long/config.json"), "utf8")).model).toMatchObject({ channels: 2 });
  // A table to predict on needs no labels.
  writeFileSync(at("new.csv"), `who,x,y\n${Array.from({ length: 4 }, (_, k) => `z,${5 + k},0\n`).join("")}`);
  expect((await longshort(["predict", at("long"), at("new.csv")])).stdout).toMatch(/^label,high,low\nhigh,[^\n]*\n$/);
  const seen = await longshort(["inspect", at("long"), at("long.csv"), "--row", "2"]);
  expect(seen.stdout).toMatch(/^the series .*\n +1 2 3 4\nchannel 1 /m);
  for (const [options, said] of [
    [named.slice(0, 3), "--id: expected the column that says which series a row belongs to"],
    [["--id", "who"], "--id: a column of a table of series; --channels says which columns its numbers are"],
    [["--time", "at"], "--time: a column of a table of series"],
    [[...named, "--text", "kind"], "--channels: the file is a table of series; leave out --text"],
    [["--channels", "z", "--id", "who"], 'no column "z"'],
  ] as const)
    expect(await longshort([...train, ...options, "-o", at("no-long")])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining(said) },
    });
});

test("columns of probabilities stand below their classes, -1 and 1 too", async () => {
  writeFileSync(at("signs.csv"), csv(rows.map(([kind, words]) => [kind === "up" ? "1" : "-1", words!])));
  const train = ["train", "classify", at("signs.csv"), "--text", "words", "--label", "kind", ...small, "-q"];
  await longshort([...train, "-o", at("signs")]);
  const [head, first] = (await longshort(["predict", at("signs"), "--input", "up we go"])).stdout.split("\n");
  expect(head).toBe("label,-1,1");
  const [label, minus, plus] = first!.split(",");
  expect(label).toBe("1");
  expect(Number(plus)).toBeGreaterThan(Number(minus));
});

test("a regression predicts numbers", async () => {
  writeFileSync(
    at("n.jsonl"),
    rows.map(([kind, words]) => `${JSON.stringify({ words, n: kind === "up" ? 40 : 20 })}\n`).join(""),
  );
  const train = ["train", "classify", at("n.jsonl"), "--text", "words", "--label", "n", "--regression", ...small, "-q"];
  const ran = await longshort([...train, "-o", at("n")]);
  expect(ran.stdout).toMatch(/RMSE +MAE +R²\nthis model +\d/);
  expect(ran.stdout).toMatch(/always the mean +/);
  const { stdout } = await longshort(["predict", at("n"), "--input", "up we go"]);
  expect(stdout).toMatch(/^value\n/);
  expect(Number(stdout.split("\n")[1])).toBeGreaterThan(30);
  await longshort([...train, "--epochs", "1", "-o", at("n1")]);
  const value = async (...runs: string[]): Promise<number> =>
    Number((await longshort(["predict", ...runs, "--input", "up we go"])).stdout.split("\n")[1]);
  const [one, other] = [await value(at("n")), await value(at("n1"))];
  expect(one).not.toBeCloseTo(other, 3);
  expect(await value(at("n"), "--with", at("n1"))).toBeCloseTo((one + other) / 2, 9);
  expect(await longshort(["predict", at("run"), "--with", at("n"), "--input", "up"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/predicts numbers, not classes/),
  });
});

test("columns called text and label need no naming", async () => {
  writeFileSync(at("named.csv"), csv(rows).replace("kind,words", "label,text"));
  const ran = await longshort(["train", "classify", at("named.csv"), ...small, "-q", "-o", at("named")]);
  expect(ran.code, ran.stderr).toBe(0);
  const found = await longshort(["predict", at("named"), at("named.csv")]);
  expect(found.stdout.trim().split("\n")).toHaveLength(61);
});

test.each<[string, readonly string[], RegExp]>([
  ["no column of the text", [], /no column "text", its columns are "kind", "words"; --text and --label say which/],
  ["a column that is none", ["--text", "word", "--label", "kind"], /did you mean words/],
  [
    "labels of a regression that are text",
    ["--text", "words", "--label", "kind", "--regression"],
    /t.csv, line 2: expected a number to predict/,
  ],
  ["one class only", ["--text", "words", "--label", "same"], /one class "x"/],
])("refuses %s", async (_, options, message) => {
  writeFileSync(at("t.csv"), csv(rows));
  if (options.includes("same")) writeFileSync(at("t.csv"), "words,same\na,x\nb,x\n");
  const { code, stderr } = await longshort([
    "train",
    "classify",
    at("t.csv"),
    ...options,
    "-o",
    at(`bad-${options.length}`),
  ]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
});
