import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-stdin-"));
const at = (name: string): string => join(folder, name);
const small = ["--hidden-size", "4", "--epochs", "1", "-q", "-o"];
const files = {
  "text.txt": `${"abcabd. ".repeat(60)}\n`,
  "reviews.csv": `text,label\n${Array.from({ length: 40 }, (_, k) => `${k % 2 ? "good, yes" : "bad no"} ${k},${k % 2 ? "plus" : "minus"}`.replace(/^(.*),(plus|minus)$/, '"$1",$2')).join("\n")}\n`,
  "reviews.jsonl": `${Array.from({ length: 4 }, (_, k) => JSON.stringify({ text: `good ${k}` })).join("\n")}\n`,
  "sales.csv": `day,sales\n${Array.from({ length: 60 }, (_, k) => `${new Date(Date.UTC(2026, 0, 1 + k)).toISOString().slice(0, 10)},${10 + (k % 7)}`).join("\n")}\n`,
  "tags.txt": `${"the DET\nbook NOUN\n\nthey PRON\nbook VERB\n\n".repeat(20)}`,
  "prompts.txt": "ab\nca\n",
};

beforeAll(async () => {
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
  const train = async (...argv: string[]) => expect(await longshort(["train", ...argv])).toMatchObject({ code: 0 });
  await train("text", at("text.txt"), "--embedding-size", "4", ...small, at("text"));
  await train("classify", at("reviews.csv"), "--no-baselines", ...small, at("classes"));
  await train("forecast", at("sales.csv"), "--target", "sales", "--horizon", "3", ...small, at("sales"));
  await train("tag", at("tags.txt"), "--no-baselines", ...small, at("tags"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a dash stands for standard input", () => {
  it.each<[string, keyof typeof files, string[]]>([
    ["score", "text.txt", ["score", at("text"), "FILE", "--json"]],
    ["generate", "prompts.txt", ["generate", at("text"), "--prompts", "FILE", "--length", "5"]],
    ["predict, of classes", "reviews.csv", ["predict", at("classes"), "FILE"]],
    ["predict, of JSON lines", "reviews.jsonl", ["predict", at("classes"), "FILE"]],
    ["predict, of tags", "tags.txt", ["predict", at("tags"), "FILE"]],
    ["forecast", "sales.csv", ["forecast", at("sales"), "FILE"]],
  ])("in %s", async (_, file, argv) => {
    const given = (word: string): string[] => argv.map((one) => (one === "FILE" ? word : one));
    const read = await longshort(given(at(file)));
    expect(read).toMatchObject({ code: 0, stderr: "" });
    expect(read.stdout).not.toBe("");
    const piped = await longshort(given("-"), { stdin: files[file].replace(/\n$/, "").split("\n") });
    expect(piped).toEqual(read);
  });

  it("and is named in errors", async () => {
    const { code, stderr } = await longshort(["predict", at("classes"), "-"], { stdin: ["words,label", "a,b"] });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('standard input: it has no column "text"'),
    });
  });

  it.each([
    ["train text -", ["train", "text", "-", "-o", at("no")], "<file>"],
    ["--output -", ["forecast", at("sales"), "-o", "-"], "--output"],
    ["--validation -", ["train", "text", at("text.txt"), "--validation", "-"], "--validation"],
  ])("but not in %s, which says so", async (_, argv, where) => {
    const { code, stderr } = await longshort(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `${where}: - stands for neither standard input nor standard output here; give the name of a file`,
    );
    expect(existsSync(at("no"))).toBe(false);
  });

  it("leaves what cannot be read in words", async () => {
    for (const argv of [
      ["score", at("text"), at("nothing.txt")],
      ["generate", at("text"), "--prompts", at("nothing.txt")],
      ["train", "text", "--config", at("nothing.txt")],
    ])
      expect(await longshort(argv)).toEqual({
        code: 2,
        stdout: "",
        stderr: `error: ${at("nothing.txt")}: there is no such file; check the path\n`,
      });
  });
});
