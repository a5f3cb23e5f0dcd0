import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunStory } from "../../src/cli/run-story.ts";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-monitor-"));
const at = (...names: string[]): string => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const accuracy = { metric: "accuracy", mode: "max" } as const;
const loss = { metric: "loss", mode: "min" } as const;

/** A run of three epochs that was measured like this; what was best is what its monitor says. */
function writeRun(
  name: string,
  monitor: typeof accuracy | typeof loss | undefined,
  measured: readonly [number, number][],
) {
  mkdirSync(at(name), { recursive: true });
  const start = { type: "start", step: 0, totalSteps: 30, parameters: 9, ...(monitor && { monitor }) };
  let most = Number.NEGATIVE_INFINITY;
  const epochs = measured.map(([right, lost], k) => {
    const value = monitor?.mode === "max" ? right : -lost;
    const best = monitor === undefined || value > most;
    most = Math.max(most, value);
    const metrics = monitor && { metrics: { loss: lost, accuracy: right }, validationLoss: lost };
    return { type: "epoch", step: 10 * (k + 1), epoch: k + 1, trainLoss: lost / 2, ...metrics, best, seconds: 1 };
  });
  const lines = [start, ...epochs, { type: "end", step: 30, reason: "done", seconds: 3 }];
  writeFileSync(at(name, "metrics.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const config = { format: "longshort-run", version: 1, task: "classify", model: { cell: { name: "lstm" } } };
  writeFileSync(at(name, "config.json"), JSON.stringify(config));
}

beforeAll(() => {
  const measured = [[0.7, 0.4], [0.8, 0.6], [0.75, 0.7]] as const; // biome-ignore format: a row an epoch
  writeRun("runs/right", accuracy, measured as never);
  writeRun("runs/sure", loss, measured as never);
  writeRun("runs/better", accuracy, [
    [0.9, 0.9],
    [0.1, 0.2],
    [0.1, 0.3],
  ]);
  writeRun("runs/all", undefined, [
    [0, 0.2],
    [0, 0.6],
    [0, 0.4],
  ]);
});
const said = async (...argv: string[]): Promise<string> => (await longshort(argv)).stdout;
const rowsOf = (text: string): string[] => text.split("\n").map((line) => line.replace(folder, "").trim());

describe("the metric that decided is what is told of a run", () => {
  it("by info", async () => {
    expect(await said("info", at("runs/right"))).toContain(
      "best validation accuracy 0.8000 (loss 0.6000) in epoch 2; ended as planned",
    );
    expect(await said("info", at("runs/sure"))).toContain("best validation loss 0.4000 in epoch 1; ended as planned");
    expect(await said("info", at("runs/all"))).toContain("last training loss 0.2000 in epoch 3; ended as planned");
    const { best } = JSON.parse(await said("info", at("runs/right"), "--json")) as RunStory;
    expect(best).toEqual({ ...accuracy, value: 0.8, loss: 0.6, of: "validation", step: 20, epoch: 2 });
  });

  it("by runs, the best first, whether higher or lower is better", async () => {
    const [head, ...rows] = rowsOf(await said("runs", at("runs")));
    expect(head).toMatch(/parameters +best +loss +of +epoch +done/);
    expect(rows.map((row) => /^\/runs\/(\w+) /.exec(row)?.[1])).toEqual(["better", "right", "all", "sure", undefined]);
    expect(rows[0]).toMatch(/accuracy 0.9000 +0.9000 +validation +1 +100 %/);
    expect(rows[3]).toMatch(/loss 0.4000 +0.4000 +validation +1 +100 %/);
    const byLoss = rowsOf(await said("runs", at("runs"), "--sort", "loss"));
    expect(byLoss[1]).toMatch(/^\/runs\/all/);
  });

  it("by compare, which marks a winner among runs of one metric alone", async () => {
    const [head, ...rows] = rowsOf(await said("compare", at("runs/right"), at("runs/better")));
    expect(head).toMatch(/^run +best +loss +of +epoch +steps/);
    expect(rows[0]).toMatch(/accuracy 0.8000 +0.6000 +validation +2 +30/);
    const page = async (...names: string[]): Promise<string> => {
      await longshort(["compare", ...names.map((name) => at("runs", name)), "--html", at("page.html")]);
      return readFileSync(at("page.html"), "utf8");
    };
    const [, winner] = /<tr class="best">.*?<\/i>([^<]*)</.exec(await page("right", "better"))!;
    expect(winner).toBe(at("runs/better"));
    expect(await page("right", "sure")).not.toContain('<tr class="best">');
  });
});

describe("a training that keeps an epoch by a metric", () => {
  const table = Array.from(
    { length: 40 },
    (_, k) => `${k % 2 ? "up" : "down"},${k % 2 ? "up" : "down"} we go ${k % 7}`,
  );
  const small = ["--hidden-size", "3", "--embedding-size", "3", "--text", "words", "--label", "kind", "--no-baselines"];
  const train = (...more: string[]) => longshort(["train", "classify", at("t.csv"), ...small, ...more]);
  beforeAll(() => writeFileSync(at("t.csv"), `kind,words\n${table.join("\n")}\n`));

  it("is resumed by the same one", async () => {
    expect((await train("--epochs", "2", "--monitor", "macroF1", "-o", at("f1"))).code).toBe(0);
    const more = await longshort(["resume", at("f1"), "--epochs", "4", "--json"]);
    expect(more.code, more.stderr).toBe(0);
    expect(JSON.parse(more.stdout.split("\n")[0]!)).toMatchObject({ type: "start", monitor: { metric: "macroF1" } });
    expect(await said("info", at("f1"))).toMatch(/best validation macroF1 [\d.]+ \(loss [\d.]+\) in epoch \d/);
  });

  it("of nothing that is measured is refused before anything is trained", async () => {
    expect(await train("--monitor", "mae", "-o", at("no"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('monitor: expected one of "loss", "accuracy", "macroF1"'),
    });
    expect(await train("--monitor", "accuracy", "--validation", "0", "-o", at("no"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('monitor: "accuracy" is measured on validation data, and there are none'),
    });
  });

  it("without a validation part proposes no evaluation", async () => {
    writeFileSync(at("text.txt"), "ab abc ba ".repeat(200));
    const text = ["train", "text", at("text.txt"), "--hidden-size", "3", "--max-steps", "2", "--sample-length", "0"];
    expect(await said(...text, "-o", at("text"))).toContain("evaluate");
    const next = await said(...text, "--validation", "0", "-o", at("whole-text"));
    expect(next).toContain("generate");
    expect(next).not.toContain("evaluate");
  });

  it("without a validation part keeps the last weights and watches the loss of training", async () => {
    const all = ["--validation", "0", "--epochs", "9", "--patience", "2", "--min-delta", "100", "-o", at("whole")];
    const { code, stderr, stdout } = await train(...all);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("Stopped early: the loss of training did not improve any more.");
    expect(stdout).toContain("(the weights after epoch 3)");
    expect(JSON.parse(readFileSync(at("whole/config.json"), "utf8")).saved).toMatchObject({ savedEpoch: 3 });
    expect(await said("info", at("whole"))).toMatch(/last training loss [\d.]+ in epoch 3; stopped early at step/);
  });
});

describe("a run goes on by the metric that it was begun with", () => {
  const rows = Array.from(
    { length: 40 },
    (_, k) => `${k % 2 ? "good nice" : "bad awful"} ${k},${k % 2 ? "up" : "down"}`,
  );
  const train = async (name: string, ...more: string[]): Promise<string> => {
    writeFileSync(at("examples.csv"), ["text,label", ...rows].join("\n"));
    const result = await longshort([
      ...["train", "classify", at("examples.csv"), "--text", "text", "--label", "label"],
      ...["--hidden-size", "4", "--epochs", "1", "--output", at(name), "--quiet", ...more],
    ]);
    expect([result.code, result.stderr]).toEqual([0, expect.not.stringContaining("error")]);
    return at(name, "config.json");
  };
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as { training: { monitor?: string } };

  it("which its configuration says, named or not", async () => {
    expect(read(await train("named", "--monitor", "macroF1")).training.monitor).toBe("macroF1");
    expect(read(await train("unnamed")).training.monitor).toBe("accuracy");
    expect(read(await train("of all", "--validation", "0")).training.monitor).toBe("loss");
    for (const name of ["named", "unnamed", "of all"])
      expect((await longshort(["resume", at(name), "--epochs", "2", "--quiet"])).code).toBe(0);
  });

  it("or, of versions without a choice, the loss, resumed or trained again", async () => {
    const path = await train("before", "--monitor", "loss");
    const config = read(path);
    delete config.training.monitor;
    writeFileSync(path, JSON.stringify(config));
    const again = async (...more: string[]): Promise<unknown> => {
      const { stdout } = await longshort(["train", "classify", "--config", path, "--json", "-o", at("again"), ...more]);
      return JSON.parse(stdout.split("\n")[0]!).monitor;
    };
    expect(await again()).toEqual(loss);
    expect(await again("--force", "--monitor", "accuracy")).toEqual(accuracy);
    const { code, stderr } = await longshort(["resume", at("before"), "--epochs", "2", "--quiet"]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
    expect(read(path).training.monitor).toBe("loss");
  });
});
