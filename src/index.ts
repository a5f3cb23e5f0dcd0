/**
 * Longshort trains, runs and explains recurrent neural networks in Node and in the browser.
 *
 * @module longshort
 */

export { cellText } from "./cells/cell-text.ts";
export { EquationError } from "./cells/cell-tokens.ts";
// Cells: equations.
export {
  type Cell,
  type CellGate,
  type CellSource,
  type CellState,
  defineCell,
  type Gate,
  type GateOptions,
  type GateValue,
  gateOf,
  type InitialStates,
  input,
  type MaskSpec,
  type Operands,
  type Parts,
  split,
  type Width,
} from "./cells/define.ts";
export { type GruOptions, gru } from "./cells/gru.ts";
export { layerNormLstm } from "./cells/layer-norm-lstm.ts";
export { type LstmOptions, lstm } from "./cells/lstm.ts";
export { minGru } from "./cells/min-gru.ts";
export { minLstm } from "./cells/min-lstm.ts";
export type { CellOptions } from "./cells/options.ts";
export { parseCell } from "./cells/parse-cell.ts";
export {
  type CellChoice,
  type CellName,
  type CellSpec,
  type CellStates,
  cellByName,
  cellNames,
  type StatesOf,
} from "./cells/registry.ts";
export { type RnnOptions, rnn } from "./cells/rnn.ts";
// Weights and runs in files.
export type { ElementTypeName } from "./checkpoint/element-types.ts";
export { type PackRunOptions, packRun } from "./checkpoint/packed-run.ts";
export { type ReadRunOptions, type RunFiles, type RunSource, readRun } from "./checkpoint/read-run.ts";
export {
  type ModelFiles,
  type RunConfig,
  type Saveable,
  type SaveRunOptions,
  saveRun,
} from "./checkpoint/run-folder.ts";
export type { RunWeights } from "./checkpoint/run-weights.ts";
export { SafeTensor, type StoredTensor, safeTensor, type WritableTensor } from "./checkpoint/safe-tensor.ts";
export { readSafetensors, type SafetensorsFile, writeSafetensors } from "./checkpoint/safetensors.ts";
// Machines: what computes.
export type {
  Arena,
  Limits,
  Machine,
  MemoryUse,
  Numbers,
  PreparedPlan,
  SynchronousMachine,
} from "./compute/machine.ts";
export { type MachineName, type MachineOptions, openMachine } from "./compute/open.ts";
export type { Range } from "./compute/plan.ts";
export type { WasmOptions } from "./compute/wasm/machine.ts";
export { moduleName } from "./compute/wasm/module-name.ts";
// Batches, text and tokens.
export type { Batch, BatchSource } from "./data/batch-source.ts";
export { type BucketedBatchesOptions, bucketedBatches } from "./data/bucketed-batches.ts";
export type { CalendarRound } from "./data/calendar.ts";
export { type Corpus, type CorpusOptions, type CorpusPass, openCorpus } from "./data/corpus.ts";
export { countCharacters } from "./data/count-characters.ts";
export { type EpochTokens, shuffleDocuments } from "./data/document-order.ts";
export type { DocumentSplit } from "./data/documents.ts";
export { classesOf, type Examples, type Placed, type Series, type Unlabelled } from "./data/examples.ts";
export type { ForecastWindow, PreparedSeries } from "./data/forecast-inputs.ts";
export type { Anchor, Decoding, ForecastLayout, Transform } from "./data/forecast-layout.ts";
export { readLabelledTexts, type TextColumns } from "./data/labelled-texts.ts";
export { type PaddedSequences, type PadSequencesOptions, padSequences } from "./data/pad-sequences.ts";
export { type ReadTimeSeriesOptions, readTimeSeries } from "./data/read-time-series.ts";
export { readSentenceLines, readSentenceRows, type SentenceColumns } from "./data/sentence-rows.ts";
export type { ScalingKind, SeriesScaling } from "./data/series-scaling.ts";
export { readSeriesTable, type SeriesTableColumns } from "./data/series-table.ts";
export { type Split, type StratifiedSplitOptions, stratifiedSplit } from "./data/stratified-split.ts";
export type { TaggedSentences, UntaggedSentences } from "./data/tagged-sentences.ts";
export type { SeriesColumns, TimeSeries, TimeSeriesSet } from "./data/time-series.ts";
export { type SeriesValues, type TimeSeriesSetOptions, timeSeriesSet } from "./data/time-series-set.ts";
export type { TimeStep } from "./data/time-step.ts";
export type { TimeZone } from "./data/time-zone.ts";
export { readTokenColumns, type TokenColumns } from "./data/token-columns.ts";
export { type ReadLabelledSeriesOptions, readLabelledSeries } from "./data/ts-archive.ts";
// Explaining.
export { type HeatMapOptions, type HeatMapRow, heatMapLegend, renderHeatMap } from "./explain/heat-map.ts";
export { type TextTrace, type TraceTextOptions, traceText } from "./explain/trace-text.ts";
// Layers.
export { activation } from "./layers/activation.ts";
export { type AttentionPool, attentionPool } from "./layers/attention-pool.ts";
export {
  ConditionalRandomField,
  type ConditionalRandomFieldOptions,
  conditionalRandomField,
  type TagConstraints,
  type TagLattice,
} from "./layers/conditional-random-field.ts";
export { type Convolution1d, type Convolution1dOptions, convolution1d } from "./layers/convolution.ts";
export { type DropoutOptions, type DropoutPer, dropout } from "./layers/dropout.ts";
export { type Embedding, type EmbeddingOptions, embedding } from "./layers/embedding.ts";
export type { Held, Hold } from "./layers/held-values.ts";
export {
  type InitializationName,
  initialization,
  type RecurrentPreset,
} from "./layers/initialize.ts";
export type { Layer, MaskInput } from "./layers/layer.ts";
export { type LayerNorm, type LayerNormOptions, layerNorm } from "./layers/layer-norm.ts";
export { type Linear, type LinearOptions, linear } from "./layers/linear.ts";
export { type PoolInput, type PoolKind, type PoolOverTime, poolOverTime } from "./layers/pool-over-time.ts";
export {
  Recurrent,
  type RecurrentInput,
  type RecurrentOptions,
  type RecurrentOutput,
  recurrent,
} from "./layers/recurrent.ts";
export type { Direction } from "./layers/recurrent-scan.ts";
export { logSoftmax, type SoftmaxOptions, softmax } from "./layers/softmax.ts";
export { dropConnect, dropWords } from "./layers/weight-dropout.ts";
// Losses.
export { binaryCrossEntropy } from "./losses/binary-cross-entropy.ts";
export { type CrossEntropyOptions, crossEntropy } from "./losses/cross-entropy.ts";
export {
  type ConnectionistTemporalClassificationOptions,
  connectionistTemporalClassification,
} from "./losses/ctc.ts";
export { type GaussianParameters, gaussianLoss } from "./losses/gaussian.ts";
export { huber, smoothL1 } from "./losses/huber.ts";
export { type KlDivergenceOptions, klDivergence } from "./losses/kl-divergence.ts";
export { type LinearHead, linearCrossEntropy } from "./losses/linear-cross-entropy.ts";
export { meanAbsoluteError } from "./losses/mean-absolute-error.ts";
export { meanSquaredError } from "./losses/mean-squared-error.ts";
export { type NegativeBinomialParameters, negativeBinomialLoss } from "./losses/negative-binomial.ts";
export { pinball } from "./losses/pinball.ts";
export type { LossOptions, Reduction } from "./losses/reduction.ts";
export { type StudentTParameters, studentTLoss } from "./losses/student-t.ts";
// The arithmetic that cells, losses and optimizers are written in.
export type { ActivationName, ActivationSpec, NamedActivation } from "./math/activations.ts";
export {
  abs,
  type Condition,
  constant,
  type Expression,
  equal,
  erf,
  exp,
  less,
  lessEqual,
  log,
  log1p,
  max,
  mean,
  min,
  neg,
  select,
  sigmoid,
  sqrt,
  square,
  type Term,
  tanh,
  variable,
} from "./math/expression.ts";
export {
  type Activation,
  affine,
  clamp,
  elu,
  expm1,
  gelu,
  hardSigmoid,
  identity,
  leakyRelu,
  relu,
  scaledTanh,
  silu,
  softplus,
  softsign,
  thresholdedRelu,
} from "./math/functions.ts";
// Models.
export type { Calibration, Threshold } from "./models/calibration.ts";
export type { CellConfig } from "./models/cell-choice.ts";
export type {
  ForecastHead,
  HeadName,
  HeadOptions,
  ParameterForm,
  PointLoss,
  Prediction,
} from "./models/forecast-heads.ts";
export {
  LanguageModel,
  type LanguageModelConfig,
  type LanguageModelDropout,
  type LanguageModelHidden,
  type LanguageModelInput,
  type LanguageModelOptions,
  type LanguageModelOutput,
  languageModel,
  languageModelFromConfig,
} from "./models/language-model.ts";
export {
  type LanguageModelLoss,
  type LanguageModelLossInput,
  languageModelLoss,
} from "./models/language-model-loss.ts";
export type { FromConfigOptions } from "./models/model-config.ts";
export type { Scaling } from "./models/scaling.ts";
export {
  type Pooling,
  SequenceClassifier,
  type SequenceClassifierConfig,
  type SequenceClassifierOptions,
  type SequenceModel,
  sequenceClassifier,
  sequenceClassifierFromConfig,
} from "./models/sequence-classifier.ts";
export {
  type ForecastInputs,
  SequenceForecaster,
  type SequenceForecasterConfig,
  type SequenceForecasterOptions,
  sequenceForecaster,
  sequenceForecasterFromConfig,
} from "./models/sequence-forecaster.ts";
export {
  SequenceTagger,
  type SequenceTaggerConfig,
  type SequenceTaggerInput,
  type SequenceTaggerOptions,
  type SequenceTaggerOutput,
  sequenceTagger,
  sequenceTaggerFromConfig,
  type TaggerHead,
} from "./models/sequence-tagger.ts";
// Optimizers.
export { type AdadeltaOptions, adadelta } from "./optimizers/adadelta.ts";
export { type AdagradOptions, adagrad } from "./optimizers/adagrad.ts";
export { type AdamOptions, adam, adamW } from "./optimizers/adam.ts";
export { adamax } from "./optimizers/adamax.ts";
export {
  byParameter,
  frozen,
  type OptimizerChoice,
  type ParameterOptimizers,
  scaledRate,
} from "./optimizers/by-parameter.ts";
export { defineOptimizer, type Optimizer, type OptimizerDefinition } from "./optimizers/define.ts";
export { nadam } from "./optimizers/nadam.ts";
export { radam } from "./optimizers/radam.ts";
export { type RmspropOptions, rmsprop } from "./optimizers/rmsprop.ts";
export { type SgdOptions, sgd } from "./optimizers/sgd.ts";
export {
  createMoments,
  type ParameterUpdate,
  type UpdateOptions,
  updateParameters,
} from "./optimizers/update.ts";
export type { FileContent, FileLayer } from "./platform/files.ts";
export type { FileSource } from "./platform/platform.ts";
// Formulas.
export { type LatexNames, latex } from "./print/latex.ts";
export { derivatives } from "./print/latex-derivatives.ts";
export { aligned, type EquationOptions, equations } from "./print/latex-equations.ts";
export type { Notation } from "./print/latex-names.ts";
// Running.
export { averagePredictions } from "./run/average-predictions.ts";
export {
  type Backtest,
  type BacktestOptions,
  type BacktestRow,
  type BacktestSeries,
  backtest,
} from "./run/backtest.ts";
export { type BeamSearchOptions, type BeamText, beamSearch } from "./run/beam-search.ts";
export { type ClassificationScores, type Confusion, classificationScores } from "./run/classification-scores.ts";
export { type CalibrateOptions, Classifier, type ClassifierOptions, type ClassPrediction } from "./run/classifier.ts";
export type { WriteEnd } from "./run/continuation.ts";
export {
  type ClassifierScores,
  evaluateClassifier,
  evaluateRegression,
  type RegressionScores,
} from "./run/evaluate-classifier.ts";
export { evaluateTagger, type TaggerScores, type TaggingScores } from "./run/evaluate-tagger.ts";
export type { ThresholdGoal } from "./run/fit-calibration.ts";
export type { Distribution } from "./run/forecast-distribution.ts";
export type { ForecastScores } from "./run/forecast-scores.ts";
export {
  Forecaster,
  type ForecasterOptions,
  type ForecastOptions,
  type SeriesForecast,
  type TargetForecast,
} from "./run/forecaster.ts";
export { type GenerateOptions, type GenerateTokensOptions, generate, generateTokens } from "./run/generate.ts";
export { type GenerateBatchOptions, type GeneratedText, generateBatch } from "./run/generate-batch.ts";
export { loadClassifier } from "./run/load-classifier.ts";
export { loadForecaster } from "./run/load-forecaster.ts";
export { type LoadedRun, loadRun } from "./run/load-run.ts";
export { loadTagger } from "./run/load-tagger.ts";
export { quantize } from "./run/quantize.ts";
export type { LoadRunOptions } from "./run/run-parts.ts";
export {
  type Candidate,
  candidates,
  choose,
  logProbabilities,
  penalizeRepetition,
  type SampleOptions,
} from "./run/sample.ts";
export { openSession, Session, type SessionOptions, type SessionState, type TokenReader } from "./run/session.ts";
export { type SpanScore, type SpanScores, spanScores } from "./run/span-scores.ts";
export { StreamSession } from "./run/stream-session.ts";
export { openStreams, Streams, type StreamsOptions } from "./run/streams.ts";
export { type SurprisalOptions, surprisal, type TokenSurprisal } from "./run/surprisal.ts";
export {
  type ReadingOptions,
  type SentenceReading,
  Tagger,
  type TaggerOptions,
  type TagPrediction,
} from "./run/tagger.ts";
export { type ReadOptions, TextWriter, type WrittenToken } from "./run/text-writer.ts";
export type { WriteOptions, WriteTokensOptions } from "./run/write-options.ts";
export type { Closeable } from "./shared/closing.ts";
// Errors.
export { FailureError, LongshortError, ShapeError, UsageError } from "./shared/errors.ts";
export type { Complete } from "./shared/options.ts";
export type { OwnBytes, OwnFloat32Array, OwnFloat64Array, OwnInt32Array } from "./shared/own-bytes.ts";
export { RandomStream } from "./shared/random.ts";
export type { Abortable } from "./shared/signal.ts";
export { type Span, schemeOf, spansOf, TAG_SCHEMES, type TagScheme, tagsOf } from "./shared/tag-schemes.ts";
// Graphs of tensors, recorded once and replayed.
export { add, div, mul, sub } from "./tensor/arithmetic.ts";
export { type CompileOptions, compile, Executable } from "./tensor/executable.ts";
export { Graph, type Tensor } from "./tensor/graph.ts";
export type { GraphOptions } from "./tensor/graph-options.ts";
export { bestPath, IMPOSSIBLE, Lattice, type LatticeOptions } from "./tensor/lattice.ts";
export {
  concatenate,
  gather,
  type MatMulOptions,
  matmul,
  type PointwiseOptions,
  pointwise,
  reduce,
  reshape,
  slice,
  stopGradient,
  sumAll,
  transpose,
} from "./tensor/operations.ts";
export {
  type HasParameters,
  type Initializer,
  layoutParameters,
  type Parameter,
  type ParameterLayout,
  type QuantizedLayout,
  type QuantizedRanges,
} from "./tensor/parameter.ts";
export {
  type CreateParametersOptions,
  createParameters,
  type NamedTensor,
  ParameterStore,
  type StoredNumbers,
} from "./tensor/parameter-store.ts";
export type { QuantizedTensor, QuantizedWeights } from "./tensor/quantized.ts";
export type { DrawKey } from "./tensor/random-draws.ts";
export { type NgramBaselines, type NgramOptions, ngramBaselines } from "./text/ngram.ts";
export type { NormalizeStep } from "./text/normalize.ts";
export type { PreTokenizerSpec } from "./text/pre-tokenizer.ts";
export type { BpeSpec, ModelSpec, WordLevelSpec } from "./text/subword-model.ts";
export type { TokenSequence, Tokens } from "./text/token-sequence.ts";
export type {
  EncodeOptions,
  StreamDecoder,
  StreamEncoder,
  Tokenizer,
  TokenizerKind,
  WordSegmentation,
} from "./text/tokenizer.ts";
export type { AddedToken, NormalizerSpec, TokenizerFile } from "./text/tokenizer-file.ts";
export { tokenizerFromJSON } from "./text/tokenizer-from-json.ts";
export { type TextSource, type TrainTokenizerOptions, trainTokenizer } from "./text/train-tokenizer.ts";
// Training.
export type { EarlyStopping, MonitoredMetric } from "./train/best.ts";
export type { ClassWeights } from "./train/class-weights.ts";
export { type EvaluateTextOptions, evaluateText, type TextScores } from "./train/evaluate-text.ts";
export {
  type Evaluator,
  type EvaluatorOptions,
  type EvaluatorRunOptions,
  type Measurement,
  type Metrics,
  openEvaluator,
} from "./train/evaluator.ts";
export type {
  Callbacks,
  CheckpointEvent,
  EndEvent,
  EpochEvent,
  EvaluationEvent,
  ProgressEvent,
  StartEvent,
  TrainEvent,
  TrainingStart,
  ValidationEvent,
} from "./train/events.ts";
export type { Objective } from "./train/learner.ts";
export type { StepReading } from "./train/notes.ts";
export { type Plateau, type PlateauOptions, type PlateauState, reduceOnPlateau } from "./train/plateau.ts";
export type { Pretrained, PretrainedModel, PretrainedOptions, TakenOver } from "./train/pretrained.ts";
export type { RateOptions } from "./train/rate.ts";
export {
  type OpenRunOptions,
  openRun,
  type RecordOptions,
  Run,
  type SavedWeights,
} from "./train/run.ts";
export {
  constantRate,
  cosineRate,
  cosineRestartsRate,
  exponentialRate,
  linearRate,
  multiStepRate,
  oneCycleRate,
  polynomialRate,
  type Schedule,
  sequentialRate,
  stepRate,
} from "./train/schedules.ts";
export type { RestoreOptions, TrainingSetup, TrainingSnapshot } from "./train/snapshot.ts";
export { openTrainingStep, TrainingStep, type TrainingStepOptions } from "./train/step.ts";
export {
  type ClassifierFacts,
  type ClassifierModelOptions,
  type ClassifierTraining,
  type TrainClassifierOptions,
  trainClassifier,
} from "./train/train-classifier.ts";
export {
  type ForecasterFacts,
  type ForecasterModelOptions,
  type ForecasterTraining,
  type SplitSeries,
  type TrainForecasterOptions,
  trainForecaster,
} from "./train/train-forecaster.ts";
export {
  type TaggerFacts,
  type TaggerModelOptions,
  type TaggerTraining,
  type TaggerWords,
  type TrainTaggerOptions,
  trainTagger,
} from "./train/train-tagger.ts";
export { type TextFacts, type TextTraining, type TrainTextOptions, trainText } from "./train/train-text.ts";
export { openTrainer, Trainer } from "./train/trainer.ts";
export type { TrainerOptions, TrainingOptions } from "./train/trainer-options.ts";
export type { TrainerState } from "./train/trainer-state.ts";
export type { Training } from "./train/training.ts";
