import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beside } from "../../src/cli/run-paths.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { WasmOptions } from "../../src/compute/wasm/machine.ts";
import { moduleName } from "../../src/compute/wasm/module-name.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { openSession } from "../../src/run/session.ts";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-cli-"));
const text = join(folder, "abc.txt");
const packed = join(folder, "more.txt.gz");
const run = join(folder, "run");
const small = [
  "--hidden-size",
  "12",
  "--embedding-size",
  "6",
  "--batch-size",
  "4",
  "--sequence-length",
  "10",
  "--learning-rate",
  "0.02",
];

const lines = (output: string) =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  writeFileSync(text, "abcabd. ".repeat(120));
  writeFileSync(packed, gzipSync("abd. abc".repeat(20)));
  const trained = await longshort(["train", "text", text, ...small, "--epochs", "4", "--output", run]);
  expect(trained.stderr).toContain("epoch 4/4: loss ");
  expect(trained).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("train text", () => {
  it("says where the run is and what to do with it, and leaves nothing open in the run", async () => {
    const output = join(folder, "said");
    const { code, stdout, stderr } = await longshort([
      "train",
      "text",
      text,
      packed,
      ...small,
      "--epochs",
      "1",
      "-o",
      output,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Saved in .*said \(the weights after epoch 1, validation loss \d\.\d{4} nats per token\)\.\nNext:\n/,
    );
    expect(stdout).toContain(`longshort generate ${output}\n`);
    const [, shown] = /longshort inspect \S+ --text '(.+)'\n/.exec(stdout)!; // of the text's own letters
    expect((await longshort(["inspect", output, "--text", shown!])).code).toBe(0);
    expect(stderr).toContain(
      "Text: 2 files, 1,008 tokens for training, 112 for validation; grapheme tokenizer, vocabulary of 6",
    );
    expect(stderr).not.toContain("\r");
    const config = JSON.parse(readFileSync(join(output, "config.json"), "utf8"));
    expect(config.training).toMatchObject({
      files: [text, packed],
      hiddenSize: 12,
      validation: 0.1,
      seed: 0,
      epochs: 1,
    });
    expect(config.saved.savedEpoch).toBe(1);
  });

  it("prints events and nothing else on standard output with --json", async () => {
    const output = join(folder, "json");
    const { code, stdout, stderr } = await longshort([
      ...["train", "text", text, ...small, "--epochs", "2", "--output", output, "--json", "--quiet"],
    ]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    const events = lines(stdout);
    expect(events[0]).toMatchObject({ type: "start", epochs: 2, trainTokens: 864, validationTokens: 96 });
    expect(events.filter(({ type }) => type === "epoch")).toHaveLength(2);
    expect(events.at(-2)).toMatchObject({ type: "end", reason: "done" });
    expect(events.at(-1)).toMatchObject({ type: "saved", folder: output });
    const metrics = lines(readFileSync(join(output, "metrics.jsonl"), "utf8"));
    expect(events.slice(0, -1)).toEqual(metrics);
  });

  it("keeps the weights of the epoch that was best on the validation part, not the last ones", async () => {
    const other = join(folder, "other.txt");
    const output = join(folder, "best");
    // What is learned of "abcabd. " misleads on this.
    writeFileSync(other, "dcba. dbca .adcb ".repeat(6));
    const { stdout } = await longshort([
      ...["train", "text", text, ...small, "--epochs", "6", "--validation", other, "-q", "--json", "-o", output],
    ]);
    const losses = lines(stdout)
      .filter(({ type }) => type === "epoch")
      .map(({ validationLoss }) => validationLoss);
    const lowest = Math.min(...losses);
    expect(losses.indexOf(lowest)).toBeLessThan(5);
    expect(lines(stdout).at(-1)).toMatchObject({ savedEpoch: losses.indexOf(lowest) + 1, validationLoss: lowest });
    const [row] = lines((await longshort(["evaluate", output, "--no-baselines", "--json"])).stdout);
    expect(row.nats).toBeCloseTo(lowest, 5);
  });

  it("gives the same weights for the same seed, others for another", async () => {
    const weights = async (name: string, seed: string) => {
      const output = join(folder, name);
      await longshort(["train", "text", text, ...small, "--max-steps", "3", "--seed", seed, "-q", "-o", output]);
      return readFileSync(join(output, "model.safetensors"));
    };
    const first = await weights("seed-a", "1");
    expect((await weights("seed-b", "1")).equals(first)).toBe(true);
    expect((await weights("seed-c", "2")).equals(first)).toBe(false);
  });

  it("stops after the step at Ctrl-C, saves, says where, and ends with 130", async () => {
    const output = join(folder, "stopped");
    let press: (() => void) | undefined;
    const { code, stdout, stderr } = await longshort(
      ["train", "text", text, ...small, "--epochs", "100000", "--output", output, "--json"],
      {
        onListen: (listener) => {
          press = listener;
        },
        onStdout: (line) => {
          if (!line.includes('"progress"')) return;
          press?.();
          press = undefined;
        },
      },
    );
    expect(code).toBe(130);
    expect(stderr).toContain("Stopping after this step, then saving.");
    expect(lines(stdout).at(-2)).toMatchObject({ type: "end", reason: "aborted", step: 5 });
    expect(lines(stdout).at(-1)).toMatchObject({ type: "saved", savedStep: 5 });
    expect((await longshort(["generate", output, "--length", "3"])).code).toBe(0);
  });

  it("ends at Ctrl-C while the text is read, and leaves nothing behind", async () => {
    const output = join(folder, "unread");
    const { code, stderr } = await longshort(["train", "text", text, ...small, "--output", output], {
      onListen: (press) => press(),
    });
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: expect.stringMatching(/^Stopping before training begins\..*\nStopped before training began; nothing/),
    });
    expect(existsSync(output)).toBe(false);
  });

  it("leaves a conversation at SIGTERM, also in the midst of an answer", async () => {
    let send: ((signal: "SIGTERM") => void) | undefined;
    const ended = await longshort(["generate", run, "--interactive", "--prompt", "ab", "--length", "100000"], {
      onListen: (press) => {
        send = press;
      },
      onStdout: () => send?.("SIGTERM"),
    });
    expect(ended.stderr).toContain("exit(130) was called");
  });

  it("ends at once at the second Ctrl-C", async () => {
    let press = () => {};
    const ended = longshort(
      ["train", "text", text, ...small, "--epochs", "100000", "-o", join(folder, "twice"), "--json"],
      {
        onListen: (listener) => {
          press = listener;
        },
        onStdout: (line) => {
          if (!line.includes('"progress"')) return;
          press();
          press();
        },
      },
    );
    await expect(ended).resolves.toMatchObject({ code: 1, stderr: expect.stringContaining("exit(130) was called") });
  });

  it("does not write over a run unless it is told to", async () => {
    const before = readFileSync(join(run, "model.safetensors"));
    const refused = await longshort(["train", "text", text, ...small, "--max-steps", "1", "--output", run]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("the folder is not empty; choose another one, or give --force");
    expect(readFileSync(join(run, "model.safetensors")).equals(before)).toBe(true);
    const other = join(folder, "forced");
    for (const force of [[], ["--force"]]) {
      const command = ["train", "text", text, ...small, "--max-steps", "1", "-q", "--output", other, ...force];
      expect((await longshort(command)).code).toBe(0);
    }
  });

  it.each(["rnn", "gru", "min-gru", "min-lstm", "layer-norm-lstm"])("trains a %s", async (cell) => {
    const output = join(folder, cell);
    const command = ["train", "text", text, ...small, "--cell", cell, "--max-steps", "2", "-q", "-o", output];
    expect(await longshort(command)).toMatchObject({ code: 0, stderr: "" });
  });

  it.each(["character", "byte", "word"])("reads text by %s, with tied weights and two layers", async (tokenizer) => {
    const output = join(folder, tokenizer);
    const model = ["--tokenizer", tokenizer, "--layers", "2", "--hidden-size", "9", "--tied", "--dropout", "0.2"];
    const command = ["train", "text", text, ...model, "--max-steps", "2", "--validation", packed, "-q", "-o", output];
    expect(await longshort(command)).toMatchObject({ code: 0, stderr: "" });
    const scored = await longshort(["evaluate", output, packed]);
    expect(scored).toMatchObject({ code: 0, stderr: "" });
    expect(scored.stdout.includes("tokens per character (code point)")).toBe(tokenizer === "word");
  });
});

describe("generate", () => {
  it("writes prompt and text, the same for the same seed", async () => {
    const command = ["generate", run, "--prompt", "abc", "--length", "50", "--temperature", "1.5"];
    const { code, stdout } = await longshort(command);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^abc[abcd. ]{50}\n$/);
    expect((await longshort(command)).stdout).toBe(stdout);
    expect((await longshort([...command, "--seed", "1"])).stdout).not.toBe(stdout);
  });

  it("writes what it has learned when it takes the likeliest", async () => {
    for (const how of [
      ["--temperature", "0"],
      ["--top-k", "1"],
      ["--top-p", "0.000001"],
    ]) {
      const { stdout } = await longshort(["generate", run, "--prompt", "abcabd. ab", "--length", "14", ...how]);
      expect(stdout).toBe("abcabd. abcabd. abcabd. \n");
    }
  });

  it("streams: every piece is written before the next one is drawn", async () => {
    const pieces: string[] = [];
    await longshort(["generate", run, "--length", "5"], { onStdout: (piece) => pieces.push(piece) });
    expect(pieces).toHaveLength(6);
    const { stdout } = await longshort(["generate", run, "--length", "5", "--json"]);
    expect(lines(stdout)).toEqual([
      ...pieces.slice(0, 5).map((one) => ({ type: "text", text: one })),
      { type: "end", interrupted: false },
    ]);
  });

  it("stops at Ctrl-C with a whole line", async () => {
    let press = () => {};
    let count = 0;
    const { code, stdout } = await longshort(["generate", run, "--length", "100000"], {
      onListen: (listener) => {
        press = listener;
      },
      onStdout: () => {
        count += 1;
        if (count === 7) press();
      },
    });
    expect(code).toBe(130);
    expect(stdout).toHaveLength(8);
    expect(stdout.endsWith("\n")).toBe(true);
  });
});

describe("evaluate", () => {
  it("beats the baselines on text that repeats, and says it as a table", async () => {
    const { code, stdout, stderr } = await longshort(["evaluate", run, packed]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const nats = ["unigram", "bigram", "lstm"].map((name) =>
      Number(new RegExp(`^${name} +([\\d.]+)`, "m").exec(stdout)?.[1]),
    );
    expect(nats[0]!).toBeGreaterThan(nats[1]!);
    expect(nats[1]!).toBeGreaterThan(nats[2]!);
  });

  it("measures the run's own validation part where no file is named: the loss that training reported", async () => {
    const { stdout } = await longshort(["evaluate", run, "--json"]);
    const [unigram, bigram, lstm, about] = lines(stdout);
    const { saved } = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
    expect(lstm.nats).toBeCloseTo(saved.validationLoss, 5);
    expect(lstm.bitsPerCharacter).toBeCloseTo(lstm.nats / Math.LN2, 10);
    expect(lstm.perplexity).toBeCloseTo(Math.exp(lstm.nats), 10);
    expect([unigram.name, bigram.name, about.tokens, about.tokensPerCharacter]).toEqual(["unigram", "bigram", 96, 1]);
  });

  it("turns words into characters", async () => {
    const output = join(folder, "words");
    await longshort(["train", "text", text, "--tokenizer", "word", ...small, "--max-steps", "2", "-q", "-o", output]);
    const [row, about] = lines((await longshort(["evaluate", output, "--no-baselines", "--json"])).stdout);
    expect(about.tokensPerCharacter).toBeLessThan(0.7);
    expect(row.bitsPerCharacter).toBeCloseTo((row.nats / Math.LN2) * about.tokensPerCharacter, 10);
  });

  it("goes on without baselines when the training text is gone, and takes another", async () => {
    const gone = join(folder, "gone.txt");
    const output = join(folder, "of-gone");
    writeFileSync(gone, readFileSync(text));
    await longshort(["train", "text", gone, ...small, "--max-steps", "2", "-q", "-o", output]);
    expect((await longshort(["evaluate", output, gone])).stderr).toContain("Note: the model was trained on");
    rmSync(gone);
    const without = await longshort(["evaluate", output, packed]);
    expect(without.code).toBe(0);
    expect(without.stderr).toContain("Note: no baselines, because the training text cannot be read again");
    expect(without.stdout).not.toContain("bigram");
    expect((await longshort(["evaluate", output, packed, "--baseline", text])).stdout).toContain("bigram");
    const nothing = await longshort(["evaluate", output]);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("Name a file to evaluate on.");
  });
});

describe("inspect", () => {
  it("draws a block for each value, with the same units", async () => {
    const { code, stdout } = await longshort(["inspect", run, "--text", "abc abd.", "--values", "f,c", "--units", "3"]);
    expect(code).toBe(0);
    const blocks = stdout.trimEnd().split("\n\n");
    expect(blocks.map((block) => block.split("  ")[0])).toEqual(["f", "c"]);
    const units = blocks.map((block) => block.match(/unit \d+/g));
    expect(units[0]).toHaveLength(3);
    expect(units[1]).toEqual(units[0]);
    expect(blocks[0]).toContain("a b c ␣ a b d .");
    expect(stdout).not.toContain("\u001b");
    expect((await longshort(["inspect", run, "--text", "abc"], { color: true })).stdout).toContain("\u001b[48;2;");
  });

  it("gives the numbers with --json", async () => {
    const { stdout } = await longshort(["inspect", run, "--text", "abc", "--json"]);
    const steps = lines(stdout).filter(({ type }) => type === "step");
    expect(steps).toEqual(["a", "b", "c"].map((token) => ({ type: "step", token })));
    const values = lines(stdout).filter(({ type }) => type === "values");
    expect(values.map(({ name }) => name)).toEqual(expect.arrayContaining(["i", "f", "g", "o", "c", "h"]));
    for (const { shape, data } of values) expect([shape, data.length]).toEqual([[3, 12], 36]);
  });

  it("lists where in a text the state was most alike: there, where the same was read from the start", async () => {
    const corpus = join(folder, "corpus.txt");
    writeFileSync(corpus, "abc abd. abc abc");
    const command = ["inspect", run, "--text", "abc a", "--nearest", corpus, "--places", "1"];
    const places = lines((await longshort([...command, "--json"])).stdout).filter(({ type }) => type === "nearest");
    expect(places).toHaveLength(1);
    expect(places[0]).toMatchObject({ step: 4, before: "abc ", here: "a", after: "bd. abc abc" });
    expect(places[0].similarity).toBeCloseTo(1, 5);
    const shown = (await longshort(command)).stdout;
    expect(shown.split("\n").at(-2)).toMatch(/^ 1\.000 +abc \[a\]bd\. abc abc$/);
  });
});

describe("demo", () => {
  it("trains on the frozen text and shows loss, text, gates and what to do next", async () => {
    const output = join(folder, "demo");
    const { code, stdout, stderr } = await longshort(["demo", "--max-steps", "2", "--output", output]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    for (const part of ["unigram", "bigram", "lstm", "Validation loss", "/** The ", "f  forget gate", "c  cell state"])
      expect(stdout).toContain(part);
    expect(stdout).toContain(`The run is in ${output}.`);
    expect(existsSync(join(output, "model.safetensors"))).toBe(true);
  });
});

describe("pack", () => {
  it("writes a run of any task in one file that opens as the run does, and never over another one unasked", async () => {
    const file = join(folder, "packed.safetensors");
    const packed = await longshort(["pack", run, "--output", file]);
    expect(packed).toMatchObject({ code: 0, stderr: "" });
    expect(packed.stdout).toMatch(
      /^Wrote .*packed\.safetensors \(.* KiB\)\nIn a page: loadRun\("packed\.safetensors", { machine }\)\n$/,
    );
    const machine = await openMachine("wasm");
    const [one, other] = [await loadRun(run, { machine }), await loadRun(file, { machine })];
    expect(other.config).toEqual(one.config);
    expect(await other.parameters.toTensors()).toEqual(await one.parameters.toTensors());
    machine.close();
    expect(await longshort(["pack", run, "-o", file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("it exists"),
    });
    const half = await longshort(["pack", run, "-o", file, "--force", "--type", "F16", "--json"]);
    const [told] = lines(half.stdout);
    expect(told).toEqual({ type: "packed", output: file, bytes: readFileSync(file).length });
    expect(await longshort(["pack", run, "-o", join(folder, "packed.bin")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("ends in .safetensors"),
    });
    expect(await longshort(["pack", join(folder, "nothing")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected the folder of a run"),
    });
  });

  it("writes the kernels of a session of a language model, for hosts that do not compile", async () => {
    const [file, kernels] = [join(folder, "for-workers.safetensors"), join(folder, "kernels")];
    const { code, stdout } = await longshort(["pack", run, "-o", file, "--kernels", kernels]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Wrote 3 kernels to .*kernels, for openMachine/m)]);
    // As a bundler for such a host reads it: what is imported is a module that was compiled before.
    const source = readFileSync(join(kernels, "index.js"), "utf8")
      .replace(/import \{ moduleName \} from "longshort";/, "")
      .replace(/import (\w+) from "(.*)";/g, 'const $1 = moduleOf("$2");')
      .replace("export const compile =", "return");
    const moduleOf = (name: string) => new WebAssembly.Module(readFileSync(join(kernels, name)));
    const compile = new Function("moduleName", "moduleOf", source)(moduleName, moduleOf) as NonNullable<
      WasmOptions["compile"]
    >;
    const scores = async (options: WasmOptions) => {
      using machine = await openMachine("wasm", { threads: 1, wide: false, ...options });
      using session = await openSession(await loadRun(readFileSync(file), { machine }));
      return [await session.next([1]), await session.next([2])];
    };
    const wanted = await scores({});
    expect(await scores({ compile })).toEqual(wanted);
    expect(await scores({ compile, fused: false })).toEqual(await scores({ fused: false }));
    using machine = await openMachine("wasm", { compile });
    const loaded = await loadRun(readFileSync(file), { machine });
    await openSession(loaded);
    await expect(openSession(loaded)).rejects.toMatchObject({ code: "module-missing" });
    expect(await longshort(["pack", run, "-o", file, "--force", "--kernels", kernels])).toMatchObject({ code: 0 });
    const other = join(folder, "for-workers-too.safetensors");
    expect(await longshort(["pack", run, "-o", other, "--kernels", kernels])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("kernels: it exists") },
    });
    expect(existsSync(other)).toBe(false);
    const tagger = join(folder, "a-tagger");
    cpSync(run, tagger, { recursive: true });
    const config = readFileSync(join(tagger, "config.json"), "utf8").replace('"language-model"', '"tagger"');
    writeFileSync(join(tagger, "config.json"), config);
    expect(await longshort(["pack", tagger, "-o", other, "--kernels", join(folder, "none")])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("is no language model") },
    });
  });

  it("calls what it writes as the run, also where that is the folder one stands in", () => {
    expect(beside("runs/a/", "-int8")).toBe("runs/a-int8");
    expect(beside("runs/.a", "-int8")).toBe("runs/.a-int8");
    for (const here of [".", "./", ""]) expect(beside(here, "-int8")).toBe(`${process.cwd()}-int8`);
    expect(beside("runs/..", ".safetensors")).toBe(`${process.cwd()}.safetensors`);
  });
});

describe("quantize", () => {
  it("writes a run with matrices of 8 bits, says what it costs, and the run goes on working", async () => {
    const output = join(folder, "eight");
    const came = await longshort(["quantize", run, "--output", output, "--json"]);
    expect(came).toMatchObject({ code: 0 });
    const [result] = lines(came.stdout);
    expect(result).toMatchObject({ type: "quantized", output });
    expect(Math.abs(result.scores.nats - result.scoresBefore.nats)).toBeLessThan(0.02);
    expect(result.bytes).toBeLessThan(result.bytesBefore);
    const [score] = lines((await longshort(["evaluate", output, "--no-baselines", "--json"])).stdout);
    expect(score.nats).toBeCloseTo(result.scores.nats, 10);
    expect(await longshort(["generate", output, "--prompt", "abc", "--length", "5"])).toMatchObject({ code: 0 });
    expect(await longshort(["quantize", output])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("already 8-bit"),
    });
    const weights = readFileSync(join(output, "model.safetensors"));
    expect(await longshort(["resume", output, "--epochs", "9"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `its weights are 8-bit and cannot be trained further; resume the run that they were quantized from, ${resolve(run)},`,
      ),
    });
    expect(readFileSync(join(output, "model.safetensors")).equals(weights)).toBe(true);
    const said = await longshort(["quantize", run, text, "--output", join(folder, "said-eight")]);
    expect(said.stdout).toMatch(/before .*\n8 bits /);
  });
});
