import type { Batch } from "../data/batch-source.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { languageModelLoss } from "../models/language-model-loss.ts";
import { mapValues } from "../shared/records.ts";
import type { Graph } from "../tensor/graph.ts";

/** Records the loss of a language model on a window of text, from the state that the window before left. */
export function recordText(graph: Graph, model: LanguageModel, { steps = 1, rows }: Batch) {
  const below = model.config.vocabularySize;
  const tokens = graph.input("tokens", [steps, rows], { type: "int", below });
  const targets = graph.input("targets", [steps, rows], { type: "int", below });
  const initial = mapValues(model.stateShapes(rows), (shape, name) => graph.state(name, shape));
  const { loss, final, penalty } = languageModelLoss(model, tokens, targets, { initial });
  const carry = Object.entries(final).map(([name, tensor]) => [tensor, initial[name]!] as const);
  return { loss, penalty, carry };
}
