import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { summary, summaryLine } from "../../bench/reproduce/statistics.mjs";

const folder = new URL("../../bench/reproduce/", import.meta.url);
const names = readdirSync(new URL("recipes/", folder)).map((file) => file.replace(".mjs", ""));

function seeds(words: readonly string[], data: string): { status: number | null; stderr: string } {
  const env = { ...process.env, LONGSHORT_REFERENCE_DATA: data };
  const script = fileURLToPath(new URL("seeds.mjs", folder));
  return spawnSync(process.execPath, [script, ...words], { encoding: "utf8", env });
}

describe("mean and deviation over seeds", () => {
  it("the deviation is that of a sample", () => {
    const { accuracy } = summary([3, 5, 7].map((value) => ({ measures: { accuracy: value } }))) as {
      accuracy: { mean: number; std?: number; values: number[] };
    };
    expect(accuracy).toEqual({ mean: 5, std: 2, values: [3, 5, 7] });
    expect(summaryLine("accuracy", accuracy)).toBe("accuracy: 5.0000 ± 2.0 (3.0000, 5.0000, 7.0000)");
  });

  it("one seed has none", () => {
    expect(summary([{ measures: { loss: 2 } }])).toEqual({ loss: { mean: 2, values: [2] } });
  });
});

describe("a wrong call", () => {
  const empty = mkdtempSync(join(tmpdir(), "longshort-reproduce-"));

  it("a recipe whose data are not here says so and fails", () => {
    const { status, stderr } = seeds(["names", "--output", join(empty, "out")], empty);
    expect(status).toBe(1);
    expect(stderr).toContain("names: its data are not here");
    expect(stderr).toContain("LONGSHORT_REFERENCE_DATA");
    expect(readdirSync(empty)).toEqual([]);
    rmSync(empty, { recursive: true });
  });

  it.each([
    [["nothing"], "expected one recipe, got nothing"],
    [["names", "--seeds", "1,x"], "--seeds: expected whole numbers"],
    [["names", "--variant", "other"], 'names has no "other"; it has parity, defaults, ours'],
  ])("%j", (words, message) => {
    const { status, stderr } = seeds(words, tmpdir());
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

it.each(names)("%s says what it is, what it reads and how", async (name) => {
  const { recipe } = await import(new URL(`recipes/${name}.mjs`, folder).href);
  expect(recipe.about.length).toBeGreaterThan(10);
  expect(Object.keys(recipe.data).length).toBeGreaterThan(0);
  expect(Object.keys(recipe.variants)).toContainEqual(expect.stringMatching(/^(ours|parity)$/));
  expect(recipe.run).toBeTypeOf("function");
});
