import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { defineCell, split } from "../../src/cells/define.ts";
import { sameEquations } from "../../src/cells/registry.ts";
import { readRun } from "../../src/checkpoint/read-run.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { traceText } from "../../src/explain/trace-text.ts";
import { tanh } from "../../src/math/expression.ts";
import { beamSearch } from "../../src/run/beam-search.ts";
import { generate } from "../../src/run/generate.ts";
import { generateBatch } from "../../src/run/generate-batch.ts";
import { type LoadedRun, loadRun } from "../../src/run/load-run.ts";
import { openSession } from "../../src/run/session.ts";
import { openStreams } from "../../src/run/streams.ts";
import { ByteTokenizer } from "../../src/text/bytes.ts";
import { evaluateText } from "../../src/train/evaluate-text.ts";
import { partsOf, type TinyRun, tinyRun } from "../support/tiny-run.ts";

let machine: SynchronousMachine;
let root = "";
let folder = "";
let run: TinyRun;
beforeAll(async () => {
  machine = await openMachine("wasm");
});
afterAll(() => machine.close());
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "longshort-run-"));
  folder = join(root, "runs", "one");
  run = await tinyRun(machine);
});
afterEach(() => {
  run.parameters.close();
  rmSync(root, { recursive: true, force: true });
});

const save = (metrics?: object[]) =>
  saveRun(folder, { config: { model: run.model.config, seed: 1 }, metrics, ...partsOf(run) });
const path = (file: string) => join(folder, file);
const read = (file: string) => readFileSync(path(file), "utf8");

describe("saveRun and loadRun", () => {
  test("what was saved is what is loaded", async () => {
    await save([{ step: 1, loss: 2 }, { step: 2 }]);
    expect(readdirSync(folder).sort()).toEqual(["config.json", "metrics.jsonl", "model.safetensors", "tokenizer.json"]);
    const loaded = await loadRun(folder, { machine });
    expect(loaded.config).toEqual({ model: run.model.config, seed: 1 });
    expect(loaded.model.config).toEqual(run.model.config);
    expect(loaded.tokenizer.toJSON()).toEqual(run.tokenizer.toJSON());
    expect(loaded.metrics).toEqual([{ step: 1, loss: 2 }, { step: 2 }]);
    expect(await loaded.parameters.toTensors()).toEqual(await run.parameters.toTensors());
    loaded.parameters.close();
  });

  test("a model of one's own is read as files, whether it has a tokenizer or not, and no loader takes it for its own", async () => {
    const { parameters } = run;
    await saveRun(folder, { parameters, config: { model: { kind: "mine", units: 6 } } });
    const read = await readRun(folder);
    expect(read).toMatchObject({ config: { model: { kind: "mine", units: 6 } }, tokenizer: undefined });
    const before = await parameters.toTensors();
    for (const name of parameters.names) parameters.write(name, new Float64Array(before.get(name)!.data.length));
    parameters.loadTensors(read.weights);
    expect(await parameters.toTensors()).toEqual(before);
    await expect(loadRun(folder, { machine })).rejects.toThrow(
      /of a kind of its own, "mine": .*loadTensors\(run.weights\)/,
    );
    await saveRun(folder, { parameters, config: { model: { kind: "mine" } }, tokenizer: run.tokenizer });
    expect((await readRun(folder)).tokenizer).toEqual(run.tokenizer.toJSON());
  });

  test("a loaded run is taken as it is by whatever runs a model, and its session steps where the machine can", async () => {
    await save();
    const loaded = await loadRun(folder, { machine });
    expect(loaded.machine).toBe(machine);
    const session = await openSession(loaded);
    const logits = new Float32Array(loaded.model.config.vocabularySize);
    session.step([1], logits);
    expect(logits).toEqual(await (await openSession({ ...partsOf(run), machine })).next([1]));
    const streams = await openStreams({ ...loaded, capacity: 2 });
    const [written] = await generateBatch({ ...loaded, prompts: ["ab"], length: 3, seed: 1 });
    expect(written?.end).toBe("length");
    expect(await beamSearch({ ...loaded, length: 2 })).toHaveLength(1);
    expect((await traceText({ ...loaded, text: "ab" })).tokens).toHaveLength(2);
    expect((await evaluateText({ ...loaded, tokens: run.tokens })).loss).toBeGreaterThan(0);
    const text: string[] = [];
    for await (const piece of generate({ session, ...loaded, length: 3 })) text.push(piece);
    expect(text.length).toBeGreaterThan(0);
    for (const one of [session, streams, loaded.parameters]) one.close();
  });

  test("saves again over what is there, and leaves metrics alone that are not given", async () => {
    await save([{ step: 1 }]);
    run.parameters.write("head.bias", [1, 2, 3, 4, 5]);
    await save();
    const loaded = await loadRun(folder, { machine });
    expect(Array.from(await loaded.parameters.read("head.bias"))).toEqual([1, 2, 3, 4, 5]);
    expect(loaded.metrics).toEqual([{ step: 1 }]);
    loaded.parameters.close();
  });

  test("a last line of metrics that a power cut tore is passed over, a whole one without its line break is not", async () => {
    await save([{ step: 1 }, { step: 2 }]);
    const whole = read("metrics.jsonl");
    for (const [kept, metrics] of [
      [whole.slice(0, -4), [{ step: 1 }]],
      [whole.slice(0, -1), [{ step: 1 }, { step: 2 }]],
      [`${whole}\0\0\0`, [{ step: 1 }, { step: 2 }]],
    ] as const) {
      writeFileSync(path("metrics.jsonl"), kept);
      using loaded = await loadRun(folder, { machine });
      expect(loaded.metrics).toEqual(metrics);
      expect((await readRun(folder)).metrics).toEqual(metrics);
    }
  });

  test("keeps float64 for the machine that computes in it, and either machine loads either file", async () => {
    const reference = await openMachine("reference");
    const precise = await tinyRun(reference);
    await saveRun(folder, { config: { model: precise.model.config }, ...partsOf(precise) });
    expect(readSafetensors(readFileSync(path("model.safetensors"))).tensors.get("head.bias")!.dtype).toBe("F64");
    const loaded = await loadRun(folder, { machine: reference });
    expect(await loaded.parameters.read("head.weight")).toEqual(await precise.parameters.read("head.weight"));
    const rounded = await loadRun(folder, { machine });
    const expected = Float32Array.from(await precise.parameters.read("head.weight"));
    expect(await rounded.parameters.read("head.weight")).toEqual(expected);
    rounded.parameters.close();
    reference.close();
  });

  test("a tied model and a cell of one's own come back", async () => {
    const cell = defineCell({ name: "own", gates: { a: tanh }, state: ["h"], step: ({ a }) => ({ h: a }) });
    const own = await tinyRun(machine, { cell, tied: true, embeddingSize: 6 });
    await saveRun(folder, { config: { model: own.model.config }, ...partsOf(own) });
    const loaded = await loadRun(folder, { machine });
    expect(await loaded.parameters.toTensors()).toEqual(await own.parameters.toTensors());
    expect(sameEquations(loaded.model.cell, cell)).toBe(true);
    expect(loaded.model.config).toEqual(own.model.config);
    loaded.parameters.close();
    // What is given is taken, whatever the file says.
    const given = await loadRun(folder, { machine, cells: { own: cell } });
    expect(given.model.cell).toBe(cell);
    given.parameters.close();
  });

  test("a cell of code that words cannot say must be given again", async () => {
    const cell = defineCell({
      name: "own",
      gates: { unread: split(), a: tanh },
      state: ["h"],
      step: ({ a }) => ({ h: a }),
    });
    const own = await tinyRun(machine, { cell });
    await saveRun(folder, { config: { model: own.model.config }, ...partsOf(own) });
    await expect(loadRun(folder, { machine })).rejects.toMatchObject({ code: "unknown-cell", name: "UsageError" });
    const loaded = await loadRun(folder, { machine, cells: { own: cell } });
    expect(await loaded.parameters.toTensors()).toEqual(await own.parameters.toTensors());
    loaded.parameters.close();
  });

  test("weights that are no numbers do not replace good ones", async () => {
    await save();
    const before = readFileSync(path("model.safetensors"));
    run.parameters.write("head.bias", [1, 2, Number.NaN, 4, 5]);
    await expect(save()).rejects.toThrow(/"head.bias": element 2 is NaN/);
    expect(readFileSync(path("model.safetensors"))).toEqual(before);
  });
});

describe("damaged runs", () => {
  const failure = async (): Promise<{ name: string; code: string; message: string }> => {
    const result: LoadedRun | Error = await loadRun(folder, { machine }).catch((error: Error) => error);
    if (result instanceof Error) return result as never;
    throw new Error("it was loaded");
  };
  const edit = (file: string, change: (text: string) => string) => writeFileSync(path(file), change(read(file)));
  /** Another file of weights, without the checksum of the first. */
  const rewrite = (change: (tensors: Map<string, ReturnType<typeof safeTensor>>) => void) => {
    const tensors = new Map(readSafetensors(readFileSync(path("model.safetensors"))).tensors);
    change(tensors);
    writeFileSync(path("model.safetensors"), writeSafetensors(tensors));
  };

  test("what is no run is said to be none", async () => {
    expect(await failure()).toMatchObject({ code: "not-a-run", name: "UsageError" });
    mkdirSync(folder, { recursive: true });
    expect((await failure()).message).toMatch(/expected the folder of a run.* there is no .*config.json/);
    await save();
    rmSync(path("model.safetensors"));
    expect((await failure()).message).toMatch(/there is no .*model.safetensors/);
    for (const wrong of ["", 5, undefined])
      await expect(loadRun(wrong as string, { machine })).rejects.toMatchObject({
        code: "bad-run",
        name: "UsageError",
      });
  });

  test.each<[string, string, (text: string) => string, string]>([
    ["a config cut short", "config.json", (t) => t.slice(0, -9), "bad-run"],
    ["a config of another program", "config.json", () => "{}", "bad-run"],
    ["a config of a newer version", "config.json", (t) => t.replace('"version": 1', '"version": 2'), "bad-run"],
    ["a config without model", "config.json", (t) => t.replace('"model"', '"modal"'), "bad-run"],
    ["a config with an unknown cell", "config.json", (t) => t.replace('"lstm"', '"lstn"'), "unknown-choice"],
    [
      "a config with another size",
      "config.json",
      (t) => t.replace('"hiddenSize": 6', '"hiddenSize": 7'),
      "shape-mismatch",
    ],
    ["a config with a huge size", "config.json", (t) => t.replace('Size": 6', 'Size": 1000000000'), "out-of-memory"],
    ["a config with another cell", "config.json", (t) => t.replace('"lstm"', '"rnn"'), "shape-mismatch"],
    ["a tokenizer cut short", "tokenizer.json", (t) => t.slice(0, 5), "bad-run"],
    ["a tokenizer of another run", "tokenizer.json", () => JSON.stringify(new ByteTokenizer()), "bad-run"],
    ["a tokenizer of another kind", "tokenizer.json", (t) => t.replace("WordLevel", "Unigram"), "bad-tokenizer"],
    ["a config without version", "config.json", (t) => t.replace('"version"', '"edition"'), "bad-run"],
    ["a config without kind", "config.json", (t) => t.replace('"kind"', '"sort"'), "unknown-choice"],
    ["a config without cell", "config.json", (t) => t.replace('"cell"', '"unit"'), "bad-config"],
    ["a tokenizer without model", "tokenizer.json", (t) => t.replace('"model"', '"modal"'), "bad-tokenizer"],
    ["a tokenizer without vocabulary", "tokenizer.json", (t) => t.replace('"vocab"', '"words"'), "bad-tokenizer"],
    ["a tokenizer without pattern", "tokenizer.json", (t) => t.replace('"pattern"', '"motif"'), "bad-tokenizer"],
    ["a line of metrics cut short", "metrics.jsonl", (t) => t.replace("}", ""), "bad-run"],
  ])("%s", async (_, file, change, code) => {
    await save([{ step: 1 }]);
    edit(file, change);
    const error = await failure();
    expect(error).toMatchObject({ code, name: code === "shape-mismatch" ? expect.any(String) : "FailureError" });
    expect(error.message.split("\n")).toHaveLength(1);
    expect(error.message).not.toContain("undefined");
  });

  test("a changed byte is found, in the weights, their names and their shapes", async () => {
    await save();
    const good = readFileSync(path("model.safetensors"));
    const header = good.toString("latin1");
    const name = header.indexOf("head.bias");
    const shape = header.indexOf("[24,4]");
    expect([name, shape]).not.toContain(-1);
    for (const at of [0, 8, name + 6, shape + 2, good.length - 300, good.length - 1]) {
      const bad = Uint8Array.from(good);
      bad[at]! ^= 1;
      writeFileSync(path("model.safetensors"), bad);
      const { name: kind, code, message } = await failure();
      expect([at, kind]).toEqual([at, "FailureError"]);
      expect(["bad-safetensors", "altered-file"]).toContain(code);
      expect(message).toContain("model.safetensors");
    }
    for (const length of [0, 7, 100, good.length - 4]) {
      writeFileSync(path("model.safetensors"), good.subarray(0, length));
      expect(await failure()).toMatchObject({ code: "bad-safetensors", name: "FailureError" });
    }
  });

  test("weights that are missing, unknown, of another shape or no numbers are named", async () => {
    await save();
    const good = readFileSync(path("model.safetensors"));
    const changed = async (change: Parameters<typeof rewrite>[0]) => {
      writeFileSync(path("model.safetensors"), good);
      rewrite(change);
      return failure();
    };
    expect(await changed((t) => t.delete("head.bias"))).toMatchObject({
      code: "missing-parameter",
      name: "FailureError",
      message: expect.stringContaining("head.bias"),
    });
    const bias = (values: number[]) => safeTensor("F32", [values.length], values);
    expect(await changed((t) => t.set("head.bais", bias([1])))).toMatchObject({
      code: "unexpected-parameter",
      message: expect.stringContaining("head.bais"),
    });
    expect(await changed((t) => t.set("head.bias", bias([1, 2])))).toMatchObject({
      code: "shape-mismatch",
      message: expect.stringMatching(/"head.bias": expected \[5\], got \[2\]/),
    });
    expect(await changed((t) => t.set("head.bias", bias([1, 2, 3, Number.NaN, 5])))).toMatchObject({
      code: "not-finite",
      message: expect.stringMatching(/element 3 of tensor "head.bias" is NaN/),
    });
  });
});
