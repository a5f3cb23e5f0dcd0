import { lengthOf } from "../data/sequence-inputs.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import { add, mul, variable } from "../math/expression.ts";
import type { SequenceClassifier } from "../models/sequence-classifier.ts";
import { type Classifier, declareSequences, targetUnits } from "../run/classifier.ts";
import { readSequence } from "../run/sequence-reader.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { pointwise, reshape } from "../tensor/operations.ts";
import {
  asksForGradients,
  layerInput,
  type ReadTrace,
  type ReadTraceOptions,
  readTrace,
  readTraceNames,
  stepNumbers,
  tokenTexts,
  traceLayers,
} from "./read-trace.ts";
import type { Objective } from "./trace.ts";

/** Options of `traceClassifier`. */
export interface TraceClassifierOptions extends ReadTraceOptions {
  /**
   * Whether to return ∂L/∂value too: L is −log of the probability of `label`, or for a regression the predicted number. Values that are
   * held are held in L too. Default false.
   */
  readonly gradients?: boolean | undefined;
  /** The class for L. Default: the predicted class. */
  readonly label?: string | undefined;
}

/**
 * Traces a classifier or regression on a text or series, in both directions. `classifier.predictEachStep` gives its predictions after
 * each step.
 * @param input a text, or a series as it was measured
 * @example
 * ```ts
 * const { gradients, tokens } = await traceClassifier(classifier, "a dull film", { gradients: true });
 * normsOverTime(gradients.h_l0); // the steps on which the class depends
 * ```
 * @throws UsageError "wrong-input", "no-tokens", "unknown-token", "unknown-choice"; FailureError "trace-too-large"; the reason of
 *   `signal`
 */
export async function traceClassifier(
  classifier: Classifier<SequenceClassifier>,
  input: Parameters<typeof readSequence>[0],
  options: TraceClassifierOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceClassifier", options, { ...readTraceNames, gradients: 1, label: 1 });
  const { model, parameters, tokenizer } = classifier;
  const { rnn } = model.parts;
  const read = readSequence(input, model, tokenizer);
  if (!("channels" in read) && read.length === 0)
    throw new UsageError("no-tokens", "text: expected at least one token to read, got none");
  const objective = await objectiveOf(classifier, input, options);
  const data =
    "channels" in read
      ? read.values
      : await layerInput(
          parameters,
          (graph) => model.embed(declareSequences(graph, model, read.length, 1).x),
          { x: read, mask: new Float64Array(read.length).fill(1) },
          options,
        );
  const traced = await traceLayers(rnn, parameters, { data }, options, objective);
  return readTrace(traced, "channels" in read ? stepNumbers(lengthOf(read)) : tokenTexts(read, tokenizer!));
}

/** L from the output of the layers; undefined if no gradients are requested. */
async function objectiveOf(
  classifier: Classifier<SequenceClassifier>,
  input: Parameters<typeof readSequence>[0],
  { gradients, label, signal }: TraceClassifierOptions,
): Promise<Objective | undefined> {
  const { model } = classifier;
  const { classes } = model.config;
  if (!asksForGradients(gradients, { label })) return undefined;
  if (label !== undefined && !classes)
    throw new UsageError("bad-option", "label: this model predicts a number, not classes");
  if (!classes) {
    const { mean, deviation } = targetUnits(model);
    return (layers) => reshape(pointwise({ x: model.answer(layers) }, add(mul(variable("x"), deviation), mean)), []);
  }
  const meant = expectOneOf("label", label ?? (await classifier.predict([input], { signal }))[0]!.label, classes);
  const target = Float64Array.from(classes, (name) => Number(name === meant));
  return (layers) => {
    const logits = model.answer(layers);
    return crossEntropy(logits, logits.graph.constant([1, classes.length], target));
  };
}
