import type { Machine } from "../compute/machine.ts";
import { carriedBatches, fitWindows } from "../data/carried-batches.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { runOptions } from "../run/run-options.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { expectTokens, type Tokens } from "../text/token-sequence.ts";
import { type Evaluator, openEvaluator } from "./evaluator.ts";
import { recordText } from "./record-text.ts";

/** Options of `evaluateText`. */
export interface EvaluateTextOptions extends Abortable {
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
  readonly machine: Machine;
  /** The text, as tokens. */
  readonly tokens: Tokens;
  /**
   * B: contiguous pieces of the text that are evaluated in parallel, each from a zero state. 1 reads the text as one; more are faster,
   * with a slightly higher loss at their beginnings. Default 32, fewer for short texts.
   */
  readonly batchSize?: number | undefined;
  /** T: number of tokens of each piece that are computed at once. Does not change the result. Default 64, fewer for short texts. */
  readonly sequenceLength?: number | undefined;
}

/** Scores of a language model on a text. */
export interface TextScores {
  /** Mean of −log p(token | tokens before it), in nats. */
  readonly loss: number;
  /** exp(loss) */
  readonly perplexity: number;
  /** loss / log 2 */
  readonly bitsPerToken: number;
  /** Number of predicted tokens: B · ⌊(n − 1)/B⌋. */
  readonly tokens: number;
}

/** Evaluates a language model on a text, from a zero state. @throws the reason of `signal` */
export async function evaluateText(options: EvaluateTextOptions): Promise<TextScores> {
  expectOptions("evaluateText", options, {
    ...runOptions,
    tokens: "required",
    batchSize: 1,
    sequenceLength: 1,
    signal: 1,
  });
  const { signal } = options;
  signal?.throwIfAborted();
  const evaluator = await openTextEvaluator(options);
  try {
    const loss = (await evaluator.run({ signal })).loss!;
    return { loss, perplexity: Math.exp(loss), bitsPerToken: loss / Math.LN2, tokens: evaluator.tokens };
  } finally {
    evaluator.close();
  }
}

/** A text ready to be measured again and again while its model is trained; the metric is `loss`, in nats per token. */
export interface TextEvaluator extends Evaluator {
  /** How many tokens are predicted. */
  readonly tokens: number;
}

export async function openTextEvaluator(options: EvaluateTextOptions): Promise<TextEvaluator> {
  const { model, parameters, machine } = options;
  const tokens = expectTokens("tokens", options.tokens);
  const fit = fitWindows(tokens.length, { streams: 32, steps: 64 });
  const [streams, steps] = [options.batchSize ?? fit.streams, options.sequenceLength ?? fit.steps];
  const batches = carriedBatches({ tokens, streams, steps, partial: true });
  const evaluator = await openEvaluator({
    ...{ machine, parameters, batches },
    record(graph, batch) {
      const { loss, carry } = recordText(graph, model, batch);
      return { metrics: { loss }, carry };
    },
  });
  return { ...evaluator, tokens: batches.tokensPerEpoch };
}
