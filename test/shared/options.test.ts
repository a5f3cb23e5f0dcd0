import { describe, expect, it } from "vitest";
import * as components from "../../src/components/index.ts";
import * as explain from "../../src/explain/index.ts";
import * as formats from "../../src/formats/index.ts";
import * as root from "../../src/index.ts";
import { UsageError } from "../../src/shared/errors.ts";
import { expectOptions } from "../../src/shared/options.ts";
import * as worker from "../../src/worker/index.ts";

/*
 * Every public function stands in one of the lists below: by the place of its options, or among those that have none. The first thing that a
 * function does is to look at the names of its options, so that it can be called here with nothing else.
 */

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Functions by the place of their options among their arguments. */
const placeOfOptions: readonly (readonly string[])[] = [
  words(`
  adadelta adagrad adam adamax adamW attentionPool beamSearch bestPath bucketedBatches conditionalRandomField constantRate convolution1d
  cosineRate cosineRestartsRate createParameters defineCell defineOptimizer dropout embedding evaluateText exponentialRate forecastNetwork
  generate generateBatch generateTokens gradientFlow gru languageModel layerNorm layerNormLstm linear linearRate lstm multiStepRate nadam
  oneCycleRate openAblation openCorpus openEvaluator openRun openSession openStreams openTrainer openTrainingStep polynomialRate
  poolOverTime quantize radam recurrent reduceOnPlateau renderHeatMap rmsprop rnn sequenceClassifier sequential sgd split stepRate surprisal
  tagger timeSeriesSet traceText trainClassifier trainForecaster trainTagger trainText trainTokenizer
`),
  words(`
  backtest basicLstmModel candidates compile convertModel deadUnits derivatives equations nearestStates open openBytes openMachine
  openNetwork openNpz openOnnx readKeras readLabelledTexts readModel readNpz readSentenceRows readTensorflow1 readTensorflowJs
  readTimeSeries readTokenColumns saturation saveRun stratifiedSplit trace writeKeras writeKerasH5 writeSafetensors writeTensorflowJs
`),
  words(`
  binaryCrossEntropy connectionistTemporalClassification crossEntropy dropWords gather gaussianLoss huber klDivergence loadClassifier
  loadForecaster loadRun loadStateDict loadTagger matchStateDict matmul meanAbsoluteError meanSquaredError negativeBinomialLoss pinball save
  smoothL1 studentTLoss trace traceInChunks updateParameters writeOnnx
`),
  words(`
  languageModelLoss linearCrossEntropy ngramBaselines
`),
];

/** What they are given is data, a configuration that is checked elsewhere, or single arguments. */
const withoutOptions = words(`
  latex   abs activation add affine aligned asFloat32 bytesSource cellByName cellGraph changeRate choose clamp classesOf classificationScores
  colourOf compareModels concatenate connectWorker constant countCharacters createMoments defineCellDiagram defineGates defineHeatMap div
  dropConnect elu equal erf exp expm1 forecastNetworkFromConfig gateColour gateOf gelu hardSigmoid heatMapLegend identity initialization
  inkOn input languageModelFromConfig layoutParameters leakyRelu legendOf less lessEqual log log1p logProbabilities logSoftmax max mean
  measureClassifier measureRegression measureTagger memoryLength min minGru minLstm mul neg normsOverTime openNpy openPackedModel
  openSafetensors pace packModel penalizeRepetition plus pointwise randomInputs readArrays readKerasWeights readNpy readOnnx readPyTorch
  readRun readSafetensors readSentenceLines readSeries reduce relu reshape safeTensor scaledTanh scaleOf schemeOf select
  sequenceClassifierFromConfig seriesOf serveWorker shown shownPower shownToken shuffleDocuments sigmoid silu slice softmax softplus
  softsign spanScores spansOf sqrt square stopGradient sub sumAll taggerFromConfig tagsOf tanh thresholdedRelu times tokenizerFromJSON
  traceKey traceNames traceTensors traceToJSON transpose unitsThatFollow variable writeArrays writeNpy writeNpz writePyTorch
`);

/** Methods and constructors with options. */
const members: Readonly<Record<string, (options: never) => unknown>> = {
  "new Classifier": (options) => new root.Classifier(options),
  "new Forecaster": (options) => new root.Forecaster(options),
  "new Graph": (options) => new root.Graph(options),
  "new Lattice": (options) => new root.Lattice(options),
  "new Tagger": (options) => new root.Tagger(options),
  "Forecaster.forecast": (options) => root.Forecaster.prototype.forecast(undefined as never, options),
  "Forecaster.predict": (options) => root.Forecaster.prototype.predict([], options),
  "Graph.input": (options) => root.Graph.prototype.input("x", [], options),
  "Graph.randomKey": (options) => root.Graph.prototype.randomKey(options),
  "Graph.randomScalars": (options) => root.Graph.prototype.randomScalars(options),
  "Model.stream": (options) => formats.Model.prototype.stream(options),
  "Model.trace": (options) => formats.Model.prototype.trace({}, options),
  "ParameterStore.fromTensors": (options) => root.ParameterStore.prototype.fromTensors(new Map(), options),
  "Run.record": (options) => root.Run.prototype.record(undefined as never, options),
  "Tagger.predict": (options) => root.Tagger.prototype.predict([], options),
  "Tagger.read": (options) => root.Tagger.prototype.read([], options),
  "TextWriter.write": (options) => root.TextWriter.prototype.write(options),
  "Trainer.restore": (options) => root.Trainer.prototype.restore(undefined as never, options),
  "Trainer.run": (options) => root.Trainer.prototype.run(options),
};

const exported: Readonly<Record<string, unknown>> = { ...components, ...explain, ...formats, ...root, ...worker };
const functions = Object.keys(exported).filter((name) => typeof exported[name] === "function" && /^[a-z]/.test(name));

/** Where it throws, now or later: a generator begins when it is asked for the first time. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await call();
    if (typeof (result as { next?: unknown } | undefined)?.next === "function") await (result as AsyncGenerator).next();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function expectRefused(call: () => unknown): Promise<void> {
  const error = await errorOf(call);
  expect(error).toBeInstanceOf(UsageError);
  expect(error).toMatchObject({ code: "unknown-option" });
  expect((error as UsageError).message).toMatch(/there is no option "lerningRate"; (did you mean |known are )/);
}

describe("unknown options", () => {
  it("are looked for in every public function", () => {
    const listed = [...new Set([...placeOfOptions.flat(), ...withoutOptions])];
    expect(listed.sort()).toEqual(functions.sort());
    expect(placeOfOptions.flat().filter((name) => withoutOptions.includes(name))).toEqual([]);
  });

  for (const [place, names] of placeOfOptions.entries())
    it.each(names)(`are refused by %s (argument ${place})`, async (name) => {
      const before: unknown[] = new Array(place).fill({});
      if (name === "openMachine") before[0] = "wasm";
      await expectRefused(() => (exported[name] as (...given: unknown[]) => unknown)(...before, { lerningRate: 1 }));
    });

  it.each(Object.keys(members))("are refused by %s", async (name) => {
    await expectRefused(() => members[name]!({ lerningRate: 1 } as never));
  });

  it("are told with the name that was probably meant", async () => {
    const near = (call: () => unknown) => errorOf(call).then((error) => (error as Error).message);
    expect(await near(() => root.openTrainer({ lerningRate: 1 } as never))).toMatch(
      /openTrainer: .*did you mean learningRate\?/,
    );
    expect(await near(() => root.linear({ inputsize: 1, outputSize: 1 } as never))).toMatch(/did you mean inputSize\?/);
    expect(await near(() => root.sgd({ momentun: 0.9 } as never))).toMatch(/did you mean momentum\?/);
    expect(await near(() => root.openMachine("reference", { threads: 1 } as never))).toMatch(/no option "threads"/);
  });
});

describe("expectOptions", () => {
  it("takes no name from the prototype of the table", () => {
    expect(() => expectOptions<object>("it", { toString: 1 }, {})).toThrow(/there is no option "toString"/);
  });

  it.each([null, 3, "text"])("wants an object, not %j", (value) => {
    expect(() => expectOptions<object>("it", value as never, {})).toThrow(/it: expected options, got/);
  });
});
