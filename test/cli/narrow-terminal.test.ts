import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { displayWidth } from "../../src/explain/display-width.ts";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-narrow-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COLUMNS = 40;
const train = (name: string, ...more: string[]) =>
  longshort(["train", ...more, "--hidden-size", "3", "--epochs", "1", "-o", at(name), "--quiet"], { columns: COLUMNS });
const said = async (...argv: string[]): Promise<string> => (await longshort(argv, { columns: COLUMNS })).stdout;

/** What is told under the name of something; the name itself, such as a path, may be as long as it is. */
const tooWide = (text: string): string[] =>
  text.split("\n").filter((line) => line.startsWith("  ") && displayWidth(line) > COLUMNS);

let trained: Record<string, string>;
beforeAll(async () => {
  const kinds = ["sport", "politics", "culture", "economy"];
  const rows = Array.from({ length: 80 }, (_, k) => `${kinds[k % 4]},about ${kinds[k % 4]} ${k % 7}`);
  writeFileSync(at("t.csv"), `label,text\n${rows.join("\n")}\n`);
  const sentences = Array.from({ length: 40 }, (_, k) => `Ann B-PER\nof O\nParis B-LOC\ncame O\n${k} O\n`);
  writeFileSync(at("s.txt"), sentences.join("\n"));
  writeFileSync(at("text.txt"), "ab abc ba ".repeat(200));
  trained = {
    classes: (await train("classes", "classify", at("t.csv"))).stdout,
    tags: (await train("tags", "tag", at("s.txt"))).stdout,
    text: (await train("text", "text", at("text.txt"), "--sample-length", "0")).stdout,
  };
});

describe("on a terminal of 40 columns", () => {
  it("scores after a training", () => {
    expect(trained.classes).toMatch(/^this model$/m);
    expect(trained.classes).toMatch(/^ {2}accuracy [\d.]+ % {2}macro-F1 [\d.]+ %$/m);
    expect(trained.tags).toMatch(/^ {2}token accuracy [\d.]+ %/m);
    for (const text of Object.values(trained)) expect(tooWide(text)).toEqual([]);
  });

  it("runs, compare, evaluate", async () => {
    const runs = await said("runs", folder);
    expect(runs.split("\n").filter((line) => line.startsWith(folder))).toHaveLength(3);
    expect(tooWide(runs)).toEqual([]);
    const compared = await said("compare", at("classes"), at("tags"));
    expect(compared).toMatch(/^b .*tags$/m);
    expect(compared).toMatch(/^ {2}best accuracy /m);
    expect(tooWide(compared.slice(0, compared.indexOf("setting")))).toEqual([]);
    const scores = await said("evaluate", at("text"));
    expect(scores).toMatch(/^unigram\n {2}nats per token /m);
    expect(tooWide(scores)).toEqual([]);
  });
});
