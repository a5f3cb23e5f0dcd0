import type { Batch, BatchSource } from "../data/batch-source.ts";
import { type CarriedBatches, type CarriedBatchesOptions, carriedBatches } from "../data/carried-batches.ts";
import { hasEpochs } from "../data/document-order.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { languageModelLoss } from "../models/language-model-loss.ts";
import type { Graph } from "../tensor/graph.ts";
import { asSequence } from "../text/token-sequence.ts";

/**
 * Windows of a text as a source of batches, the state carried on from each to the next: the same windows in every epoch, or
 * those of the order that tokens have in an epoch.
 */
export function carriedSource(options: CarriedBatchesOptions, identify?: () => BatchSource["identity"]): BatchSource {
  const tokens = asSequence(options.tokens);
  let known = { epoch: 0, windows: windowsIn(0) };
  let identity: BatchSource["identity"];
  function windowsIn(epoch: number): CarriedBatches {
    return carriedBatches({ ...options, tokens: hasEpochs(tokens) ? tokens.inEpoch(epoch) : tokens });
  }
  return {
    batchesPerEpoch: known.windows.windows,
    // All tokens may have to be read for it, so not before somebody asks.
    get identity() {
      identity ??= { ...identify?.(), ...(hasEpochs(tokens) && { shuffle: tokens.seed }) };
      return identity;
    },
    batch(epoch, window) {
      if (known.epoch !== epoch && hasEpochs(tokens)) known = { epoch, windows: windowsIn(epoch) };
      const { input, target, steps, streams, first } = known.windows.batch(window);
      return { inputs: { tokens: input, targets: target }, steps, rows: streams, weight: input.length, first };
    },
  };
}

/** The model on a window of text, from the state that the window before left. */
export function recordText(graph: Graph, model: LanguageModel, { steps = 1, rows }: Batch) {
  const below = model.config.vocabularySize;
  const tokens = graph.input("tokens", [steps, rows], { type: "int", below });
  const targets = graph.input("targets", [steps, rows], { type: "int", below });
  const initial = Object.fromEntries(
    Object.entries(model.stateShapes(rows)).map(([name, shape]) => [name, graph.state(name, shape)]),
  );
  const { loss, final, penalty } = languageModelLoss(model, tokens, targets, { initial });
  const carry = Object.entries(final).map(([name, tensor]) => [tensor, initial[name]!] as const);
  return { loss, penalty, carry };
}
