import { SentenceReader } from "../run/sentence-reader.ts";
import { declareSentences, type Tagger } from "../run/tagger.ts";
import { expectOptions } from "../shared/options.ts";
import {
  type ReadTrace,
  type ReadTraceOptions,
  readingOf,
  readTrace,
  readTraceNames,
  traceLayers,
} from "./read-trace.ts";

/**
 * Traces the word layers of a tagger on a sentence, in both directions.
 * @param sentence its tokens
 * @throws UsageError "wrong-input", "unknown-choice"; FailureError "trace-too-large"
 */
export async function traceTagger(
  tagger: Tagger,
  sentence: readonly string[],
  options: ReadTraceOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceTagger", options, readTraceNames);
  const { model, parameters, tokenizer } = tagger;
  const reader = new SentenceReader(model.config, tokenizer);
  const read = reader.read(sentence);
  const steps = sentence.length;
  const reading = await readingOf(
    parameters,
    (graph) => {
      // Without padding there is nothing to mask.
      const { mask: _, ...words } = declareSentences(graph, model, steps, 1);
      return model.embed(words);
    },
    reader.inputs([read], steps),
  );
  return readTrace(await traceLayers(model.parts.rnn, parameters, { data: reading }, options), [...sentence]);
}
