import { crossEntropy } from "../losses/cross-entropy.ts";
import { less, select, sub, variable } from "../math/expression.ts";
import type { SequenceTagger } from "../models/sequence-tagger.ts";
import { SentenceReader } from "../run/sentence-reader.ts";
import { declareSentences, type Tagger } from "../run/tagger.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { add } from "../tensor/arithmetic.ts";
import type { Tensor } from "../tensor/graph.ts";
import { HOPELESS, IMPOSSIBLE, Lattice } from "../tensor/lattice.ts";
import { pointwise, reshape } from "../tensor/operations.ts";
import {
  asksForGradients,
  layerInput,
  type ReadTrace,
  type ReadTraceOptions,
  readTrace,
  readTraceNames,
  traceLayers,
} from "./read-trace.ts";
import type { Objective } from "./trace.ts";

/** Options of `traceTagger`. */
export interface TraceTaggerOptions extends ReadTraceOptions {
  /**
   * Whether to return ∂L/∂value too: L is −log of the probability of the tag of one token, or of those of all. A CRF takes probabilities
   * over all sequences of tags. Values that are held are held in L too. Default false.
   */
  readonly gradients?: boolean | undefined;
  /** The token for L, from 0. Default: all tokens. */
  readonly token?: number | undefined;
  /** The tag of this token for L, one of `model.config.tags`. Default: the predicted one. */
  readonly tag?: string | undefined;
}

/**
 * Traces the word layers of a tagger on a sentence, in both directions.
 * @param sentence its tokens
 * @example
 * ```ts
 * const { gradients } = await traceTagger(tagger, ["Ada", "lives", "in", "London"], { gradients: true, token: 3 });
 * normsOverTime(gradients.h_l0); // the words on which the tag of London depends
 * ```
 * @throws UsageError "wrong-input", "no-tokens", "unknown-choice", "out-of-range", "bad-option"; FailureError "trace-too-large";
 *   the reason of `signal`
 */
export async function traceTagger(
  tagger: Tagger,
  sentence: readonly string[],
  options: TraceTaggerOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceTagger", options, { ...readTraceNames, gradients: 1, token: 1, tag: 1 });
  const { model, parameters, tokenizer } = tagger;
  const reader = new SentenceReader(model.config, tokenizer);
  const read = reader.read(sentence);
  const steps = sentence.length;
  const objective = await objectiveOf(tagger, sentence, options);
  const reading = await layerInput(
    parameters,
    (graph) => {
      // Without padding there is nothing to mask.
      const { mask: _, ...words } = declareSentences(graph, model, steps, 1);
      return model.embed(words);
    },
    reader.inputs([read], steps),
    options,
  );
  return readTrace(await traceLayers(model.parts.rnn, parameters, { data: reading }, options, objective), [
    ...sentence,
  ]);
}

/** L from the output of the layers; undefined if no gradients are requested. */
async function objectiveOf(
  tagger: Tagger,
  sentence: readonly string[],
  { gradients, token, tag, signal }: TraceTaggerOptions,
): Promise<Objective | undefined> {
  if (!asksForGradients(gradients, { token, tag })) return undefined;
  if (tag !== undefined && token === undefined)
    throw new UsageError("bad-option", "tag: the tag of one token; say of which one with `token`");
  if (sentence.length === 0) throw new UsageError("no-tokens", "sentence: gradients need at least one token, got none");
  if (token !== undefined) expectInteger("token", token, { min: 0, max: sentence.length - 1 });
  const { tags } = tagger.model.config;
  const [reading] = await tagger.read([sentence], { signal });
  const wanted = reading!.path.map((predicted, t) => {
    if (token !== undefined && t !== token) return undefined;
    return tag === undefined ? predicted : tags.indexOf(expectOneOf("tag", tag, tags));
  });
  return ({ output }) => negativeLogLikelihood(tagger.model, output, wanted);
}

/** −log of the probability of the wanted tags; at a token without one every tag counts. */
function negativeLogLikelihood(model: SequenceTagger, output: Tensor, wanted: readonly (number | undefined)[]): Tensor {
  const { emissions } = model.answer(output);
  const { graph, shape } = emissions;
  const perTag = (value: (wanted: number | undefined, tag: number) => number): Tensor => {
    const numbers = wanted.flatMap((one) => model.config.tags.map((_, tag) => value(one, tag)));
    return graph.constant(shape, Float64Array.from(numbers));
  };
  const { field } = model.parts;
  if (!field)
    return crossEntropy(
      emissions,
      perTag((one, tag) => Number(one === tag)),
      { reduction: "sum" },
    );
  // All sequences of tags, less those that have another one there.
  const { lattice, scores, weights } = field.lattice(emissions);
  const others = perTag((one, tag) => (one === undefined || one === tag ? 0 : IMPOSSIBLE));
  const right = new Lattice({ scores: add(scores, others), weights, arcs: "all" });
  const sums = { all: lattice.logPartition(), right: right.logPartition() };
  const [every, those] = [variable("all"), variable("right")];
  return reshape(pointwise(sums, select(less(HOPELESS, those), sub(every, those), Number.POSITIVE_INFINITY)), []);
}
