import { type CrossEntropyOptions, crossEntropy } from "../losses/cross-entropy.ts";
import { linearCrossEntropy } from "../losses/linear-cross-entropy.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import type { LanguageModel, LanguageModelInput, LanguageModelOutput } from "./language-model.ts";

/** `mask` excludes steps from the recurrence and from the loss. */
export type LanguageModelLossInput<S extends string = string> = LanguageModelInput<S> &
  Pick<CrossEntropyOptions, "labelSmoothing" | "ignoreIndex" | "weight" | "reduction">;

/** What `languageModelLoss` gives: the loss, and what else the model gives but logits. */
export interface LanguageModelLoss<S extends string = string> extends Omit<LanguageModelOutput<S>, "logits"> {
  /** Shape [], or with reduction "none" [T, B]. */
  readonly loss: Tensor;
}

/**
 * Records a language model from tokens to its cross entropy with the targets. Equal to `crossEntropy(model.forward(tokens).logits,
 * targets)`, but the logits of all steps are never in memory at once.
 * @param tokens whole numbers [T, B] in [0, V)
 * @param targets whole numbers [T, B] in [0, V)
 */
export function languageModelLoss<S extends string>(
  model: LanguageModel<S>,
  tokens: Tensor,
  targets: Tensor,
  input: LanguageModelLossInput<S> = {},
): LanguageModelLoss<S> {
  expectOptions("languageModelLoss", input, {
    initial: 1,
    hold: 1,
    mask: 1,
    trace: 1,
    reduction: 1,
    labelSmoothing: 1,
    ignoreIndex: 1,
    weight: 1,
  });
  const { initial, trace, hold, ...how } = input;
  const { output, ...rest } = model.hidden(tokens, { initial, trace, hold, mask: input.mask });
  const { graph } = output;
  const { weight, bias } = model.parts.head;
  // Quantized weights are read by a product only.
  if (graph.quantizedRanges(weight)) {
    const logits = model.parts.head.forward(output);
    return { loss: crossEntropy(logits, targets, how), ...rest };
  }
  const head = { weight: graph.parameter(weight), bias: bias && graph.parameter(bias) };
  return { loss: linearCrossEntropy(output, head, targets, how), ...rest };
}
