import type { Arena, Machine } from "../compute/machine.ts";
import { carriedBatches, fitWindows } from "../data/carried-batches.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { languageModelLoss } from "../models/language-model-loss.ts";
import { UsageError } from "../shared/errors.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { QuantizedWeights } from "../tensor/quantized.ts";
import type { Tokens } from "../text/token-sequence.ts";
import { expectTokens } from "./expect-tokens.ts";
import { takeTurns } from "./turns.ts";

export interface EvaluateTextOptions {
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
  readonly machine: Machine;
  readonly tokens: Tokens;
  /**
   * B: contiguous pieces of the text that run side by side, each from zero state. With 1 the model reads the text as a
   * person would; more are faster, and a little worse off at their beginnings. Default 32, fewer for short texts.
   */
  readonly batchSize?: number | undefined;
  /** T: steps that are computed at once; without influence on the result. Default 64, fewer for short texts. */
  readonly steps?: number | undefined;
  /** Weights of 8 bits that products use in place of the parameters: to measure what they cost. */
  readonly quantized?: QuantizedWeights | undefined;
}

/** How well a model predicts a text. */
export interface TextScore {
  /** Mean of −log p(token | tokens before it). */
  readonly nats: number;
  /** exp(nats) */
  readonly perplexity: number;
  /** nats / log 2 */
  readonly bitsPerToken: number;
  /** How many tokens were predicted: B · ⌊(n − 1)/B⌋. */
  readonly tokens: number;
}

/** Measures a model on a text, from zero state. @throws UsageError "too-few-tokens", "out-of-range"; FailureError "out-of-memory" */
export async function evaluateText(options: EvaluateTextOptions): Promise<TextScore> {
  const evaluator = await openTextEvaluator(options);
  try {
    return (await evaluator.run())!;
  } finally {
    evaluator.close();
  }
}

/** A text ready to be measured again and again while its model is trained. */
export interface TextEvaluator {
  /** Undefined when `signal` aborted it before the end. */
  run(signal?: AbortSignal): Promise<TextScore | undefined>;
  close(): void;
}

export async function openTextEvaluator(options: EvaluateTextOptions): Promise<TextEvaluator> {
  const { parameters, machine } = options;
  const tokens = expectTokens("tokens", options.tokens);
  if (parameters.machine !== machine)
    throw new UsageError("wrong-machine", "parameters: they lie on another machine than the one given");
  const fit = fitWindows(tokens.length, { streams: 32, steps: 64 });
  const streams = options.batchSize ?? fit.streams;
  const steps = Math.min(options.steps ?? fit.steps, Math.max(1, Math.floor((tokens.length - 1) / streams)));
  const batches = carriedBatches({ tokens, streams, steps, partial: true });
  const rest = (batches.tokensPerEpoch / streams) % steps;
  const arenas = { parameters: parameters.arena("parameters") };
  const windows = new Map<number, Executable>();
  const whole = await openWindow(options, steps, streams, arenas);
  windows.set(steps, whole);
  // Both plans declare the same states, so that one may go on with the state that the other left.
  const shared = { ...arenas, state: whole.arenas.state! };
  if (rest > 0) windows.set(rest, await openWindow(options, rest, streams, shared));
  const close = (): void => {
    for (const window of [...windows.values()].reverse()) window.close();
  };
  return {
    async run(signal) {
      const turns = takeTurns();
      let sum = 0;
      whole.zeroState();
      for (const batch of batches) {
        const window = windows.get(batch.steps)!;
        window.write("tokens", batch.input);
        window.write("targets", batch.target);
        window.run();
        sum += (await window.read("loss"))[0]! * batch.input.length;
        await turns();
        if (signal?.aborted) return undefined;
      }
      const nats = sum / batches.tokensPerEpoch;
      return {
        nats,
        perplexity: Math.exp(nats),
        bitsPerToken: nats / Math.LN2,
        tokens: batches.tokensPerEpoch,
      };
    },
    close,
  };
}

function openWindow(
  { model, parameters, machine, quantized }: EvaluateTextOptions,
  steps: number,
  streams: number,
  arenas: Readonly<Record<string, Arena>>,
): Promise<Executable> {
  const graph = new Graph({ machine, parameters: parameters.layout, quantized });
  const below = model.config.vocabularySize;
  const tokens = graph.input("tokens", [steps, streams], { type: "int", below });
  const targets = graph.input("targets", [steps, streams], { type: "int", below });
  const initial = Object.fromEntries(
    Object.entries(model.stateShapes(streams)).map(([name, shape]) => [name, graph.state(name, shape)]),
  );
  const { loss, final } = languageModelLoss(model, tokens, targets, { initial });
  graph.output("loss", loss);
  for (const [name, tensor] of Object.entries(final)) graph.copy(tensor.range, initial[name]!.range);
  return compile(graph, { machine, arenas });
}
