import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

/*
 * Options that mean nothing beside others. Each of them has an effect by itself (option-effects.test.ts); here it would have none, and
 * whoever gave it would wait for one.
 */

const folder = mkdtempSync(join(tmpdir(), "longshort-together-"));
const at = (name: string): string => join(folder, name);
const words = (line: string): string[] =>
  line.split(" ").map((word) => (word.startsWith("@") ? at(word.slice(1)) : word));

const text = "train text @text.txt --hidden-size 3 --embedding-size 3 --epochs 1 --sample-length 0 -q -o";
const classify = "train classify @t.csv --text t --label l --hidden-size 3 --epochs 1 -q -o";
const series = "train classify @s.ts --hidden-size 3 --epochs 1 -q -o";
const table = "train classify @steps.csv --channels x --id r --label l --hidden-size 3 --epochs 1 -q -o";
const tag = "train tag @g.txt --hidden-size 3 --embedding-size 3 --epochs 1 -q -o";
const forecast = "train forecast @f.csv --target y --horizon 2 --context 4 --hidden-size 3 --epochs 1 -q -o";

const numbered = (count: number, line: (k: number) => string): string =>
  Array.from({ length: count }, (_, k) => line(k)).join("");

beforeAll(async () => {
  writeFileSync(at("text.txt"), "hello world, hello words\n".repeat(12));
  writeFileSync(at("t.csv"), `t,l,n\n${numbered(24, (k) => `word${k % 5} up,${k % 3 ? "a" : "b"},${k}\n`)}`);
  writeFileSync(at("s.ts"), `@data\n${numbered(20, (k) => `${k},${k + 5},9:${k % 2 ? "a" : "b"}\n`)}`);
  writeFileSync(at("steps.csv"), `r,x,l\n${numbered(60, (k) => `r${k % 20},${k},${k % 20 > 9 ? "a" : "b"}\n`)}`);
  writeFileSync(
    at("g.txt"),
    numbered(24, (k) => `In B${k % 3} ${k % 3 ? "O" : "B-T"}\nx${k % 5} b O\n\n`),
  );
  writeFileSync(at("f.csv"), `y\n${numbered(80, (k) => `${20 + ((k * 7) % 9)}\n`)}`);
  for (const line of [`${text} @text`, `${classify} @classifier`, `${tag} @tagger`, `${forecast} @forecaster`])
    expect(await longshort(words(line))).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases: readonly (readonly [line: string, message: string])[] = [
  [`${text} @x --min-delta 0.1`, "--min-delta: give --patience as well"],
  [
    `${text} @x --validation 0 --validation-tokens 9`,
    "--validation-tokens: --validation 0 keeps none; give one of them",
  ],
  [`${text} @x --shuffle`, "--shuffle: give --documents as well"],
  [
    `${text} @x --alphabet character`,
    "--alphabet: it changes nothing beside --tokenizer grapheme; give --tokenizer bpe, or leave it out",
  ],
  [`${classify} @x --alphabet byte`, "--alphabet: it changes nothing beside --tokenizer word; give --tokenizer bpe"],
  [`${classify} @x --label n --regression --class-weights balanced`, "classWeights: a regression predicts numbers"],
  ...["--tokenizer byte", "--vocabulary-size 9", "--min-count 2", "--normalize nfc", "--embedding-size 3"].flatMap(
    (flag): [string, string][] => [
      [`${series} @x ${flag}`, `${flag.split(" ")[0]}: ${at("s.ts")} holds series of numbers, and neither texts nor`],
      [`${table} @x ${flag}`, `${flag.split(" ")[0]}: ${at("steps.csv")} holds series of numbers, no texts; leave it`],
    ],
  ),
  [`${series} @x --text t`, `--text: ${at("s.ts")} holds series of numbers`],
  [`${series} @x --label l`, `--label: ${at("s.ts")} holds series of numbers`],
  [`${series} @x --delimiter ;`, `--delimiter: ${at("s.ts")} holds series of numbers`],
  [`${series} @x --header`, `--header: ${at("s.ts")} holds series of numbers`],
  [
    `${tag} @x --scheme none --encoding iob2`,
    "--encoding: it changes nothing beside --scheme none; give --scheme auto",
  ],
  [`${forecast} @x --point-loss absolute`, "--point-loss: give --head point as well"],
  [
    `${forecast} @x --head gaussian --point-loss absolute`,
    "it changes nothing beside --head gaussian; give --head point",
  ],
  [
    `${forecast} @x --head gaussian --quantiles 0.2 0.8`,
    'levels: expected the head "quantiles" beside it, got the string "gaussian"',
  ],
  [`${forecast} @x --decoding autoregressive --quantiles 0.2`, 'levels: expected the head "quantiles" beside it'],
  ...["--seed 1", "--temperature 0", "--top-k 2", "--top-p 0.5", "--min-p 0.5", "--typical-p 0.5"].map(
    (flag): [string, string] => [
      `generate @text --beams 2 ${flag}`,
      `${flag.split(" ")[0]}: --beams searches and samples nothing; give one of them`,
    ],
  ),
  ["generate @text --beams 2 --repetition-penalty 2", "--repetition-penalty: --beams searches and samples nothing"],
  ["generate @text --repetition-window 3", "--repetition-window: give --repetition-penalty as well"],
  ["generate @text --count 2", "--count: give --beams as well"],
  ["generate @text --alternatives 2", "--alternatives: give --json as well"],
  ["evaluate @text --baseline @text.txt --no-baselines", "--baseline and --no-baselines: give one of them"],
  ["inspect @text --text hello --places 2", "--places: give --nearest as well"],
  ["inspect @text --text hello --compare @text", "--compare: give --html as well"],
  ["inspect @text --text hello --row 2", "--row: which one of a file is read; --text is read whole"],
  ["inspect @text --text hello --units 2 --json", "--units: --json tells the values of all units; give one of them"],
  ["compare @text @tagger --json --curve speed", "--curve: --json tells all curves and draws none"],
  ["forecast @forecaster --plot --json", "--json and --plot: give one of them"],
  ["forecast @forecaster --samples 9", "--samples: this model predicts all steps at once and samples nothing"],
  ["backtest @forecaster --seed 1", "--seed: this model predicts all steps at once and samples nothing"],
  ["predict @classifier --input up --delimiter ;", "--delimiter: says how a file is read; --input is read as it is"],
  ["predict @tagger --input up --lines", "--lines: says how a file is read; --input is read as it is"],
  ["predict @tagger @g.txt --lines --text 2", "--text: says how a file is read; with --lines a line is a sentence"],
  ["convert @text @x --to onnx --no-verify --tolerance 1", "--tolerance and --no-verify: give one of them"],
];

describe("what would change nothing is refused", () => {
  it.each(cases)("longshort %s", async (line, message) => {
    const { code, stdout, stderr } = await longshort(words(line));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(existsSync(at("x"))).toBe(false);
  });

  it("a run's config.json names every setting: those with their defaults ask for nothing", async () => {
    const commands = { classifier: "classify", tagger: "tag", forecaster: "forecast", text: "text" };
    for (const [run, command] of Object.entries(commands)) {
      const again = `train ${command} --config @${run}/config.json -q -o @again-${run}`;
      expect(await longshort(words(again))).toMatchObject({ code: 0 });
    }
    writeFileSync(at("delta.json"), JSON.stringify({ files: ["text.txt"], minDelta: 0.5 }));
    expect(await longshort(words("train text --config @delta.json -o @x"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--min-delta: give --patience as well"),
    });
  });
});
