import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { open } from "../../src/formats/open.ts";
import * as longshort from "../../src/index.ts";
import { declarations } from "../support/declarations.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";
import { tinyRun } from "../support/tiny-run.ts";
import { onnx } from "./option-effects/model-files.ts";

/** Interfaces that callers may write objects for: demanding more of them would refuse those that were written before. */
const WRITTEN_BY_CALLERS = ["Evaluator", "ByteSource"];

/** Whatever the entries export that has `close`, by name: whether it is closed with `await`, and whether `using` can do it. */
const closeable = (() => {
  const { checker, exports } = declarations();
  const found = new Map<string, { later: boolean; used: boolean }>();
  for (const [name, symbol] of exports) {
    if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias))) continue;
    const properties = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
    const close = properties.find((property) => property.getName() === "close");
    const [signature] = close ? checker.getTypeOfSymbol(close).getCallSignatures() : [];
    if (!signature) continue;
    const later = checker.typeToString(signature.getReturnType()).startsWith("Promise");
    const wanted = later ? "__@asyncDispose@" : "__@dispose@";
    found.set(name, { later, used: properties.some((property) => property.getName().startsWith(wanted)) });
  }
  return found;
})();

test("whatever the entries export that can be closed can be opened with `using`", () => {
  const without = [...closeable].filter(([, { used }]) => !used).map(([name]) => name);
  expect(without.toSorted()).toEqual(WRITTEN_BY_CALLERS.toSorted());
});

const { machine, folder } = await machineAndFolder("wasm");
const run = await tinyRun(machine);
const { model, parameters, tokens, tokenizer } = run;
const given = { model, parameters, machine };
const folderOf = (name: string): string => join(folder, name);
const training = { machine, epochs: 1, batchSize: 2, validation: 0 };
const texts = { inputs: ["ab", "ba", "aab", "bba"], labels: ["a", "b", "a", "b"] };
const sentences = { tokens: [["ab"], ["ba"]], tags: [["O"], ["B-x"]] };
const series = longshort.timeSeriesSet({ targets: ["y"], series: [{ values: { y: [1, 2, 3, 4, 5, 6, 7, 8, 9, 9] } }] });
await longshort.saveRun(folderOf("text"), { model, parameters, tokenizer });
{
  const size = { hiddenSize: 2, embeddingSize: 2 };
  const classifying = await longshort.trainClassifier({ ...training, examples: texts, model: size });
  const tagging = await longshort.trainTagger({ ...training, sentences, model: size });
  const forecast = { machine, epochs: 1, data: series, horizon: 1, context: 3, model: { hiddenSize: 2 } };
  const forecasting = await longshort.trainForecaster(forecast);
  await longshort.saveRun(folderOf("texts"), classifying.classifier);
  await longshort.saveRun(folderOf("tags"), tagging.tagger);
  await longshort.saveRun(folderOf("series"), forecasting.forecaster);
  for (const { trainer } of [classifying, tagging, forecasting]) trainer.close();
}
const graphOf = (): longshort.Graph => {
  const graph = new longshort.Graph({ machine });
  graph.output("y", graph.input("x", [1000]));
  return graph;
};
const recordLoss = (graph: longshort.Graph) => {
  const logits = model.forward(graph.input("x", [4, 1], { type: "int", below: 5 }), {}).logits;
  return { loss: longshort.crossEntropy(logits, graph.input("y", [4, 1], { type: "int", below: 5 })) };
};
const range = { arena: "a", offset: 0, length: 1, type: "float" } as const;
const openStreams = () => longshort.openStreams({ ...given, capacity: 2 });

const step = { input: { shape: [1, 1, 2], data: [1, 2] } };
const state = { shape: [1, 1, 3], data: [0, 0, 0] };
const inputs = { ...step, h: state, c: state };

type Opened = readonly [one: { close(): void }, use: () => unknown];
/** How each is opened, and how it is used. What else was opened for it is closed with it. */
const OPENERS: Readonly<Record<string, () => Promise<Opened>>> = {
  async Arena() {
    const arena = machine.arena("a", 1000);
    return [arena, () => machine.read(arena, range)];
  },
  async PreparedPlan() {
    const arenas = { activations: machine.arena("activations", 1000), inputs: machine.arena("inputs", 1000) };
    const prepared = await machine.prepare({ ...graphOf().finish(), arenas: {} }, arenas);
    const close = (): void => {
      for (const one of [prepared, ...Object.values(arenas)]) one.close();
    };
    return [{ close }, () => machine.run(prepared)];
  },
  async Executable() {
    const executable = await longshort.compile(graphOf(), { machine });
    return [executable, () => executable.run()];
  },
  async ParameterStore() {
    const store = await longshort.createParameters({ machine, layout: longshort.layoutParameters(model) });
    return [store, () => store.read("head.bias")];
  },
  async Session() {
    const session = await longshort.openSession(given);
    return [session, () => session.next([1])];
  },
  async Streams() {
    const streams = await openStreams();
    const id = streams.open();
    return [streams, () => streams.next([id], [1])];
  },
  async StreamSession() {
    const streams = await openStreams();
    const session = streams.session();
    const close = (): void => {
      session.close();
      streams.close();
    };
    return [{ close }, () => session.next([1])];
  },
  async LoadedRun() {
    const loaded = await longshort.loadRun(folderOf("text"), { machine });
    return [loaded, () => loaded.parameters.read("head.bias")];
  },
  async Classifier() {
    const classifier = await longshort.loadClassifier(folderOf("texts"), { machine });
    return [classifier, () => classifier.predict(["ab"])];
  },
  async Tagger() {
    const tagger = await longshort.loadTagger(folderOf("tags"), { machine });
    return [tagger, () => tagger.predict([["ab"]])];
  },
  async Forecaster() {
    const forecaster = await longshort.loadForecaster(folderOf("series"), { machine });
    return [forecaster, () => forecaster.forecast(series)];
  },
  async TrainingStep() {
    // Moments lie with the parameters, and stay with those.
    const optimizer = longshort.sgd({ momentum: 0 });
    const step = await longshort.openTrainingStep({ machine, parameters, optimizer, record: recordLoss });
    return [step, () => step.run(1, 0.1)];
  },
  async Trainer() {
    const { trainer } = await longshort.trainText({ machine, model, train: tokens, epochs: 1 });
    return [trainer, () => trainer.snapshot()];
  },
  async Program() {
    const program = openOnnx(onnx, { machine });
    return [program, () => program.run(inputs)];
  },
  async Model() {
    const opened = await open(onnx, { machine });
    return [opened, () => opened.run(inputs)];
  },
  async ProgramSession() {
    const program = openOnnx(onnx, { machine });
    const session = await program.openSession();
    const close = (): void => {
      session.close();
      program.close();
    };
    return [{ close }, () => session.next(step)];
  },
  async Ablation() {
    const ablation = await openAblation({ model, parameters, tokens: tokens.slice(0, 9) });
    return [ablation, () => ablation.loss()];
  },
};

/** Those that hold files or a worker, and machines themselves: below, or in tests of their own. */
const ELSEWHERE = ["Machine", "SynchronousMachine", "Corpus", "Run", "PyTorchFile", "WorkerClient", "Closeable"];

describe("what was opened on a machine gives back all that it took when it is closed, once or twice, and is not used again", () => {
  it("is each of them", () => {
    const known = [...Object.keys(OPENERS), ...ELSEWHERE, ...WRITTEN_BY_CALLERS];
    expect(known.toSorted()).toEqual([...closeable.keys()].toSorted());
  });

  it.each(Object.entries(OPENERS))("%s", async (_, opened) => {
    const { usedBytes: before } = machine.memory;
    const [one, use] = await opened();
    await use();
    expect(machine.memory.usedBytes).toBeGreaterThan(before);
    one.close();
    expect(machine.memory.usedBytes).toBe(before);
    one.close();
    await expect((async () => use())()).rejects.toMatchObject({ name: "UsageError", code: "closed" });
    expect(machine.memory.usedBytes).toBe(before);
    // What was given stays.
    await expect(parameters.read("head.bias")).resolves.toBeDefined();
  });

  it.each<[string, (trainer: longshort.Trainer) => unknown]>([
    ["gone through", async (trainer) => (await trainer[Symbol.asyncIterator]().next()).value],
    ["run", (trainer) => trainer.run()],
    ["asked for gradients", (trainer) => trainer.gradients()],
  ])("also a training that has come to its end, which is not %s again", async (_, use) => {
    const { trainer } = await longshort.trainText({ machine, model, train: tokens, epochs: 1 });
    await trainer.run();
    await expect((async () => use(trainer))()).resolves.toBeDefined();
    trainer.close();
    await expect((async () => use(trainer))()).rejects.toMatchObject({ name: "UsageError", code: "closed" });
  });

  it("a training that is closed at its last event", async () => {
    const { trainer } = await longshort.trainText({ machine, model, train: tokens, epochs: 1 });
    const seen: string[] = [];
    const run = async (): Promise<void> => {
      for await (const { type } of trainer) {
        seen.push(type);
        if (type === "epoch") trainer.close();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: "closed" });
    expect(seen.at(-1)).toBe("epoch");
  });

  it.each(["wasm", "reference"] as const)("and a machine, %s, with all that lies on it", async (name) => {
    const own: SynchronousMachine = await longshort.openMachine(name);
    const arena = own.arena("a", 1000);
    own.close();
    own.close();
    expect(own.memory.usedBytes).toBe(0);
    arena.close();
    await expect((async () => own.read(arena, range))()).rejects.toMatchObject({ code: "closed" });
  });

  it("a corpus", async () => {
    const { files } = (await import("#platform")).platform;
    await files.write(folderOf("text.txt"), new TextEncoder().encode("to be or not to be"));
    const corpus = await longshort.openCorpus({ files: [folderOf("text.txt")] });
    corpus.close();
    corpus.close();
  });

  it("a run", async () => {
    const recorded = await longshort.openRun({ folder: folderOf("recorded") });
    await recorded.close();
    await recorded.close();
  });
});
