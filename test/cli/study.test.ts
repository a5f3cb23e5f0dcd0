import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { pairsOf } from "../../src/cli/study/choose.ts";
import { VERSION } from "../../src/shared/version.ts";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-study-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const call = (output: string, ...more: string[]): string[] => [
  ...["study", "--tasks", "anbn", "--cells", "rnn,gru", "--seeds", "2", "--budget", "0.001"],
  ...["-o", join(folder, output), ...more],
];
const kept = (output: string): string[] =>
  readFileSync(join(folder, output, "trials.jsonl"), "utf8")
    .trimEnd()
    .split("\n");

describe("a study", () => {
  it("prints a table and a plot, and keeps trials and tables", async () => {
    const { code, stdout, stderr } = await longshort(call("one"));
    expect(code).toBe(0);
    expect(stderr.trim().split("\n")).toEqual(
      ["rnn", "rnn", "gru", "gru"].map((cell, k) =>
        expect.stringMatching(
          `^anbn, ${cell}, seed ${k % 2}: not solved after 128 sequences, error [\\d.]+, [\\d.]+ s$`,
        ),
      ),
    );
    expect(stdout).toMatch(/^anbn: strings aⁿbⁿ with n from 1 to 10/);
    expect(stdout).toMatch(/rnn +1,348 +0\/2 +–/);
    expect(stdout).toContain("4 trials, ");
    const page = readFileSync(join(folder, "one", "study.md"), "utf8");
    expect(page).toContain("`longshort study --tasks anbn --cells rnn,gru --seeds 2 --budget 0.001`");
    expect(page).toMatch(/\| gru \| 3,780 \| 0\/2 \| – \| [\d.]+ \| – \| [\d.]+ s \|/);
    expect(kept("one")).toHaveLength(4);
  });

  it("says of each trial what computed it, and of all trials together", async () => {
    await longshort(call("makers", "--machine", "reference"));
    const lines = kept("makers").map((line) => JSON.parse(line));
    const madeBy = {
      ...{ version: VERSION, node: process.versions.node, machine: "reference", float: "float64", family: "portable" },
      ...{ threads: 1, processor: expect.any(String) },
    };
    expect(lines.map((line) => line.madeBy)).toEqual([madeBy, madeBy, madeBy, madeBy]);
    const page = (): string => readFileSync(join(folder, "makers", "study.md"), "utf8");
    expect(page()).toContain(
      `, longshort ${VERSION}, Node ${process.versions.node}, reference (float64, portable), 1 thread, `,
    );
    expect(page()).not.toContain("; ");
    // One that an older version made and one that says nothing are kept, and told of.
    const { madeBy: _, ...early } = { ...lines[2], cell: "gru" };
    const old = { ...lines[1], madeBy: { ...lines[1].madeBy, version: "0.0.1" } };
    const file = join(folder, "makers", "trials.jsonl");
    writeFileSync(file, [lines[0], old, early, lines[3]].map((line) => `${JSON.stringify(line)}\n`).join(""));
    const { stdout } = await longshort(call("makers", "--machine", "reference"));
    expect(stdout).toContain("4 trials, 3 of them from before");
    expect(page()).toContain("; longshort 0.0.1, Node ");
    // On the usual machine the others are other trials, and the one that says nothing was made there.
    expect((await longshort(call("makers"))).stdout).toContain("4 trials, 1 of them from before");
    expect(page()).toContain("; a version that did not say so: ");
  });

  it("goes on where it was stopped, also in the middle of a line", async () => {
    await longshort(call("two"));
    const lines = kept("two");
    writeFileSync(join(folder, "two", "trials.jsonl"), `${lines.slice(0, 2).join("\n")}\n`);
    appendFileSync(join(folder, "two", "trials.jsonl"), lines[2]!.slice(0, 50));
    const { stdout } = await longshort(call("two"));
    expect(stdout).toContain("4 trials, 2 of them from before");
    // What is written again is the same, but for the time that it took.
    const plain = (line: string): unknown => ({ ...JSON.parse(line), cpuSeconds: 0 });
    expect(kept("two").map(plain)).toEqual(lines.map(plain));
    const again = await longshort(call("two"));
    expect(again.stdout).toContain("4 trials, 4 of them from before");
  });

  it("other settings are other trials", async () => {
    await longshort(call("three"));
    const { stdout } = await longshort(call("three", "--budget", "0.002"));
    expect(stdout).not.toContain("from before");
    expect(kept("three")).toHaveLength(8);
  });

  it("a trial whose gradients were left out is run again where they are wanted", async () => {
    const study = async (...more: string[]) =>
      (await longshort(call("gradients", "--tasks", "adding-100", "--cells", "rnn", ...more))).stdout;
    expect(await study("--no-gradients")).not.toContain("after training");
    expect(await study("--no-gradients")).toContain("2 trials, 2 of them from before");
    const measured = await study();
    expect(measured).toContain("2 trials, 1 of them from before");
    expect(measured).toMatch(/rnn +after training/);
    for (const more of [[], ["--no-gradients"]])
      expect(await study(...more)).toContain("2 trials, 2 of them from before");
  });

  it("Ctrl-C ends it, and what is finished is kept", async () => {
    let press: () => void = () => undefined;
    const { code, stderr } = await longshort(call("four"), {
      onListen: (interrupt) => {
        press = interrupt;
      },
      onStderr: (text) => {
        if (text.includes("rnn, seed 1")) press();
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain("keeps 2 finished trials");
    expect(kept("four")).toHaveLength(2);
  });

  it("prints each trial as a line of JSON where that is asked for", async () => {
    const { stdout, stderr } = await longshort(call("five", "--json"));
    expect(stderr).toBe("");
    const trials = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(trials.map(({ type, cell, seed }) => [type, cell, seed])).toEqual([
      ...[
        ["trial", "rnn", 0],
        ["trial", "rnn", 1],
      ],
      ...[
        ["trial", "gru", 0],
        ["trial", "gru", 1],
      ],
    ]);
  });

  it.each([
    [["--tasks", "adding-10"], "--tasks: expected one of"],
    [["--cells", "ltsm"], "--cells: expected one of rnn, lstm"],
    [["--tasks", ","], "--tasks: expected at least one name"],
    [["--tasks", "anbn", "--output", fileURLToPath(import.meta.url)], "expected a folder, this is a file"],
  ])("%j is a wrong call", async (words, message) => {
    const { code, stderr } = await longshort(["study", "-o", join(folder, "wrong"), ...words]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("what is tried", () => {
  it("without a wish: every task with five cells, and the variants on one", () => {
    const pairs = pairsOf({ quick: false });
    expect(pairs).toHaveLength(17 * 5 + 9);
    expect(pairs.filter(({ task }) => task.name === "adding-100")).toHaveLength(14);
  });

  it("quick: four tasks and three cells", () => {
    expect(pairsOf({ quick: true })).toHaveLength(12);
    expect(pairsOf({ quick: true, cells: "min-gru" })).toHaveLength(4);
  });

  it("what is asked for twice is tried once", () => {
    expect(pairsOf({ quick: false, tasks: "anbn,anbn", cells: "rnn, gru,rnn" }).map(({ cell }) => cell)).toEqual([
      ...["rnn", "gru"],
    ]);
    expect(pairsOf({ quick: false, tasks: "anbn", cells: "lstm-np,variants" })).toHaveLength(9);
  });

  it("variants are nine cells", () => {
    expect(pairsOf({ quick: false, tasks: "adding-100", cells: "variants, gru" })).toHaveLength(10);
  });
});
