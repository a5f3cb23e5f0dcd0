import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-bad-"));
const at = (name: string): string => join(folder, name);
const run = at("run");
const text = at("text.txt");

beforeAll(async () => {
  writeFileSync(text, "hello world, hello words\n".repeat(40));
  writeFileSync(at("empty.txt"), "");
  writeFileSync(at("one.txt"), "h");
  writeFileSync(
    at("binary.bin"),
    Uint8Array.from({ length: 600 }, (_, k) => (k * 97) % 256),
  );
  writeFileSync(at("latin1.txt"), Uint8Array.from([0x68, 0xe9, 0x68]));
  writeFileSync(at("bad.gz"), Uint8Array.from([0x1f, 0x8b, 1, 2, 3, 4]));
  mkdirSync(at("folder"));
  const trained = await longshort(["train", "text", text, "--hidden-size", "8", "--max-steps", "2", "-q", "-o", run]);
  expect(trained).toMatchObject({ code: 0, stderr: "" });

  const copies = { weights: "model.safetensors", config: "config.json", tokenizer: "tokenizer.json" };
  for (const [name, file] of Object.entries(copies)) {
    cpSync(run, at(`altered-${name}`), { recursive: true });
    const path = join(at(`altered-${name}`), file);
    const bytes = readFileSync(path);
    if (name === "weights") {
      bytes[bytes.length - 3]! ^= 0x55;
      writeFileSync(path, bytes);
    } else writeFileSync(path, bytes.subarray(0, bytes.length / 2));
  }
  cpSync(run, at("cut"), { recursive: true });
  const weights = join(at("cut"), "model.safetensors");
  writeFileSync(weights, readFileSync(weights).subarray(0, 200));
  const changes = {
    "other-size": ['"hiddenSize": 8', '"hiddenSize": 9'],
    "own-task": ['"kind": "language-model"', '"kind": "mine"'],
    "no-task": ['"task": "text",', ""],
  } as const;
  for (const [name, [from, to]] of Object.entries(changes)) {
    cpSync(run, at(name), { recursive: true });
    const config = join(at(name), "config.json");
    const text = readFileSync(config, "utf8");
    expect(text).toContain(from);
    writeFileSync(config, text.replace(from, to));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Words of a command line; `@name` is a path in the folder of this test. */
const words = (line: string): string[] =>
  line.split(" ").map((word) => (word.startsWith("@") ? at(word.slice(1)) : word));

const cases: readonly (readonly [line: string, code: 1 | 2, message: string])[] = [
  // files
  ["train text @empty.txt -o @x", 2, "the file is empty"],
  ["train text @text.txt @empty.txt -o @x", 2, "empty.txt: the file is empty"],
  ["train text @binary.bin -o @x", 2, "expected text in UTF-8, but byte 0 is 0"],
  ["train text @latin1.txt -o @x", 2, "expected text in UTF-8, but byte 1 is not UTF-8"],
  ["train text @one.txt -o @x", 2, "at least 2 are needed"],
  ["train text @none.txt -o @x", 2, "there is no such file"],
  ["train text @folder -o @x", 2, "there is no file in this folder"],
  ["train text @bad.gz -o @x", 2, "begins like gzip but cannot be unpacked"],
  ["train text @text.txt --validation @none.txt -o @x", 2, "there is no such file"],
  ["train text @one.txt -o @deep/er/run", 2, "at least 2 are needed"],
  ["train classify @text.txt -o @x", 2, "--text and --label say which they are"],
  ["train classify @none.csv --text t --label l -o @deep/run", 2, "there is no such file"],
  ["train tag @text.txt --rows --token t -o @x", 2, "--tag is required: the column of"],
  ["train tag @none.txt -o @x", 2, "there is no such file"],
  ["train forecast @text.txt --target no --horizon 2 -o @x", 2, 'no column "no"'],
  ["train text @text.txt -o @text.txt", 2, "expected a folder, this is a file"],
  ["train text @text.txt -o @text.txt/below", 1, "the folder cannot be used"],
  ["train text @text.txt -o /proc/below", 1, "the folder cannot be used"],
  ["train text @text.txt -o @run", 2, "--force"],
  ["study --quick -o @text.txt", 2, "expected a folder, this is a file"],
  ["study --quick -o /proc/below", 1, "the folder cannot be used"],
  // runs
  ["generate @folder", 2, "expected the folder of a run"],
  ["generate @none", 2, "expected the folder of a run"],
  ["generate @text.txt", 2, "expected"],
  ["generate @altered-weights", 1, "the weights are not those that were saved"],
  ["generate @altered-config", 1, "config.json: not valid JSON"],
  ["generate @altered-tokenizer", 1, "tokenizer.json: not valid JSON"],
  ["generate @cut", 1, "model.safetensors"],
  ["generate @other-size", 1, "model.safetensors"],
  [
    "convert @own-task @x.onnx",
    2,
    'expected a run of a language model, a classifier, a tagger or a forecaster, the model of this one is of a kind of its own, "mine"',
  ],
  [
    "verify @run @own-task",
    2,
    "expected a run of a language model, a classifier, a tagger or a forecaster, the model of this one is of a kind",
  ],
  ["resume @no-task", 2, "its task is missing"],
  ["evaluate @altered-weights @text.txt", 1, "the weights are not those that were saved"],
  ["inspect @altered-weights --text h", 1, "the weights are not those that were saved"],
  ["evaluate @run @empty.txt", 2, "the file is empty"],
  ["evaluate @run @one.txt", 2, "at least 2 are needed"],
  ["evaluate @run @none.txt", 2, "there is no such file"],
  // options
  ["train text @text.txt --hidden-size 0", 2, "--hidden-size: expected a whole number of at least 1, got 0"],
  ["train text @text.txt --hidden-size -3", 2, "expected a whole number of at least 1, got "],
  ["train text @text.txt --hidden-size 1.5", 2, "expected a whole number of at least 1, got "],
  ["train text @text.txt --hidden-size NaN", 2, "expected a whole number of at least 1, got "],
  ["train text @text.txt --hidden-size 12abc", 2, '--hidden-size: expected a whole number of at least 1, got "12abc"'],
  ["train text @text.txt --hidden-size 1e9 -o @x", 1, "EiB to be trained"],
  ["train text @text.txt --hidden-size 100000 -o @x", 1, "GiB to be trained"],
  [
    "train text @text.txt --layers 1000000000000",
    2,
    "--layers: expected a whole number from 1 to 1000, got 1000000000000",
  ],
  ["train text @text.txt --sequence-length 1000000000 -o @x", 2, "expected at least"],
  ["train text @text.txt --batch-size 100000 -o @x", 2, "expected at least"],
  ["train text @text.txt --cell lstn", 2, "did you mean lstm?"],
  ["train text @text.txt --tokenizer letters", 2, "--tokenizer: expected one of grapheme, character, byte, word"],
  ["train text @text.txt --dropout 1", 2, "from 0 to below 1"],
  ["train text @text.txt --learning-rate -1", 2, "--learning-rate: expected a number of at least 0, got -1"],
  ["train text @text.txt --learning-rate Infinity", 2, 'of at least 0, got "Infinity"'],
  ["train text @text.txt --clip -1", 2, "above 0"],
  ["train text @text.txt --average 1", 2, "--average: expected a number above 0 and below 1, got 1"],
  ["train text @text.txt --seed -1", 2, "of at least 0"],
  [
    "train text @text.txt --validation 1",
    2,
    "--validation: expected a number from 0 to below 1, or the path of a file (./1 if it is called 1), got 1",
  ],
  ["train text @text.txt --validation 0.9999 -o @x", 2, "leave 0 for training"],
  ["train text @text.txt --machine gpu", 2, '--machine: expected one of wasm, reference, got "gpu"'],
  ["train text @text.txt --tied --embedding-size 5 -o @x", 2, "embeddingSize must be 128"],
  ["generate @run --top-p 2", 2, "expected a number above 0 and at most 1, got "],
  ["generate @run --top-p 0", 2, "expected a number above 0 and at most 1, got "],
  ["generate @run --top-k 0", 2, "expected a whole number of at least 1, got "],
  ["generate @run --temperature -1", 2, "of at least 0"],
  ["generate @run --length many", 2, "--length: expected a whole number"],
  ["generate @run --prompt 日本", 2, "(U+65E5), which is not among"],
  ["generate @run --prompts @text.txt --prompt h", 2, "--prompts and --prompt: give one of them"],
  ["generate @run --json --alternatives 1 --beams 2", 2, "--beams and --alternatives: give one of them"],
  ["generate @run --json --alternatives 1 --prompts @text.txt", 2, "--prompts and --alternatives: give one of them"],
  ["inspect @run", 2, "--text: expected a text to read, got nothing"],
  ["inspect @run --text ", 2, "--text: expected some text"],
  ["inspect @run --text hello --values f,q", 2, 'expected names among i, f, g, o, c, h, got "q"'],
  ["inspect @run --text hello --html @x.html --values f,q", 2, 'expected names among i, f, g, o, c, h, got "q"'],
  ["inspect @run --text hello --layer 1", 2, "they are counted from 0"],
  ["inspect @run --text hello --layer 1 --nearest @text.txt", 2, "they are counted from 0"],
  ["inspect @run --text hello --nearest @none.txt", 2, "there is no such file"],
  ["inspect @run --text hello --nearest @empty.txt", 2, "the file is empty"],
  ["inspect @run --text hello --nearest @text.txt --places 0", 2, "expected a whole number of at least 1"],
  ["inspect @run --text hello --html -", 2, "--html: - stands for neither standard input nor standard output"],
  // the command line itself
  ["trian text @text.txt", 2, "Did you mean train?"],
  ["train txt @text.txt", 2, "Did you mean text?"],
  ["train", 2, "Usage: longshort train"],
  ["trian", 2, "(Did you mean train?)\n(--help lists the commands)"],
  ["train text", 2, "<file> is required: files of text"],
  ["generate", 2, "<run> is required: folder of a run, as `train` made it"],
  ["convert @run", 2, "<out> is required: "],
  ["generate @run --temprature 1", 2, "Did you mean --temperature?"],
  ["train text @text.txt --hidden 16", 2, "unknown option '--hidden'; did you mean --hidden-size?"],
  ["train text @text.txt --size=16", 2, "did you mean --vocabulary-size or --hidden-size or"],
  ["train text @text.txt --threads 2", 2, "unknown option '--threads'; --help lists those that there are"],
  ["help trian", 2, "Did you mean train?"],
  ["generate @run more", 2, "too many arguments"],
  ["generate @run --length", 2, "argument missing"],
];

describe("what cannot be done ends with one message, no stack and the right code", () => {
  it.each(cases)("longshort %s → %i", async (line, code, message) => {
    const result = await longshort(words(line));
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(line === "train" ? /^Usage/ : /^error: .+\n/);
    expect(result.stderr).not.toMatch(/^\s+at |Error:|undefined|\[object/m);
    expect(result.stderr.match(/error: /g) ?? []).toHaveLength(line === "train" ? 0 : 1);
    // Nothing of a run that could not begin, and nothing lost of the one that is there.
    for (const made of ["x", "deep"]) expect(existsSync(at(made))).toBe(false);
    expect(existsSync(join(run, "model.safetensors"))).toBe(true);
  });

  it("an empty folder that was there stays where a training cannot begin", async () => {
    mkdirSync(at("own"));
    expect(await longshort(words("train classify @text.txt -o @own"))).toMatchObject({ code: 2 });
    expect(existsSync(at("own"))).toBe(true);
  });

  it("a folder that this user may not write to, a file that he may not read", async (context) => {
    if (process.getuid?.() === 0) context.skip("root may read and write everything");
    chmodSync(at("folder"), 0o500);
    writeFileSync(at("secret.txt"), "secret", { mode: 0o000 });
    const unwritable = await longshort(words("train text @text.txt -o @folder/run"));
    expect(unwritable).toMatchObject({ code: 1, stderr: expect.stringContaining("the folder cannot be used") });
    const unreadable = await longshort(words("train text @secret.txt -o @x"));
    expect(unreadable).toMatchObject({ code: 2, stderr: expect.stringContaining("may not read") });
  });

  it("without arguments: the help, as a mistake", async () => {
    const { code, stdout, stderr } = await longshort([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: longshort");
  });

  it("shows the stack when it is asked to", async () => {
    const { code, stderr } = await longshort(["generate", at("folder")], { env: { LONGSHORT_DEBUG: "1" } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .+\n.*UsageError: /);
    expect(stderr).toMatch(/\n {4}at /);
  });

  it("says of an error that nobody foresaw how to see where it happened", async () => {
    const { code, stderr } = await longshort(["generate", run], {
      onStdout: () => {
        throw new TypeError("the output broke");
      },
    });
    expect(code).toBe(1);
    expect(stderr).toBe(
      "error: the output broke\nThis was not foreseen; run it again with LONGSHORT_DEBUG=1 to see where it happened.\n",
    );
  });
});

describe("help", () => {
  it.each([
    [
      "train text",
      ["--hidden-size <units>", "(default: 128)", "--tied", "Examples:", "longshort train text novel.txt"],
    ],
    ["generate", ["--temperature <number>", "(default: 0.8)", "Examples:", "longshort generate runs/"]],
    ["score", ["--text <text>", "Examples:"]],
    ["evaluate", ["--baseline <file...>", "Examples:"]],
    ["inspect", ["--units <count>", "(default: 8)", "Examples:"]],
    ["demo", ["--epochs <count>", "Examples:"]],
  ])("%s names its options with their defaults and ends with an example", async (command, parts) => {
    const { code, stdout, stderr } = await longshort([...command.split(" "), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // Where a line was broken is not the point.
    const flat = stdout.replace(/\s+/g, " ");
    for (const part of parts) expect(flat).toContain(part);
    for (const line of stdout.split("\n").filter((one) => !one.startsWith("  longshort")))
      expect(line.length).toBeLessThanOrEqual(120);
  });

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await longshort(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});
