import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { inspectForecaster } from "../../src/cli/inspect-forecaster.ts";
import { openMachine } from "../../src/compute/open.ts";
import { longshort } from "./fake-io.ts";

/* `inspect`, `quantize` and `pack` for runs of the tasks that are no language models: each trained for a moment, on tables of a few rows. */

const CLI = fileURLToPath(new URL("../../dist/node/cli.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longshort-inspect-"));
const at = (name: string): string => join(folder, name);
const quick = ["--hidden-size", "3", "--epochs", "1", "--no-baselines", "-q"];
const rowsOf = (n: number, row: (k: number) => string): string =>
  Array.from({ length: n }, (_, k) => `${row(k)}\n`).join("");

beforeAll(async () => {
  writeFileSync(
    at("t.csv"),
    `text,mood,stars\n${rowsOf(30, (k) => `${k % 2 ? "a fine" : "no dull"} end ${k % 3},${k % 2 ? "up" : "down"},${k % 5}`)}`,
  );
  writeFileSync(at("s.ts"), `@data\n${rowsOf(20, (k) => `${k},${k + 5},9,1:2,${k},1,0:${k % 2 ? "a" : "b"}`)}`);
  writeFileSync(
    at("g.txt"),
    rowsOf(20, (k) => `In O\nRome ${k % 3 ? "B-PLACE" : "O"}\n`),
  );
  writeFileSync(
    at("f.csv"),
    `day,sales,shop\n${rowsOf(80, (k) => `2024-0${1 + (Math.floor(k / 2) >= 31 ? 1 : 0)}-${String(1 + (Math.floor(k / 2) % 31)).padStart(2, "0")},${k % 2 ? 7 : 5 + (k % 8)},${k % 2 ? "A" : "B"}`)}`,
  );
  const commands = [
    // The column that texts are in unless another is named.
    ["classify", at("t.csv"), "--label", "mood", "--no-bidirectional", "-o", at("words")],
    ["classify", at("t.csv"), "--text", "text", "--label", "stars", "--regression", "-o", at("stars")],
    ["classify", at("s.ts"), "--pooling", "mean", "-o", at("series")],
    ["tag", at("g.txt"), "-o", at("tags")],
    [
      "forecast",
      at("f.csv"),
      "--target",
      "sales",
      "--series",
      "shop",
      "--time",
      "day",
      "--horizon",
      "2",
      "--context",
      "4",
      "-o",
      at("sales"),
    ],
  ];
  for (const command of commands) {
    const flags = command[0] === "tag" ? quick.filter((flag) => flag !== "--no-baselines") : quick;
    expect(await longshort(["train", ...command, ...flags])).toMatchObject({ code: 0 });
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inspect = async (...argv: string[]) => {
  const { code, stdout, stderr } = await longshort(["inspect", ...argv]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
};
const lines = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const blocksOf = (stdout: string): string[] => stdout.trimEnd().split("\n\n");

describe("inspect shows", () => {
  it("of a classifier what it says after each word, as predict says at the end", async () => {
    const blocks = blocksOf(await inspect(at("words"), "--text", "a fine end", "--values", "f", "--units", "2"));
    expect(blocks).toHaveLength(4);
    const predicted = (await longshort(["predict", at("words"), "--input", "a fine end"])).stdout.split("\n")[1]!;
    const [label, down, up] = predicted.split(",");
    const shown = Number(label === "up" ? up : down).toFixed(3);
    expect(blocks[0]).toBe(`Prediction: ${label} (probability ${shown})`);
    expect(blocks[1]).toMatch(
      /^probability of each class if the input ended here +0 {2}░▒▓█ 1\n +a +fine end\ndown .*\nup /,
    );
    expect(blocks[2]).toMatch(/^influence of the state after each step .* 0 {2}░▒▓█ 0\.\d+\n +a +fine end\nh_l0 .*█/);
    expect(blocks[3]).toMatch(/^f {2}forget gate .*\n +a +fine end\nunit \d .*\nunit \d /);
    const steps = lines(await inspect(at("words"), at("t.csv"), "--row", "2", "--json"));
    expect(steps.map(({ type }) => type)).toEqual([
      ...[...new Array(4).fill("step"), ...new Array(3).fill("map"), ...new Array(6).fill("values")],
    ]);
    expect(steps[6]).toMatchObject({ title: expect.stringMatching(/^influence .* on the prediction/), label: "h_l0" });
    expect(steps[6].values).toHaveLength(4);
    expect(Math.min(...steps[6].values)).toBeGreaterThan(0);
    expect(steps.slice(0, 4).map(({ token }) => token)).toEqual(["a", "fine", "end", "1"]);
    expect(steps[3].probabilities.down + steps[3].probabilities.up).toBeCloseTo(1, 5);
    expect(steps[7]).toEqual({ type: "values", name: "i", layer: 0, shape: [4, 3], data: expect.any(Array) });
  });

  it("of a regression the number after each word", async () => {
    const said = lines(await inspect(at("stars"), "--text", "a fine", "--json")).filter(({ type }) => type === "step");
    const predicted = (await longshort(["predict", at("stars"), "--input", "a fine"])).stdout.split("\n")[1]!;
    expect(Number(said[1].value.toPrecision(7))).toBe(Number(predicted));
    expect(await inspect(at("stars"), "--text", "a fine")).toContain(`Prediction: ${predicted}\n`);
  });

  it("of a classifier of series the series, and either direction", async () => {
    const forward = await inspect(at("series"), at("s.ts"), "--row", "3", "--values", "h");
    expect(forward).toContain("the series   0  ░▒▓█ 9\n          1 2 3 4\nchannel 1 ░░▓▓██  \nchannel 2 ░░░░    \n");
    expect(forward).toMatch(/^h {2}hidden state \(output\) {3}−1/m);
    const back = await inspect(at("series"), at("s.ts"), "--row", "3", "--values", "h", "--reverse");
    expect(back).toMatch(/^h {2}hidden state \(output\), read from the end/m);
    const numbers = lines(await inspect(at("series"), at("s.ts"), "--json", "--reverse")).at(-1);
    expect(numbers).toMatchObject({ type: "values", reverse: true, shape: [4, 3] });
  });

  it("of a tagger the tag of each token and its probability", async () => {
    const stdout = await inspect(at("tags"), "--text", "In Rome", "--values", "c");
    const [said] = blocksOf(stdout);
    expect(said!.split("\n")).toEqual([
      expect.stringMatching(/^0\.\d{3} {2}\S+ +In$/),
      expect.stringMatching(/^0\.\d{3} {2}\S+ +Rome$/),
    ]);
    expect(stdout).toMatch(
      /^influence of the state after each step on all tags together: .*\n +In +Rome\nh_l0 .*\nh_l0_reverse /m,
    );
    expect(await inspect(at("tags"), "--text", "In Rome", "--token", "2")).toContain(
      " on the tag of token 2, Rome: norm",
    );
    expect(await longshort(["inspect", at("tags"), "--text", "In Rome", "--token", "3"])).toMatchObject({
      ...{
        code: 2,
        stderr: expect.stringContaining("--token: expected a number from 1 to 2, one of the tokens, got 3"),
      },
    });
    const steps = lines(await inspect(at("tags"), at("g.txt"), "--json")).filter(({ type }) => type === "step");
    expect(steps.slice(0, 2).map(({ token }) => token)).toEqual(["In", "Rome"]);
    for (const { tag, probability, probabilities } of steps) {
      expect(tag).toMatch(/^(O|B-PLACE)$/);
      expect(Object.values<number>(probabilities)).toContain(probability);
    }
  });

  it("of a forecaster the steps that it looks back at, of its own table or another one", async () => {
    const stdout = await inspect(at("sales"), "--row", "2", "--values", "c");
    expect(stdout).toMatch(
      /^Series "\w": 4 steps read, 2024-02-\d\d to 2024-02-\d\d; −1 is the last, and from 0 on 2 steps forecast\n/,
    );
    expect(stdout).toMatch(/^sales, measured; from 0 on forecast .*\n +−4 −3 −2 −1 0 +1\n/m);
    expect(stdout).toMatch(
      /^influence of the state after each step on the forecast of step 0: .*\n +−4 −3 −2 −1 0 +1\nh_l0 /m,
    );
    expect(await inspect(at("sales"), "--step", "1")).toContain(" on the forecast of step 1: norm");
    for (const [argv, said] of [
      [[at("sales"), "--step", "2"], "--step: expected a number from 0 to 1, one of the predicted steps, got 2"],
      [[at("sales"), "--token", "1"], "--token: it is for runs that tag sentences"],
      [[at("words"), "--text", "a", "--step", "0"], "--step: it is for runs that forecast series"],
    ] as const)
      expect(await longshort(["inspect", ...argv])).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
    const steps = lines(await inspect(at("sales"), at("f.csv"), "--json")).filter(({ type }) => type === "step");
    expect(steps.map(({ token }) => token)).toEqual(["−4", "−3", "−2", "−1", "0", "1"]);
    const told = lines((await longshort(["forecast", at("sales"), at("f.csv"), "--json"])).stdout);
    expect(told).toContainEqual(expect.objectContaining({ time: steps[5].time, value: steps[5].forecast.sales }));
    expect(Object.keys(steps[0].values)).toEqual(["sales"]);
    expect(await inspect(at("sales"))).toContain(`4 steps read, ${steps[0].time} to ${steps[3].time}; −1 is the last`);
    expect(steps[3].time).toMatch(/^2024-02-\d\d$/);
  });

  it("of a forecaster what it reads where numbers are missing: the one before, at the beginning the first there is", async () => {
    for (const gap of [[], [0], [1, 2], [0, 1, 2]]) {
      const days = Array.from({ length: 6 }, (_, k) => `2024-03-0${k + 1},${gap.includes(k - 2) ? "" : k + 10},A\n`);
      writeFileSync(at("gaps.csv"), `day,sales,shop\n${days.join("")}`);
      const machine = await openMachine("wasm", { threads: 1 });
      const { curves, steps } = await inspectForecaster(at("sales"), machine, { file: at("gaps.csv"), row: 1 });
      machine.close();
      const read = Array.from(curves![0]!.data);
      const there = steps.map((step) => {
        const { values, forecast } = step as Record<string, { sales: number } | undefined>;
        return (values ?? forecast)!.sales;
      });
      expect(there.slice(0, 4).map(Number.isNaN)).toEqual([0, 1, 2, 3].map((k) => gap.includes(k)));
      const first = there.find((value) => !Number.isNaN(value));
      const before = (t: number) => there.slice(0, t + 1).findLast((value) => !Number.isNaN(value));
      expect(read).toEqual(there.map((_, t) => before(t) ?? first));
    }
  });

  it("all of it in one page", async () => {
    for (const run of ["words", "series", "tags", "sales"]) {
      const page = at(`${run}.html`);
      const reads = { words: ["--text", "a fine end"], series: [at("s.ts")], tags: ["--text", "In Rome"], sales: [] }[
        run
      ]!;
      // The page is put together from what was compiled.
      const { stdout, stderr } = spawnSync(process.execPath, [CLI, "inspect", at(run), ...reads, "--html", page], {
        encoding: "utf8",
      });
      expect({ stdout, stderr }).toEqual({ stdout: `Wrote ${page}\n`, stderr: "" });
      const data = JSON.parse(
        /<script type="application\/json" id="data">(.*)<\/script>/.exec(readFileSync(page, "utf8"))![1]!,
      );
      expect(data.series === undefined).toBe(run === "words" || run === "tags");
      const [{ said, maps, layers }] = data.runs;
      expect(said.length).toBeGreaterThan(0);
      // What one channel or column holds is the curve itself.
      expect(maps.length).toBe({ words: 2, series: 3, tags: 2, sales: 1 }[run]);
      for (const { rows } of maps)
        for (const { data: numbers } of rows) expect(numbers).toHaveLength(data.tokens.length);
      // The unit that is pointed at is the one that a terminal shows of all values.
      const names = layers[0].bands.map(({ name }: { name: string }) => name).join();
      const terminal = await inspect(at(run), ...reads, "--values", names, "--units", "1");
      expect(terminal).toContain(`unit ${layers[0].unit} `);
      expect(layers.map(({ title }: { title: string }) => title)).toEqual(
        run === "series" || run === "tags" ? ["layer 0", "layer 0, read from the end"] : ["layer 0"],
      );
      // Asked for the numbers as well, it says them and nothing else.
      const both = [CLI, "inspect", at(run), ...reads, "--html", at("both.html"), "--json"];
      const told = spawnSync(process.execPath, both, { encoding: "utf8" });
      expect([told.stderr, told.stdout]).toEqual(["", await inspect(at(run), ...reads, "--json")]);
      expect(readFileSync(at("both.html"), "utf8")).toBe(readFileSync(page, "utf8"));
    }
  });
});

describe("runs of every task", () => {
  it.each([
    ["words", ["loss", "accuracy", "macroF1"]],
    ["series", ["loss", "accuracy", "macroF1"]],
    ["stars", ["loss", "rmse", "mae"]],
    ["tags", ["loss", "accuracy"]],
    ["sales", ["MAE of sales", "pinball loss of sales"]],
  ])("quantize says what 8 bits cost %s, and pack writes them", async (run, figures) => {
    const eight = at(`${run}-eight`);
    const [told] = lines((await longshort(["quantize", at(run), "-o", eight, "--json"])).stdout);
    expect(Object.keys(told.scores)).toEqual(expect.arrayContaining(figures));
    for (const [name, value] of Object.entries<number>(told.scores))
      expect(Math.abs(value - told.scoresBefore[name])).toBeLessThan(0.05 + 0.05 * Math.abs(value));
    expect(told.bytes).toBe(statSync(join(eight, "model.safetensors")).size);
    const file = at(`${run}-eight.safetensors`);
    expect(await longshort(["pack", eight, "-o", file])).toMatchObject({ code: 0, stderr: "" });
    const { tensors } = readSafetensors(readFileSync(file));
    expect([...tensors].find(([name]) => name.endsWith("weight_hh_l0"))![1].dtype).toBe("I8");
    expect(await longshort(["quantize", eight])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("already 8-bit"),
    });
    const before = readFileSync(join(eight, "model.safetensors"));
    expect(await longshort(["resume", eight, "--epochs", "9"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `its weights are 8-bit and cannot be trained further; resume the run that they were quantized from, ${resolve(at(run))},`,
      ),
    });
    expect(readFileSync(join(eight, "model.safetensors")).equals(before)).toBe(true);
    expect(existsSync(join(eight, "run.lock"))).toBe(false);
  });

  it.each([
    ["inspect", "words", ["--text", "a fine end"]],
    ["inspect", "series", [at("s.ts")]],
    ["inspect", "tags", ["--text", "In Rome"]],
    ["inspect", "sales", []],
    ["predict", "words", [at("t.csv")]],
    ["evaluate", "tags", [at("g.txt")]],
    ["forecast", "sales", [at("f.csv")]],
  ])("%s takes a packed run of %s in place of its folder", async (command, run, input) => {
    const file = at(`${command}-${run}.safetensors`);
    expect(await longshort(["pack", at(run), "-o", file])).toMatchObject({ code: 0 });
    const [folder, packed] = [
      await longshort([command, at(run), ...input]),
      await longshort([command, file, ...input]),
    ];
    expect(folder).toMatchObject({ code: 0 });
    expect({ ...packed, stdout: packed.stdout.replaceAll(file, at(run)) }).toEqual(folder);
  });

  it("quantize measures on another file, and refuses runs that do not say how theirs was read", async () => {
    const other = await longshort(["quantize", at("words"), at("t.csv"), "-o", at("words-other")]);
    expect(other.stdout).toMatch(/t\.csv: 30 examples\n +loss +accuracy +macro-F1 +weights\nbefore .*\n8 bits /);
    const config = JSON.parse(readFileSync(at("words/config.json"), "utf8"));
    cpSync(at("words"), at("untold"), { recursive: true });
    writeFileSync(at("untold/config.json"), JSON.stringify({ ...config, training: undefined }));
    expect(await longshort(["quantize", at("untold"), "-o", at("untold-eight")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not made by `train classify`"),
    });
    expect(existsSync(at("untold-eight"))).toBe(false);
    writeFileSync(at("untold/config.json"), JSON.stringify({ ...config, training: null }));
    expect(await longshort(["inspect", at("untold"), at("t.csv")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not made by `train classify`"),
    });
  });
});

describe("inspect refuses", () => {
  it.each<[string, string]>([
    ["@words", "expected something to read: give --text TEXT, or a file"],
    ["@words @t.csv --row 31", "--row: expected a number from 1 to 30, as"],
    ["@words @t.csv --text a", "give one of them"],
    ["@words --text a --reverse", "--reverse: the model reads in one direction only"],
    ["@words --text a --nearest @t.csv", "--nearest: it searches a text for runs of language models"],
    ["@words --text a --layer 1", "--layer 1: the model has 1 recurrent layer; they are counted from 0"],
    ["@series --text a", "not text: give a file in the format of the training file"],
    ["@series @none.ts", "there is no such file"],
    ["@sales --text a", "forecasts series and reads no text; give a table"],
    ["@sales --row 3", "--row: expected a number from 1 to 2, as"],
  ])("inspect %s", async (line, message) => {
    const words = line.split(" ").map((word) => (word.startsWith("@") ? at(word.slice(1)) : word));
    const { code, stdout, stderr } = await longshort(["inspect", ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});
