import type { SequenceClassifier } from "../models/sequence-classifier.ts";
import { type Classifier, declareSequences } from "../run/classifier.ts";
import { readSequence } from "../run/sequence-reader.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import {
  namesOf,
  type ReadTrace,
  type ReadTraceOptions,
  readingOf,
  readTrace,
  readTraceNames,
  stepsOf,
  traceLayers,
} from "./read-trace.ts";

/**
 * Reads a text or a series with a classifier (or a regression) and keeps what the gates and states of its layers were at every step, in both
 * directions. What it says after each step tells `classifier.afterEachStep`.
 *
 * @param input a text, or a series as it was measured
 * @throws UsageError "wrong-input", "no-tokens", "unknown-token", "unknown-choice"; FailureError "trace-too-large"
 */
export async function traceClassifier(
  classifier: Classifier<SequenceClassifier>,
  input: Parameters<typeof readSequence>[0],
  options: ReadTraceOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceClassifier", options, readTraceNames);
  const { model, parameters, tokenizer } = classifier;
  const { rnn } = model.parts;
  const read = readSequence(input, model, tokenizer);
  if ("channels" in read)
    return readTrace(
      await traceLayers(rnn, parameters, read.values, options),
      stepsOf(read.values.length / read.channels),
    );
  if (read.length === 0) throw new UsageError("no-tokens", "text: expected at least one token to read, got none");
  const reading = await readingOf(
    parameters,
    (graph) => model.embedded(declareSequences(graph, model, read.length, 1).x),
    { x: read, mask: new Float64Array(read.length).fill(1) },
  );
  return readTrace(await traceLayers(rnn, parameters, reading, options), namesOf(read, tokenizer!));
}
