import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-pretrained-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const texts = Array.from({ length: 40 }, (_, k) => `${k % 2 ? "Good" : "bad"} film number ${k % 7}`);
const weightsOf = (run: string) => readFileSync(join(at(run), "model.safetensors"));
const configOf = (run: string) => JSON.parse(readFileSync(join(at(run), "config.json"), "utf8"));

/** The run that the trainings begin with is there while they begin, and moved away when they go on. */
const model = (there: boolean): void => renameSync(at(there ? "gone" : "words"), at(there ? "words" : "gone"));
const TASKS = {
  classify: ["train", "classify", at("texts.csv")],
  tag: ["train", "tag", at("tags.txt")],
};

beforeAll(async () => {
  writeFileSync(at("text.txt"), texts.join("\n").repeat(4));
  writeFileSync(at("texts.csv"), `text,label\n${texts.map((text, k) => `${text},${k % 2}\n`).join("")}`);
  writeFileSync(
    at("tags.txt"),
    texts
      .map(
        (text) =>
          `${text
            .split(" ")
            .map((w) => `${w} ${w.length}\n`)
            .join("")}\n`,
      )
      .join(""),
  );
  const language = ["train", "text", at("text.txt"), "--tokenizer", "word", "--cell", "gru", "--hidden-size", "5"];
  const { code, stderr } = await longshort([
    ...language,
    "--embedding-size",
    "4",
    "--epochs",
    "1",
    "-q",
    "-o",
    at("words"),
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

describe.each(Object.entries(TASKS))("train %s --pretrained", (task, train) => {
  const begun = ["--pretrained", at("words"), "--pretrained-rate", "0.5", "--no-baselines"];

  it("says what it took, and goes on from there to the bit without the run that it began with", async () => {
    const whole = await longshort([...train, ...begun, "--epochs", "3", "-o", at(`${task}-whole`)]);
    expect(whole.stderr).toContain(`Pretrained: ${at("words")} (embedding, rnn); anew: head`);
    expect(whole.stderr).toMatch(/Model: gru, 5 units, /);
    const { pretrained, training, model: made } = configOf(`${task}-whole`);
    expect(pretrained).toMatchObject({
      run: at("words"),
      taken: expect.arrayContaining(["embedding.weight", "rnn.weight_hh_l0"]),
    });
    expect(training).toMatchObject({ pretrained: at("words"), cell: "gru", hiddenSize: 5, bidirectional: false });
    expect(made).toMatchObject({ hiddenSize: 5, embeddingSize: 4 });
    const info = await longshort(["info", at(`${task}-whole`)]);
    expect(info.stdout).toContain(`begun with ${at("words")}, for it the rate times 0.5`);

    await longshort([...train, ...begun, "--epochs", "1", "-q", "-o", at(`${task}-part`)]);
    model(false);
    const resumed = await longshort(["resume", at(`${task}-part`), "--epochs", "3", "-q"]);
    model(true);
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    expect(weightsOf(`${task}-part`).equals(weightsOf(`${task}-whole`))).toBe(true);
    // What is said of how it was trained trains it again.
    const again = await longshort([
      "train",
      task,
      "--config",
      join(at(`${task}-whole`), "config.json"),
      "-q",
      "-o",
      at(`${task}-again`),
    ]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(weightsOf(`${task}-again`).equals(weightsOf(`${task}-whole`))).toBe(true);
  });

  it.each([
    [["--min-count", "3"], /--min-count: the tokenizer is that of the pretrained run.*--pretrained-parts/],
    [["--hidden-size", "7"], /expected \[21, 4\], got \[15, 4\].*Leave out the sizes/],
    [["--cell", "rnn"], /"rnn.weight_ih_l0": expected .*got \[15, 4\]/],
    [["--pretrained-parts", "encoder"], /no part "encoder"; it has embedding, rnn, head/],
  ])("refuses %j beside it", async (more, message) => {
    const { code, stderr } = await longshort([...train, ...begun, ...more, "-q", "-o", at("never")]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("asks for the run itself where nothing was learned yet", async () => {
    const { code, stderr } = await longshort([...train, "--pretrained", at("nowhere"), "-q", "-o", at("never")]);
    expect(code).toBe(2);
    expect(stderr).toContain(at("nowhere"));
  });
});

it("refuses a rate without a run, and a run of another task", async () => {
  const { stderr } = await longshort([...TASKS.classify, "--pretrained-rate", "0", "-o", at("never")]);
  expect(stderr).toMatch(/--pretrained-rate.*--pretrained/);
  writeFileSync(at("y.csv"), `time,y\n${Array.from({ length: 90 }, (_, k) => `${2000 + k},${k % 7}\n`).join("")}`);
  const forecast = [
    "train",
    "forecast",
    at("y.csv"),
    "--target",
    "y",
    "--horizon",
    "2",
    "--context",
    "4",
    "--epochs",
    "1",
    "-q",
  ];
  expect((await longshort([...forecast, "-o", at("forecast")])).stderr).toBe("");
  const other = await longshort([...TASKS.tag, "--pretrained", at("forecast"), "-o", at("never")]);
  expect(other.stderr).toMatch(/expected a run of a language model \(train text\), a classifier or a tagger/);
});
