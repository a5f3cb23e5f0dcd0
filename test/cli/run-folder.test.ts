import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { platform } from "#platform";
import { longshort } from "./fake-io.ts";
import { eventsOf, logOf, scalarsOf } from "./run-logs.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-folder-"));
const at = (name: string): string => join(folder, name);
const text = at("text.txt");
const small = [
  "--hidden-size",
  "6",
  "--embedding-size",
  "4",
  "--batch-size",
  "2",
  "--sequence-length",
  "20",
  "--sample-length",
  "12",
];
const train = (run: string, ...flags: string[]) =>
  longshort(["train", "text", text, ...small, "--epochs", "2", "-o", at(run), ...flags]);
const read = (run: string, ...names: string[]): string => readFileSync(join(at(run), ...names), "utf8");

let shown = "";
beforeAll(async () => {
  writeFileSync(text, "hello world, hello words\n".repeat(24));
  const { code, stderr } = await train("runs/lstm");
  expect(code).toBe(0);
  shown = stderr;
  expect((await train("runs/gru", "--cell", "gru", "--learning-rate", "0.02", "-q")).stderr).toBe("");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the folder of a run", () => {
  it("has a log of what was printed, with the time and without control codes, also where nothing was", () => {
    const printed = logOf(at("runs/lstm"));
    // A training that takes long shows lines of progress more often than the log keeps them.
    const lines = shown.split("\n").filter((line) => line !== "" && !/^ *\d+ % /.test(line));
    expect(printed.slice(0, -1)).toEqual(lines);
    expect(printed.at(-1)).toMatch(/^end \(done\) after step \d+$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
    expect(read("runs/lstm", "log.txt")).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(read("runs/gru", "log.txt")).toContain("epoch 2/2: loss");
  });

  it("tells of a validation that takes long, in JSON lines, and keeps nothing of it", async () => {
    let now = 0;
    const clock = vi.spyOn(platform, "now").mockImplementation(() => (now += 2000));
    writeFileSync(at("long.txt"), "hello world, hello words\n".repeat(200));
    const flags = ["--validation", "0.5", "--validation-tokens", "2400", "--max-steps", "2", "--json"];
    const { stdout } = await longshort(["train", "text", at("long.txt"), ...small, ...flags, "-o", at("slow")]);
    clock.mockRestore();
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: "start", validationTokens: 2400 });
    const told = lines.filter(({ type }) => type === "validation");
    expect(told.length).toBeGreaterThan(0);
    const { total } = told[0];
    expect(told.map(({ done }) => done)).toEqual(Array.from({ length: total - 1 }, (_, k) => k + 1));
    expect(read("slow", "metrics.jsonl")).not.toContain('validation"');
  });

  it("has a sample of every epoch, the same for the same seed", async () => {
    expect(readdirSync(join(at("runs/lstm"), "samples"))).toEqual(["epoch-1.txt", "epoch-2.txt"]);
    const sample = read("runs/lstm", "samples", "epoch-2.txt");
    expect(sample.replace(/\n$/, "")).toHaveLength(12);
    await train("again", "-q");
    expect(read("again", "samples", "epoch-2.txt")).toBe(sample);
    expect(read("again", "model.safetensors")).toBe(read("runs/lstm", "model.safetensors"));
    await train("none", "--sample-length", "0", "--no-tensorboard", "-q");
    expect([existsSync(at("none/samples")), existsSync(at("none/tensorboard"))]).toEqual([false, false]);
    expect(read("none", "model.safetensors")).toBe(read("runs/lstm", "model.safetensors"));
  });

  it("has the curves of metrics.jsonl for TensorBoard", () => {
    const metrics = read("runs/lstm", "metrics.jsonl")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const scalars = scalarsOf(at("runs/lstm"));
    const curve = (tag: string) => scalars.filter((one) => one.tag === tag).map(({ step, value }) => [step, value]);
    const told = (type: string, key: string) =>
      metrics.filter((one) => one.type === type).map((one) => [one.step, Math.fround(one[key])]);
    expect(curve("loss/train")).toEqual(told("progress", "loss"));
    expect(curve("loss/validation")).toEqual(told("epoch", "validationLoss"));
    expect(curve("optimizer/learning rate")).toEqual(told("progress", "learningRate"));
    expect(curve("optimizer/gradient norm")).toEqual(told("progress", "gradientNorm"));
    expect(curve("speed/tokens per second")).toEqual(told("progress", "itemsPerSecond"));
    expect(curve("loss/train").length).toBeGreaterThan(2);
    expect(curve("sample")).toHaveLength(2);
  });

  it("begins all of it anew when a run is written over", async () => {
    await train("over", "--epochs", "3", "-q");
    await train("over", "--epochs", "1", "-q", "--force");
    expect(readdirSync(join(at("over"), "samples"))).toEqual(["epoch-1.txt"]);
    expect(read("over", "log.txt").match(/end \(done\)/g)).toHaveLength(1);
    expect(eventsOf(at("over")).filter(({ what }) => what.case === "fileVersion")).toHaveLength(1);
  });

  it("loses no training because a log cannot be written", async () => {
    mkdirSync(at("blocked"));
    const { code, stderr } = await longshort(["train", "text", text, ...small, "--epochs", "2", "-o", at("blocked")], {
      // The first sample comes behind the line of its epoch.
      onStderr: (line) => {
        if (line.startsWith("epoch 1")) writeFileSync(at("blocked/samples"), "no folder");
      },
    });
    expect(code).toBe(0);
    expect(existsSync(at("blocked/model.safetensors"))).toBe(true);
    expect(stderr.match(/samples is not written any more: /g)).toHaveLength(1);
  });
});

describe("info, runs, compare", () => {
  it("info tells the story, and how to repeat it", async () => {
    const { code, stdout } = await longshort(["info", at("runs/lstm")]);
    expect(code).toBe(0);
    for (const part of [
      "lstm, 6 units, embedding 4 for",
      "parameters",
      text,
      "tokens for training",
      "learning rate 0.002",
      "best validation loss",
      "in epoch 2; ended as planned at step",
      "model.safetensors (",
      "tensorboard/ (1 file, ",
    ])
      expect(stdout).toContain(part);
    const repeat = /^Repeat +longshort (.*)$/m.exec(stdout)![1]!.split(" ");
    expect((await longshort([...repeat, "-q", "-o", at("repeated")])).code).toBe(0);
    expect(read("repeated", "model.safetensors")).toBe(read("runs/lstm", "model.safetensors"));
  });

  it("info gives the same as one JSON object", async () => {
    const story = JSON.parse((await longshort(["info", at("runs/gru"), "--json"])).stdout);
    const { saved } = JSON.parse(read("runs/gru", "config.json"));
    expect(story).toMatchObject({
      task: "text",
      ended: "done",
      best: { of: "validation", loss: saved.validationLoss },
    });
    expect(story.curves["validation loss"]).toHaveLength(2);
  });

  it("info tells of a run of a program's own what it says, and how no command would repeat it", async () => {
    mkdirSync(at("own"));
    writeFileSync(at("own/config.json"), '{"format":"longshort-run","version":1,"model":{"kind":"mine"}}');
    const own = await longshort(["info", at("own")]);
    expect(own.code).toBe(0);
    expect(own.stdout).toContain('Model   of a kind of its own ("mine")\n');
    expect(own.stdout).not.toMatch(/undefined|Repeat|Training/);
    writeFileSync(at("own/config.json"), '{"format":"longshort-run","version":1}');
    const damaged = await longshort(["info", at("own")]);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain('config.json: expected "format": "longshort-run" and "model" as an object in it');
  });

  it("runs lists the best first, and what is damaged is said", async () => {
    mkdirSync(at("runs/bad"));
    writeFileSync(at("runs/bad/config.json"), '{"format":"longshort-run","model":{}}');
    writeFileSync(at("runs/bad/metrics.jsonl"), "{\n{}\n");
    const { code, stdout, stderr } = await longshort(["runs", at("runs")]);
    rmSync(at("runs/bad"), { recursive: true });
    expect(code).toBe(0);
    expect(stderr).toContain("metrics.jsonl: not valid JSON");
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^run +cell +units +tokenizer +parameters +loss/);
    const losses = rows.map((row) => Number(/\d\.\d{4}/.exec(row)![0]));
    expect(losses).toHaveLength(2);
    expect(losses[0]!).toBeLessThan(losses[1]!);
  });

  it("a run under way, or killed in the middle of a line, is told as far as it came", async () => {
    mkdirSync(at("cut"));
    writeFileSync(at("cut/config.json"), read("runs/lstm", "config.json"));
    const lines = read("runs/lstm", "metrics.jsonl").split("\n").slice(0, 4).join("\n");
    writeFileSync(at("cut/metrics.jsonl"), lines.slice(0, -9));
    const { code, stdout } = await longshort(["info", at("cut")]);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("nothing measured yet; still running, or killed at step 10 of"),
    });
  });

  it("compare shows what differs and draws the curves", async () => {
    const { code, stdout } = await longshort(["compare", at("runs/lstm"), at("runs/gru")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^cell +lstm +gru$/m);
    expect(stdout).toMatch(/^learningRate +0\.002 +0\.02$/m);
    expect(stdout).not.toContain("hiddenSize");
    expect(stdout).toMatch(/^ +\d\.\d{3} │a*/m);
    const colored = await longshort(["compare", at("runs/lstm"), at("runs/gru")], { color: true });
    expect(colored.stdout).toContain("\u001b[38;2;0;114;178m");
    expect(colored.stdout).toMatch(/[\u2801-\u28ff]/);
    const same = await longshort(["compare", at("runs/lstm"), at("again")]);
    expect(same.stdout).toContain("The settings are the same.");
  });

  it("compare writes a page that needs nothing else and shows names as they are", async () => {
    const page = at("page.html");
    expect((await longshort(["compare", at("runs/lstm"), at("runs/gru"), "--html", page])).stdout).toContain(page);
    const html = readFileSync(page, "utf8");
    expect(html).not.toMatch(/<(link|img|script src)|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(html).toContain("<h1>2 runs compared</h1>");
    expect(html).toContain("prefers-color-scheme: dark");
    const script = /<script>\(([\s\S]*)\)\((\{.*\}), (\{ ticks: [\s\S]*\})\);<\/script>/.exec(html)!;
    const { names, charts } = JSON.parse(script[2]!);
    expect(names).toEqual([at("runs/lstm"), at("runs/gru")]);
    expect(charts.map(({ name }: { name: string }) => name)).toContain("validation loss");
    const [draw, tools] = [script[1], script[3]].map((part) => new Function(`return ${part}`)());
    expect(draw).toBeTypeOf("function");
    expect(tools.ticks(0, 10, 5).map(tools.number)).toEqual(["0", "2", "4", "6", "8", "10"]);
  });

  it.each([
    [["info", "none"], "there is no such file or folder"],
    [["info", "."], "/config.json"],
    [["runs", "none"], "there is no such folder"],
    [["compare", "x", "x"], "expected at least two different runs, got one"],
    [["runs", "--sort", "los"], "did you mean loss?"],
    [["compare", "a", "b", "--curve", "los"], "--curve: expected one of validation loss"],
  ])("longshort %j is refused", async (argv, message) => {
    const { code, stderr } = await longshort(argv.map((word) => (word === "." ? folder : word)));
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  });
});
