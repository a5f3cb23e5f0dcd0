import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { longshort } from "./fake-io.ts";
import { logOf, ownTagsOf } from "./run-logs.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-tag-cli-"));
const at = (name: string): string => join(folder, name);
const small = ["--hidden-size", "6", "--embedding-size", "6", "--dropout", "0.1", "--learning-rate", "0.03"];

/** "may" is a month behind "in" and none behind "we". */
const sentences = [
  "we/O may/O go/O in/O may/B-WHEN next/I-WHEN",
  "in/O may/B-WHEN we/O go/O",
  "we/O may/O",
  "go/O in/O june/B-WHEN",
];
const pairs = (line: string): string[][] => line.split(" ").map((pair) => pair.split("/"));
const columns = (lines: readonly string[]): string =>
  lines
    .map(
      (line) =>
        `${pairs(line)
          .map(([token, tag]) => `${token} x ${tag}\n`)
          .join("")}\n`,
    )
    .join("");
const rows = (lines: readonly string[]): string =>
  lines
    .map((line) => {
      const cells = pairs(line);
      const intent = cells[0]![0] === "we" ? "wish" : "fact";
      return `${cells.map(([token]) => token).join(" ")}\t${cells.map(([, tag]) => tag).join(" ")}\t${intent}\n`;
    })
    .join("");
const many = Array.from({ length: 48 }, (_, k) => sentences[k % 4]!);

beforeAll(() => {
  writeFileSync(at("t.conll"), `-DOCSTART- x O\n\n${columns(many)}`);
  writeFileSync(at("t.tsv"), rows(many));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("columns: trained, measured beside a baseline, predicted, resumed, told of", async () => {
  writeFileSync(at("test.conll"), columns([...sentences, "we/O met/O ada/B-WHO"]));
  const train = ["train", "tag", at("t.conll"), ...small, "--epochs", "8"];
  const ran = await longshort([...train, "--test", at("test.conll"), "-o", at("run")]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toMatch(
    /44 sentences \(\d+ tokens\) for training, 4 for validation; \d tags; spans written as iob2, learned as bioes; /,
  );
  expect(ran.stderr).toMatch(/epoch 8\/8: .* F1 100.0 %, accuracy 100.0 %/);
  expect(ran.stderr).toMatch(/"WHO" did not occur in training/);
  expect(ran.stdout).toMatch(
    /On the 5 test sentences \(18 tokens\):\n +token accuracy +precision +recall +F1\nthis model +[89]\d\.\d %/,
  );
  expect(ran.stdout).toMatch(/each word's most frequent tag +\d/);
  expect(ran.stdout).toMatch(/\nlabel +expected +predicted +correct .*\nWHEN +3 +\d +3 .*\nWHO +1 +\d +0 +0.0 %/);

  expect(logOf(at("run")).at(-2)).toMatch(/^epoch 8\/8: /);
  expect(ownTagsOf(at("run"))).toEqual([
    ...["accuracy/validation", "f1/validation", "score/validation", "speed/tokens per second"],
  ]);

  // Tags are not needed.
  writeFileSync(at("new.txt"), "in\nmay\nwe\ngo\n\nwe\nmay\n");
  const found = await longshort(["predict", at("run"), at("new.txt")]);
  expect(found.stdout, found.stderr).toBe("in\tO\nmay\tB-WHEN\nwe\tO\ngo\tO\n\nwe\tO\nmay\tO\n\n");
  const likely = await longshort(["predict", at("run"), "--input", "in may we go", "--probabilities"]);
  expect(likely.stdout).toMatch(/^in\tO\tO=\d\.\d{3}.*\nmay\tB-WHEN\tS-WHEN=0\.\d{3}/);
  const json = JSON.parse(
    (await longshort(["predict", at("run"), "--input", "we may go in may next", "--json"])).stdout,
  );
  expect(json).toMatchObject({
    tags: ["O", "O", "O", "O", "B-WHEN", "I-WHEN"],
    spans: [{ label: "WHEN", start: 4, end: 6 }],
  });

  expect((await longshort(["predict", at("run"), at("new.txt"), "--text", "word"])).stderr).toMatch(
    /--text: expected the number of a column/,
  );

  // A sentence a line is something else, and mostly no table; where it could be one, what was read is said.
  writeFileSync(at("sentences.txt"), "in may\nwe may go\n");
  const ragged = await longshort(["predict", at("run"), at("sentences.txt")]);
  expect(ragged).toMatchObject({ code: 2, stderr: expect.stringMatching(/line 2: expected 2 columns .* --lines/) });
  writeFileSync(at("sentences.txt"), "in may\nwe may\n");
  const even = await longshort(["predict", at("run"), at("sentences.txt")]);
  expect(even).toMatchObject({ code: 0, stderr: expect.stringMatching(/one sentence of 2 tokens, .* --lines/) });
  expect(found.stderr).toBe("");

  // The test part again, another file, and one whose training file is gone.
  const tested = await longshort(["evaluate", at("run")]);
  expect(tested.stdout, tested.stderr).toBe(
    ran.stdout.slice(ran.stdout.indexOf("On the 5"), ran.stdout.indexOf("Next:")),
  );
  const learned = await longshort(["evaluate", at("run"), at("t.conll"), "--no-baselines"]);
  expect(learned.stdout).toMatch(/^On the 48 test sentences .*\n.*\nthis model +100.0 %.*\n\nlabel/);
  // A run that a program saved does not say what it learned from.
  cpSync(at("run"), at("saved"), { recursive: true });
  const { training: _, ...config } = JSON.parse(readFileSync(at("saved/config.json"), "utf8"));
  writeFileSync(at("saved/config.json"), JSON.stringify(config));
  const untold = await longshort(["evaluate", at("saved")]);
  expect(untold).toMatchObject({ code: 2, stderr: expect.stringContaining("saved: the run does not say what it") });
  const told = await longshort(["evaluate", at("saved"), at("t.conll")]);
  expect(told).toMatchObject({ code: 0, stdout: learned.stdout, stderr: expect.stringMatching(/^Note: no baseline/) });

  // One that nothing was kept back of.
  await longshort([...train, "--validation", "0", "-o", at("all")]);
  const nothing = await longshort(["evaluate", at("all")]);
  expect(nothing).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/without a validation part/) });

  renameSync(at("t.conll"), at("moved"));
  const gone = await longshort(["evaluate", at("run")]);
  expect(gone).toMatchObject({ code: 0, stderr: expect.stringMatching(/no baseline, because .*t\.conll/) });
  renameSync(at("moved"), at("t.conll"));
  const refused = await longshort(["evaluate", at("run"), "--baseline", at("t.conll")]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/only for language models/) });

  const more = await longshort(["resume", at("run"), "--epochs", "9"]);
  expect(more.code, more.stderr).toBe(0);
  expect(more.stderr).toMatch(/Resumed after step \d+/);
  const info = (await longshort(["info", at("run")])).stdout;
  expect(info).toMatch(/train tag --config/);
  expect(info).not.toMatch(/perplexity|undefined|NaN/);
  const other = await longshort(["generate", at("run")]);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/of a tagger; .* predict/) });
});

test("rows: slots and intents, validated on a file; JSON", async () => {
  const how = ["--rows", "--token", "1", "--tag", "2", "--intent", "3", "--validation", at("t.tsv")];
  const ran = await longshort([
    "train",
    "tag",
    at("t.tsv"),
    ...how,
    ...small,
    "--epochs",
    "6",
    "--json",
    "-q",
    "-o",
    at("rows"),
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  const lines = ran.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const scores = lines.filter(({ type }) => type === "scores");
  expect(scores.map(({ name }) => name)).toEqual(["model", "each word's most frequent tag"]);
  expect(scores[0]).toMatchObject({ part: "validation", sentences: 48, spans: { f1: 1 }, intentAccuracy: 1 });
  expect(scores[1].spans.f1).toBeLessThan(1);
  const seen = (await longshort(["inspect", at("rows"), at("t.tsv"), "--json"])).stdout.split("\n")[0]!;
  expect(JSON.parse(seen)).toMatchObject({ type: "step", token: "we", intent: "wish" });
  expect(JSON.parse(readFileSync(at("rows/config.json"), "utf8")).model).toMatchObject({
    kind: "tagger",
    intents: ["fact", "wish"],
  });
  const found = await longshort(["predict", at("rows"), at("t.tsv")]);
  expect(found.stdout).toBe(rows(many));
  writeFileSync(at("lines.txt"), 'we may\r\n\r\n"in may\n');
  expect((await longshort(["predict", at("rows"), at("lines.txt"), "--lines"])).stdout).toMatch(
    /^we may\tO O\twish\n"in may\t/,
  );
});

test("stopped in the middle, a training goes on to the same weights", async () => {
  const train = (more: readonly string[]) =>
    longshort(["train", "tag", at("t.conll"), ...small, "--epochs", "2", "-q", ...more]);
  await train(["-o", at("whole")]);
  await train(["-o", at("parts"), "--max-steps", "2", "--checkpoint-every", "1"]);
  await longshort(["resume", at("parts"), "--max-steps", "1000", "-q"]);
  const weights = (run: string): Buffer => readFileSync(join(at(run), "model.safetensors"));
  expect(weights("parts").equals(weights("whole"))).toBe(true);
});

test.each<[string, string, readonly string[], RegExp]>([
  ["an empty file", "", [], /the file is empty/],
  ["one tag only", "a O\nb O\n", [], /one class "O"/],
  ["another delimiter", "a,O\nb,B-X\n", [], /one column only/],
  ["ragged rows", "a O\nb\n", [], /line 2: expected 2 columns/],
  ["a column name", "a O\nb B-X\n", ["--token", "word"], /--token: expected the number of a column/],
  ["an intent in columns", "a O\nb B-X\n", ["--intent", "3"], /expected --rows/],
  ["rows without a tag column", "a\tO\n", ["--rows"], /--tag is required: the column/],
  ["tags that are no spans", "a X\nb Y\n", ["--scheme", "bmes"], /line 1: .*as in bmes/],
  ["a test file that is broken", "a O\nb B-X\n", ["--test", "nowhere.txt"], /nowhere\.txt/],
])("refuses %s", async (_, text, more, message) => {
  writeFileSync(at("bad.txt"), text);
  const ran = await longshort(["train", "tag", at("bad.txt"), ...more, "-o", at("bad")]);
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  expect(existsSync(at("bad/model.safetensors"))).toBe(false);
});

test("an inconsistent scheme is read as conlleval does", async () => {
  writeFileSync(
    at("mixed.txt"),
    columns([...many.slice(0, 40), "in/O june/I-WHEN next/E-WHEN", "june/B-WHEN may/I-WHAT"]),
  );
  const ran = await longshort(["train", "tag", at("mixed.txt"), ...small, "--epochs", "1", "-o", at("mixed")]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stdout).toMatch(/label +expected/);
});

test("flags of taggers are refused for other runs", async () => {
  writeFileSync(at("c.csv"), `t,l\n${"up we go,up\ndown we go,down\n".repeat(10)}`);
  await longshort([
    "train",
    "classify",
    at("c.csv"),
    "--text",
    "t",
    "--label",
    "l",
    "--epochs",
    "1",
    "-q",
    "-o",
    at("c"),
  ]);
  expect(await longshort(["predict", at("c"), "--input", "up", "--probabilities"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--probabilities: only for taggers/),
  });
  expect(await longshort(["predict", at("run"), "--with", at("c"), "--input", "up"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--with: only for classifiers/),
  });
});
