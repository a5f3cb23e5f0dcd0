import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-config-"));
const at = (name: string): string => join(folder, name);
const small = { hiddenSize: 6, embeddingSize: 3, batchSize: 2, sequenceLength: 5, maxSteps: 2 };

beforeAll(() => {
  mkdirSync(at("below"));
  writeFileSync(at("below/text.txt"), "hello world, hello words\n".repeat(20));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(name: string, content: unknown): string {
  writeFileSync(at(name), typeof content === "string" ? content : JSON.stringify(content));
  return at(name);
}

const trainingOf = (run: string) => JSON.parse(readFileSync(join(run, "config.json"), "utf8")).training;

describe("--config", () => {
  it("gives settings that flags win over, with paths from the folder of the file", async () => {
    const file = config("a.json", {
      $schema: "x",
      files: ["below/text.txt"],
      ...small,
      tied: true,
      hiddenSize: 3,
      cell: "gru",
    });
    const run = at("run");
    const flags = ["--cell", "rnn", "--hidden-size", "4", "--no-tied"];
    const { code, stderr } = await longshort(["train", "text", "--config", file, ...flags, "-q", "-o", run]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(trainingOf(run)).toMatchObject({
      cell: "rnn",
      hiddenSize: 4,
      tied: false,
      batchSize: 2,
      learningRate: 2e-3,
    });
    expect(trainingOf(run).files).toEqual([at("below/text.txt")]);
  });

  it("takes a run's config.json and repeats the run", async () => {
    const again = at("again");
    expect(
      await longshort(["train", "text", "--config", join(at("run"), "config.json"), "-q", "-o", again]),
    ).toMatchObject({
      code: 0,
    });
    expect(trainingOf(again)).toEqual(trainingOf(at("run")));
    const weights = (run: string) => readFileSync(join(run, "model.safetensors"));
    expect(weights(again).equals(weights(at("run")))).toBe(true);
  });

  it("reads what earlier versions called otherwise, as flags too", async () => {
    const { sequenceLength, ...others } = small;
    const before = {
      files: ["below/text.txt"],
      ...others,
      tokenizer: "word",
      steps: sequenceLength,
      minimumCount: 3,
      warmup: 1,
    };
    const now = ["--sequence-length", "5", "--min-count", "3", "--warmup-steps", "1"];
    const flags = ["--steps", "5", "--minimum-count", "3", "--warmup", "1"];
    const run = async (name: string, given: object, ...words: string[]) => {
      const file = config(`${name}.json`, given);
      const { code, stderr } = await longshort(["train", "text", "--config", file, ...words, "-q", "-o", at(name)]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return trainingOf(at(name));
    };
    const { steps: _, minimumCount: __, warmup: ___, ...rest } = before;
    const expected = await run("of-now", rest, ...now);
    expect(expected).toMatchObject({ sequenceLength: 5, minCount: 3, warmupSteps: 1 });
    expect(await run("of-before", before)).toEqual(expected);
    expect(await run("flags-of-before", rest, ...flags)).toEqual(expected);
    const both = config("both.json", { ...before, sequenceLength: 7 });
    const { code, stderr } = await longshort(["train", "text", "--config", both, "-q", "-o", at("both")]);
    expect(code).toBe(2);
    expect(stderr).toContain('both.json: there is no setting "steps"');
  });

  it.each([
    ["unknown.json", { hidenSize: 3 }, 'unknown.json: there is no setting "hidenSize"; did you mean hiddenSize?'],
    ["range.json", { hiddenSize: 0 }, "range.json: hiddenSize: expected a whole number of at least 1, got 0"],
    ["type.json", { tied: "yes" }, 'type.json: tied: expected true or false, got "yes"'],
    ["cell.json", { cell: "lstn" }, 'got "lstn"; did you mean lstm?'],
    ["list.json", { files: [] }, "list.json: files: expected a list, each element a path, got an array of 0"],
    ["inner.json", { files: [3] }, "inner.json: files: expected a list, each element a path, got an array of 1"],
    ["flag.json", { "hidden-size": 3 }, 'there is no setting "hidden-size"; did you mean hiddenSize?'],
    ["array.json", [1], "expected an object of settings, got an array of 1"],
    ["broken.json", "{", "expected JSON"],
    ["run.json", { format: "longshort-run" }, 'this run does not say how it was trained ("training" is missing)'],
    [
      "sick.json",
      { format: "longshort-run", training: { epohs: 1 } },
      'sick.json, "training": there is no setting "epohs"',
    ],
  ])("%s is refused with one message", async (name, content, message) => {
    const file = config(name, content);
    const { code, stdout, stderr } = await longshort([
      "train",
      "text",
      at("below/text.txt"),
      "--config",
      file,
      "-o",
      at("x"),
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(existsSync(at("x"))).toBe(false);
  });

  it("names everything that is wrong at once, and a file that is not there", async () => {
    const file = config("many.json", { epohs: 1, hiddenSize: 0, seed: -1 });
    const { stderr } = await longshort(["train", "text", at("below/text.txt"), "--config", file]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(3);
    const none = await longshort(["train", "text", at("below/text.txt"), "--config", at("none.json")]);
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("none.json: there is no such file; check the path"),
    });
  });
});

describe("help", () => {
  it("is the same with `help` before the command as with --help behind it", async () => {
    const expected = await longshort(["train", "text", "--help"]);
    expect(expected.stdout).toContain("Usage: longshort train text");
    expect(await longshort(["help", "train", "text"])).toEqual(expected);
    expect(await longshort(["help"])).toEqual(await longshort(["--help"]));
  });
});
