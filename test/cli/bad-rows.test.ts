import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-bad-rows-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = Array.from({ length: 30 }, (_, k) => `${k % 2 ? "up" : "down"} ${k % 5},${k % 2 ? "a" : "b"},${k}\n`);
const small = ["--hidden-size", "3", "--embedding-size", "3", "--epochs", "1", "--no-baselines"];
const times = (text: string, part: string): number => text.split(part).length - 1;

beforeAll(() => {
  writeFileSync(
    at("t.csv"),
    `text,label,n\n${rows.slice(0, 10).join("")}x\ny\nz,,1\nw\nv,a,many\n${rows.slice(10).join("")}`,
  );
  writeFileSync(at("test.csv"), `text,label,n\nonly\n${rows.slice(0, 8).join("")}`);
  const sentence = "in O\nmay B-T\n\n";
  writeFileSync(at("t.txt"), `${sentence.repeat(12)}short\n\n${sentence.repeat(12)}`);
});

describe("--skip-bad-rows", () => {
  it("says once of each file how many rows are left out, and why the first ones", async () => {
    const argv = ["train", "classify", at("t.csv"), "--test", at("test.csv"), ...small, "-q", "-o", at("run")];
    const refused = await longshort(argv);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/line 12: expected 3 cells/);
    const { code, stderr, stdout } = await longshort([...argv, "--skip-bad-rows"]);
    expect(code).toBe(0);
    expect(stderr).toContain("Left out, as it cannot be read: 4 rows.\n");
    expect(stderr).toMatch(
      /t.csv, line 12: expected 3 cells.*\n.*line 13.*\n.*line 15: expected 3 cells.*\n {2}and 1 more\n/,
    );
    expect(times(stderr, `${at("t.csv")}, line 12`)).toBe(1);
    expect(times(stderr, `${at("test.csv")}, line 2: `)).toBe(1);
    expect(stdout).toMatch(/On the 8 test examples/);
    // What is measured later leaves out the same, and says so again.
    const again = await longshort(["evaluate", at("run"), at("t.csv")]);
    expect(again.stdout).toMatch(/On the 31 test examples/);
    expect(again.stderr).toContain("Left out, as it cannot be read: 4 rows.");
    const resumed = await longshort(["resume", at("run"), "--epochs", "2", "-q"]);
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining("4 rows") });
  });

  it("leaves out labels of a regression that are no numbers", async () => {
    const argv = ["train", "classify", at("t.csv"), "--label", "n", "--regression", "--skip-bad-rows", ...small, "-q"];
    const { code, stderr } = await longshort([...argv, "-o", at("numbers")]);
    expect(code).toBe(0);
    expect(stderr).toContain("4 rows");
    const text = ["train", "classify", at("t.csv"), "--label", "n", "--regression", ...small, "-q", "-o", at("never")];
    expect((await longshort(text)).code).toBe(2);
  });

  it("leaves out sentences, and answers of predict say which row they are of", async () => {
    const argv = ["train", "tag", at("t.txt"), ...small, "-q", "-o", at("tags")];
    expect((await longshort(argv)).code).toBe(2);
    const { code, stderr } = await longshort([...argv, "--skip-bad-rows"]);
    expect(code).toBe(0);
    expect(times(stderr, "line 37: expected 2 columns")).toBe(1);
    // A run that was trained so reads files of answers as strictly as any other.
    expect((await longshort(["predict", at("run"), at("t.csv")])).code).toBe(2);
    const said = await longshort(["predict", at("run"), at("t.csv"), "--skip-bad-rows", "--json"]);
    const places = said.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).place as string);
    expect(places).toHaveLength(32);
    expect(places[10]).toMatch(/line 14$/);
    expect(said.stderr).toContain("3 rows");
    const lines = await longshort(["predict", at("tags"), at("t.txt"), "--lines", "--skip-bad-rows"]);
    expect(lines.stderr).toMatch(/--skip-bad-rows: says how a file is read; with --lines a line is a sentence/);
  });
});
