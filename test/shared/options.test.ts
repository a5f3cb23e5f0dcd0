import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, it } from "vitest";
import * as components from "../../src/components/index.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import * as explain from "../../src/explain/index.ts";
import * as formats from "../../src/formats/index.ts";
import * as root from "../../src/index.ts";
import { LongshortError, UsageError } from "../../src/shared/errors.ts";
import { expectOptions } from "../../src/shared/options.ts";
import * as worker from "../../src/worker/index.ts";
import { type OptionsPlace, publicOptions, titleOf } from "../support/public-options.ts";
import { effects } from "./option-effects/all.ts";

const exported: Readonly<Record<string, unknown>> = { ...components, ...explain, ...formats, ...root, ...worker };

const kernels = [
  "Pointwise",
  "Reduce",
  "MatMul",
  "Gather",
  "Scatter",
  "ScatterAdd",
  "RandomFill",
  "Scan",
  "ScanShape",
  "ScanBackward",
];
const kernelsOfHeads = ["LinearCrossEntropy", "QuantizedMatMul"];

/** Types with properties that may be left out, and what they are if they are no options. */
const data: Readonly<Record<string, string>> = {
  CellSpec: "what a config says of a cell",
  TaggedSentences: "sentences with their tags",
  Examples: "examples with their labels",
  HasParameters: "a model or a layer",
  Calibration: "what a config says of a classifier",
  Pretrained: "a model that was trained, as a run that was loaded is one",
  PretrainedModel: "a model",
  LinearHead: "a layer",
  ForecastLayout: "what a file says of a forecaster",
  TimeStep: "what a layout or a file says of a series",
  TrainingProgress: "an event",
  NamedTensor: "a tensor, in memory or in a file",
  ScanShape: "what a plan says of a scan",
  ...Object.fromEntries([...kernels, ...kernelsOfHeads].map((name) => [name, "a launch of a plan"])),
};

/** Who makes them for users looks at the options. */
const madeBy: Readonly<Record<string, string>> = {
  "new ConditionalRandomField": "conditionalRandomField",
  "new Run": "openRun",
  "new Session": "openSession",
  "new Trainer": "openTrainer",
  "new Program": "openNetwork",
  "new Model": "open",
  "new ProgramSession": "Program.openSession",
};

/** Options of JavaScript's own errors; and what is asked of a worker, each question with names of its own. */
const ofOthers = /^(new \w+Error|WorkerClient\.call)$/;

const trained = root.trainTokenizer("abc", { kind: "character", specialTokens: ["<end>"] });
const evaluating = (async () => {
  const machine = openReference();
  const layer = root.linear({ inputSize: 1, outputSize: 1 });
  const parameters = await root.createParameters({ machine, layout: root.layoutParameters(layer) });
  return root.openEvaluator({
    ...{ machine, parameters },
    batches: { batchesPerEpoch: 1, batch: () => ({ inputs: {}, rows: 1 }) },
    record: (graph) => ({ metrics: { loss: graph.constant([], [0]) } }),
  });
})();
const calibrating = root.trainForecaster({
  ...{ machine: openReference(), horizon: 1, context: 2, model: { hiddenSize: 1 } },
  data: root.timeSeriesSet({ targets: ["y"], series: [{ values: { y: [1, 2, 3, 4, 5, 6, 7, 8, 9] } }] }),
});
const texts = { inputs: ["a b", "b a", "a a", "b b"], labels: ["x", "y", "x", "y"], places: ["1", "2", "3", "4"] };

/** What cannot be called with nothing else. */
const calls: Readonly<Record<string, (options: never) => unknown>> = {
  traceInChunks: (options) => explain.traceInChunks({} as never, { data: [] } as never, options),
  "Evaluator.run": async (options) => (await evaluating).run(options),
  "ForecasterTraining.calibrate": async (options) => (await calibrating).calibrate(undefined, options),
  openMachine: (options) => root.openMachine("wasm", options),
  "Tokenizer.encode": async (options) => (await trained).encode("a", options),
  "Tokenizer.streamEncoder": async (options) => (await trained).streamEncoder(options),
  // Of its first argument the names are looked at by forward.
  "SequenceTagger.loss": (wrong: object) =>
    root.SequenceTagger.prototype.loss.call({}, { words: 1, mask: 1 } as never, { tags: 1, ...wrong } as never),
  "SequenceModel.forward": (input) =>
    root.sequenceClassifier({ channels: 1, classes: ["a", "b"] }).forward({} as never, input),
  "PoolOverTime.forward": (input) => root.poolOverTime({ kind: "last" }).forward({} as never, input),
  "AttentionPool.forward": (input) => root.attentionPool({ inputSize: 1 }).forward({} as never, input),
  "trainClassifier tokenizer": (tokenizer: object) =>
    root.trainClassifier({
      machine: openReference(),
      examples: texts,
      tokenizer: { kind: "word", ...tokenizer },
    } as never),
  "openCorpus tokenizer": (tokenizer: object) =>
    root.openCorpus({ files: [new Blob(["abc"])], tokenizer: { kind: "character", ...tokenizer } } as never),
};

const calledWithGiven = /^(SequenceTagger\.loss|traceInChunks)$/;

/** Where options are looked for that the types do not show: a generic one, and one that is called anything but options. */
const place = (callee: string, argument: number, type: string, options: readonly string[]): OptionsPlace => ({
  ...{ callee, argument, path: [], type, options },
});
const others: readonly OptionsPlace[] = [
  place("Trainer.run", 0, "Callbacks", [
    ...["start?", "progress?", "validation?", "evaluation?", "epoch?", "checkpoint?", "end?"],
  ]),
  place("defineCell", 0, "CellSource", [
    "name",
    "options?",
    "gates",
    "state",
    "recurrent?",
    "bias?",
    "weights?",
    "masks?",
    "projections?",
    "step",
  ]),
  place("defineOptimizer", 0, "OptimizerDefinition", ["name", "moments", "scalars", "rests?", "update"]),
];

/** Calls it with the options, and `{}` for everything else: names are looked at before anything else. */
function call({ callee, argument, path }: Pick<OptionsPlace, "callee" | "argument" | "path">, wrong: object): unknown {
  const own = calls[titleOf({ callee, path })];
  if (own) return own(wrong as never);
  const options = path.reduceRight((within, name) => ({ [name]: within }), wrong);
  const given = [...new Array(argument).fill({}), options, {}, {}];
  const [owner, member] = callee.replace("new ", "").split(".") as [string, string | undefined];
  const found = exported[owner] as new (...given: unknown[]) => unknown;
  if (callee.startsWith("new ")) return new found(...given);
  if (member === undefined) return (found as unknown as (...given: unknown[]) => unknown)(...given);
  return found.prototype[member].call(Object.create(found.prototype), ...given);
}

/** Where it throws, now or later: a generator begins when it is asked for the first time. */
async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    const result = await work();
    if (typeof (result as { next?: unknown } | undefined)?.next === "function") await (result as AsyncGenerator).next();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("unknown options", () => {
  let all: OptionsPlace[] = [];
  let places: OptionsPlace[] = [];
  beforeAll(() => {
    all = publicOptions().filter(({ callee }) => !ofOthers.test(callee));
    places = all.filter(({ type }) => !Object.hasOwn(data, type));
  }, 120_000);

  it("each have an entry that shows what they do, and entries are of options that there are", () => {
    const known = new Map<string, string[]>();
    for (const one of [...all, ...others])
      known.set(titleOf(one), [...(known.get(titleOf(one)) ?? []), ...one.options]);
    const missing: string[] = [];
    for (const one of [...places, ...others]) {
      const title = titleOf(one);
      const entry = effects[title];
      const own = entry && "sameAs" in entry ? effects[entry.sameAs] : entry;
      const shown = own && "options" in own ? own.options : {};
      const optional = one.options.filter((name) => name.endsWith("?"));
      for (const name of optional.map((name) => name.slice(0, -1)))
        if (!Object.hasOwn(shown, name) && !known.has(`${title} ${name}`)) missing.push(`${title}: ${name}`);
    }
    expect(missing, "options without an entry in test/shared/option-effects/ that shows what they do").toEqual([]);
    const gone = Object.entries(effects).flatMap(([title, entry]) => {
      const names = known.get(title)?.map((name) => name.replace("?", ""));
      if (!names) return [title];
      const shown = "options" in entry ? Object.keys(entry.options) : [];
      return shown.filter((name) => !names.includes(name)).map((name) => `${title}: ${name}`);
    });
    expect(gone).toEqual([]);
  });

  it("are refused by every public function, class and method that takes options, by all names", async () => {
    const titles = places.map(titleOf);
    // That the types are read at all, and what is within options.
    for (const title of ["openTrainer earlyStopping", "trainTagger model", "Graph.input", "new Graph", "quantize"])
      expect(titles).toContain(title);
    const accepted: string[] = [];
    for (const place of [...places, ...others]) {
      if (madeBy[place.callee] !== undefined) continue;
      const error = await errorOf(() => call(place, { lerningRate: 1 }));
      const right =
        error instanceof UsageError &&
        error.code === "unknown-option" &&
        /there is no option "lerningRate"; (did you mean |known are )/.test(error.message);
      if (!right) accepted.push(`${titleOf(place)} (argument ${place.argument}, ${place.type}): ${String(error)}`);
    }
    expect(accepted).toEqual([]);
  });

  it("are not all: what cannot be left out is asked for by name, before anything is done with it", async () => {
    const wrong: string[] = [];
    let missing = 0;
    for (const place of places) {
      if (
        place.argument > 0 ||
        place.path.length > 0 ||
        place.callee.includes(".") ||
        madeBy[place.callee] !== undefined
      )
        continue;
      const error = await errorOf(() => call(place, {}));
      if (error instanceof UsageError && error.code === "missing-option") missing++;
      else if (error !== undefined && !(error instanceof LongshortError))
        wrong.push(`${titleOf(place)}: ${String(error)}`);
    }
    expect(wrong).toEqual([]);
    expect(missing).toBeGreaterThan(30);
  });

  it("are known and of another kind: null, what is still to come, and what cannot be a machine, a model, a session …", async () => {
    const wrong: string[] = [];
    let refused = 0;
    const kinds = "machine model parameters session tokenizer optimizer signal mask onProgress record endTokens".split(
      " ",
    );
    for (const place of [...places, ...others]) {
      // Their first argument is data with a graph, whose names are looked at by forward.
      if (madeBy[place.callee] !== undefined || calledWithGiven.test(titleOf(place))) continue;
      for (const name of place.options.map((name) => name.replace("?", ""))) {
        const values = [null, Promise.resolve({}), ...(kinds.includes(name) ? [7] : [])];
        for (const value of values) {
          const error = await errorOf(() => call(place, { [name]: value }));
          const right =
            error instanceof UsageError && error.message.includes(name) && /expected .* got /.test(error.message);
          if (right) refused++;
          else wrong.push(`${titleOf(place)} (argument ${place.argument}): ${name}: ${value}: ${String(error)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(1000);
    const forgotten = await errorOf(() => root.openSession({ machine: root.openMachine("reference") } as never));
    expect(String(forgotten)).toMatch(
      /openSession: machine: expected a machine.*got a Promise; is an `await` missing\?/,
    );
  });

  it("are refused by what makes classes that have no look at them themselves", () => {
    const titles = [...places.map(titleOf), "Program.openSession"];
    for (const [made, maker] of Object.entries(madeBy)) {
      expect(titles).toContain(made);
      expect(titles).toContain(maker);
    }
  });

  it("are told with the name that was probably meant", async () => {
    const near = (work: () => unknown) => errorOf(work).then((error) => (error as Error).message);
    expect(await near(() => root.openTrainer({ lerningRate: 1 } as never))).toMatch(
      /openTrainer: .*did you mean learningRate\?/,
    );
    expect(await near(() => root.linear({ inputsize: 1, outputSize: 1 } as never))).toMatch(/did you mean inputSize\?/);
    expect(await near(() => root.sgd({ momentun: 0.9 } as never))).toMatch(/did you mean momentum\?/);
    expect(await near(() => root.openMachine("reference", { threads: 1 } as never))).toMatch(/no option "threads"/);
    expect(await near(() => root.openTrainer({ earlyStopping: { patiance: 1 } } as never))).toMatch(
      /openTrainer: earlyStopping: there is no option "patiance"; did you mean patience\?/,
    );
  });
});

describe("expectOptions", () => {
  it("takes no name from the prototype of the table", () => {
    expect(() => expectOptions<object>("it", { toString: 1 }, {})).toThrow(/there is no option "toString"/);
  });

  it.each([null, 3, "text"])("wants an object, not %j", (value) => {
    expect(() => expectOptions<object>("it", value as never, {})).toThrow(/it: expected options, got/);
  });

  it("looks into options within options, and not into other values", () => {
    const table = { within: { known: 1 }, value: 1 } as const;
    const check = (options: object) => () =>
      expectOptions<{ within?: { known?: 1 }; value?: object }>("it", options, table);
    expect(check({ within: { known: 1 }, value: { any: 1 } })).not.toThrow();
    expect(check({ within: undefined })).not.toThrow();
    expect(check({ within: { knowm: 1, other: 1 } })).toThrow(
      /it: within: there is no option "knowm"; did you mean known\?/,
    );
  });
});

it("are refused in any plain object, also without a prototype or of another realm, and passed by in an instance of a class", () => {
  class Parts {
    size = 1;
    more = 2;
  }
  const expect1 = (options: object) => () => expectOptions("f", options as { size?: number }, { size: 1 });
  for (const plain of [{ more: 2 }, Object.assign(Object.create(null), { more: 2 }), runInNewContext("({ more: 2 })")])
    expect(expect1(plain)).toThrow(/there is no option "more"/);
  expect(expect1(new Parts())).not.toThrow();
});
