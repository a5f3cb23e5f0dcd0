import type { Batch, BatchSource } from "../data/batch-source.ts";
import type { CarriedBatches } from "../data/carried-batches.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { languageModelLoss } from "../models/language-model-loss.ts";
import type { Graph } from "../tensor/graph.ts";

/** Windows of a text as a source of batches: the same windows in every epoch, the state carried on from each to the next. */
export function carriedSource(windows: CarriedBatches, identify?: () => BatchSource["identity"]): BatchSource {
  let identity: BatchSource["identity"];
  return {
    batchesPerEpoch: windows.windows,
    // All tokens may have to be read for it, so not before somebody asks.
    get identity() {
      identity ??= identify?.();
      return identity;
    },
    batch(_, window) {
      const { input, target, steps, streams, first } = windows.batch(window);
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
