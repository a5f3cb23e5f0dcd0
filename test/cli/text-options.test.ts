import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-text-"));
const text = join(folder, "abc.txt");
const run = join(folder, "run");
const small = ["--hidden-size", "8", "--embedding-size", "4", "--batch-size", "4", "--sequence-length", "10"];

const json = (output: string): Record<string, unknown>[] =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
let runs = 0;

/** Trains for a few steps and gives what the run holds. */
async function train(...flags: string[]) {
  const output = join(folder, `run-${runs++}`);
  const files = flags.some((flag) => flag.includes("data")) ? [] : [text];
  const argv = ["train", "text", ...files, ...small, "--max-steps", "12", "-o", output, "--quiet", ...flags];
  const { code, stderr } = await longshort(argv);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const read = (name: string) => readFileSync(join(output, name));
  return {
    output,
    config: JSON.parse(read("config.json").toString()),
    tokenizer: JSON.parse(read("tokenizer.json").toString()),
    weights: read("model.safetensors").toString("base64"),
  };
}

beforeAll(async () => {
  writeFileSync(text, "abcabd. Abc\n".repeat(60));
  mkdirSync(join(folder, "data/deep"), { recursive: true });
  for (const [k, name] of ["one", "deep/two", "deep/three"].entries())
    writeFileSync(join(folder, "data", `${name}.txt`), `${"xyz ".repeat(9 + k)}\nabc\n`.repeat(12));
  const { code } = await longshort([
    "train",
    "text",
    text,
    ...small,
    "--learning-rate",
    "0.02",
    "--epochs",
    "6",
    "-o",
    run,
    "--quiet",
  ]);
  expect(code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("train text", () => {
  test("each dropout and penalty is kept in the model, and changes what is learned", async () => {
    const layers = ["--layers", "2"];
    const plain = await train(...layers);
    const seen = new Set([plain.weights]);
    const options: [string, string, string, unknown][] = [
      ["--input-dropout", "0.3", "inputDropout", 0.3],
      ["--layer-dropout", "0.3", "layerDropout", 0.3],
      ["--output-dropout", "0.3", "outputDropout", 0.3],
      ["--embedding-dropout", "0.3", "embeddingDropout", 0.3],
      ["--weight-dropout", "0.3", "weightDropout", 0.3],
      ["--activation-penalty", "2", "activationPenalty", 2],
      ["--change-penalty", "3", "changePenalty", 3],
    ];
    for (const [flag, value, name, expected] of options) {
      const { config, weights } = await train(...layers, flag, value);
      expect(config.model[name], flag).toBe(expected);
      expect(config.training[name], flag).toBe(expected);
      expect(seen, flag).not.toContain(weights);
      seen.add(weights);
    }
    const steps = await train(...layers, "--dropout", "0.3");
    const locked = await train(...layers, "--dropout", "0.3", "--dropout-per", "sequence");
    expect(locked.config.model.dropoutPer).toBe("sequence");
    expect(locked.weights).not.toBe(steps.weights);
  });

  test("pairs of bytes or characters, of a size, normalized", async () => {
    const bpe = await train("--tokenizer", "bpe", "--vocabulary-size", "262");
    expect(Object.keys(bpe.tokenizer.model.vocab)).toHaveLength(262);
    const characters = await train("--tokenizer", "bpe", "--alphabet", "character", "--min-count", "100");
    expect(Object.keys(characters.tokenizer.model.vocab)).toContain("ab");
    expect(Object.keys(characters.tokenizer.model.vocab)).not.toContain("Ab");
    const lower = await train("--tokenizer", "word", "--normalize", "nfc", "lowercase");
    expect(lower.tokenizer.normalizer.normalizers.map((one: { type: string }) => one.type)).toEqual([
      "NFC",
      "Lowercase",
      "Replace",
    ]);
    expect(Object.keys(lower.tokenizer.model.vocab)).not.toContain("Abc");
  });

  test("patterns, folders, documents and their order", async () => {
    const data = join(folder, "data");
    const files = await train(join(data, "**/*.txt"), "--documents", "line");
    const same = await train(data, "--documents", "line");
    expect(same.weights).toBe(files.weights);
    expect(files.tokenizer.added_tokens.map((one: { content: string }) => one.content)).toEqual(["<|endoftext|>"]);
    const shuffled = await train(data, "--documents", "line", "--shuffle");
    expect(shuffled.weights).not.toBe(files.weights);
    const marked = await train(data, "--documents", "\nabc\n");
    expect(marked.weights).not.toBe(files.weights);
    // What was kept for validation is found again.
    const { stdout, code } = await longshort(["evaluate", shuffled.output, "--json"]);
    expect(code).toBe(0);
    expect(json(stdout)).toContainEqual(expect.objectContaining({ type: "score", name: "lstm" }));
    const generated = await longshort(["generate", files.output, "--length", "500", "--temperature", "5"]);
    expect(generated.stdout).not.toContain("<|");
    const wrong = await longshort(["train", "text", join(data, "*.csv"), "-o", join(folder, "none")]);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain("no file matches this pattern");
  });
});

describe("generate", () => {
  const generated = async (...flags: string[]): Promise<string> => {
    const { code, stdout, stderr } = await longshort(["generate", run, "--length", "60", ...flags]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    return stdout;
  };
  const generate = (...flags: string[]): Promise<string> => generated("--temperature", "1.5", ...flags);

  test("each option changes what is written", async () => {
    const plain = await generate("--prompt", "ab");
    for (const flags of [
      ["--min-p", "0.5"],
      ["--typical-p", "0.3"],
      ["--repetition-penalty", "4"],
    ])
      expect(await generate("--prompt", "ab", ...flags), flags.join(" ")).not.toBe(plain);
    const penalty = ["--repetition-penalty", "4"];
    expect(await generate("--prompt", "ab", ...penalty, "--repetition-window", "1")).not.toBe(
      await generate("--prompt", "ab", ...penalty),
    );
    const stop = plain.slice(10, 12);
    expect(await generate("--prompt", "ab", "--stop", "never", "--stop", stop)).toBe(
      `${plain.slice(0, plain.indexOf(stop, 2))}\n`,
    );
  });

  test("tells tokens with their log probabilities", async () => {
    const rows = json(await generate("--json", "--alternatives", "2", "--length", "5"));
    expect(rows).toHaveLength(6);
    expect(rows[0]).toMatchObject({ type: "token", token: expect.any(Number), logProbability: expect.any(Number) });
    expect(rows[0]!.alternatives).toHaveLength(2);
    expect(rows[0]!.alternatives).toContainEqual({
      token: expect.any(Number),
      probability: expect.any(Number),
      piece: expect.any(String),
    });
  });

  test("searches for likely texts", async () => {
    const beam = ["--prompt", "ab", "--length", "8", "--beams", "3"];
    const one = await generated(...beam);
    expect(one).toMatch(/^ab.{8}\n$/s);
    expect(await generated(...beam)).toBe(one);
    const three = json(await generated(...beam, "--count", "3", "--json"));
    expect(three.map((found) => found.type)).toEqual(["beam", "beam", "beam"]);
    expect(`${three[0]!.text}\n`).toBe(one);
    expect(three[0]!.score).toBeCloseTo((three[0]!.logProbability as number) / 8, 9);
    const total = json(await generated(...beam, "--length-penalty", "0", "--json"));
    expect(total[0]!.score).toBeCloseTo(total[0]!.logProbability as number, 9);
    expect(await generated(...beam, "--count", "2")).toMatch(/── score -\d+\.\d{4}\nab/);
  });

  test("answers the prompts of a file", async () => {
    const file = join(folder, "prompts.txt");
    writeFileSync(file, "ab\r\nAb\n");
    const rows = json(await generate("--prompts", file, "--json", "--length", "6"));
    expect(rows.map((row) => row.prompt)).toEqual(["ab", "Ab"]);
    expect(`ab${rows[0]!.text}\n`).toBe(await generate("--prompt", "ab", "--length", "6"));
    expect(await generate("--prompts", file, "--length", "6")).toBe(`ab${rows[0]!.text}\n\nAb${rows[1]!.text}\n`);
  });

  test("answers line by line and remembers, forgets, saves and leaves", async () => {
    const interactive = async (...stdin: string[]) =>
      longshort(["generate", run, "--interactive", "--length", "12", "--stop", "\n"], { stdin });
    const answers = (out: { stdout: string }) => out.stdout.split("\n");
    const saved = join(folder, "said.txt");
    const said = await interactive("ab", "ab", "/reset", "ab", `/save ${saved}`, "/quit", "ab");
    expect(said.code).toBe(0);
    expect(said.stderr).toBe(`Forgotten.\nWrote ${saved}\n`);
    const [first, second, third] = answers(said);
    expect(third).toBe(first);
    expect(answers(said)).toHaveLength(4);
    expect(readFileSync(saved, "utf8")).toBe(`ab\n${third}`);
    expect(answers(await interactive("ab", "ab")).slice(0, 2)).toEqual([first, second]);
    const odd = await interactive("/nothing", "/save", "z?", "ab");
    expect(odd.stderr).toMatch(/^error: unknown command '\/nothing'\n(.*\n)*\/reset /);
    expect(odd.stderr).toContain("error: /save: expected the name of a file, got nothing\n");
    expect(odd.stderr).toContain('error: the text has "z" (U+007A)');
    expect(odd.code).toBe(0);
    expect((await interactive()).code).toBe(0);
    const begun = await longshort(["generate", run, "--interactive", "--prompt", "ab", "--length", "3"]);
    expect(begun.stdout).toMatch(/^.{3}\n$/s);
  });

  test.each<[string[], string]>([
    [["--count", "2"], "give --beams as well"],
    [["--length-penalty", "1"], "give --beams as well"],
    [["--alternatives", "1"], "give --json as well"],
    [["--interactive", "--beams", "2"], "give one of them"],
    [["--interactive", "--json"], "does not go with --json"],
    [["--stop", ""], "expected strings that are not empty"],
    [["--min-p", "2"], "--min-p: expected a number from 0 to 1"],
    [["--prompts", "nowhere.txt"], "there is no such file"],
  ])("%j is refused", async (flags, message) => {
    const { code, stderr } = await longshort(["generate", run, ...flags]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe("score", () => {
  test("shows the surprisal of each token: a table, JSON, colours", async () => {
    const plain = await longshort(["score", run, "--text", "abc"]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    expect(plain.stdout).toMatch(/token +nats +rank\n"a" +\d+\.\d{3} +\d+\n"b"/);
    expect(plain.stdout).toMatch(/\n3 tokens, \d+\.\d\d nats, \d+\.\d{4} per token \(perplexity \d+\.\d\d\)\n$/);
    const file = join(folder, "scored.txt");
    writeFileSync(file, "abc");
    expect((await longshort(["score", run, file])).stdout).toBe(plain.stdout);
    const rows = json((await longshort(["score", run, "--text", "abc", "--json", "--alternatives", "1"])).stdout);
    expect(rows.map((row) => row.type)).toEqual(["token", "token", "token", "text"]);
    expect(rows[3]!.nats).toBeCloseTo(
      rows.slice(0, 3).reduce((sum, row) => sum + (row.nats as number), 0),
      9,
    );
    expect(rows[0]!.alternatives).toHaveLength(1);
    expect((await longshort(["score", run, "--text", "abc", "--alternatives", "2"])).stdout).toMatch(/expected\n.*%/);
    const colored = await longshort(["score", run, "--text", "abc"], { color: true });
    expect(colored.stdout.split("\u001b[48;2;")).toHaveLength(4);
  });

  test("refuses no text and two", async () => {
    for (const words of [[], [text, "--text", "ab"]])
      expect(await longshort(["score", run, ...words])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("not both"),
      });
    expect((await longshort(["score", run, "--text", ""])).stderr).toContain("expected some text");
  });
});
