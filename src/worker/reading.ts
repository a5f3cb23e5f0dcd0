import { openAblation, type UnitPlace } from "../explain/ablation.ts";
import { trace } from "../explain/trace.ts";
import { encoded } from "./encode.ts";
import type { OpenedText } from "./packed-model.ts";
import { lossOf, predictionsOf } from "./predictions.ts";
import type { Reading } from "./protocol.ts";

/** Reads a text with a model; what it does not know is left out, what is too long is cut. */
export async function readText(opened: OpenedText, text: string, names?: readonly string[]): Promise<Reading> {
  const { tokens, leftOut, cut } = encoded(opened.tokenizer, text);
  const { values, output } = await trace(opened, { data: tokens }, { names, maximumBytes: 2 ** 28 });
  const predictions = predictionsOf(opened.tokenizer.tokens, tokens, output.data);
  return {
    ...{ leftOut, cut, predictions, outputs: [] },
    tokens: Array.from(tokens, (token) => opened.tokenizer.tokens[token]!),
    values: Object.values(values).map(({ name, layer, shape, data }) => ({
      ...{ name, layer, units: shape[2] },
      data: Float32Array.from(data),
    })),
    loss: lossOf(predictions),
  };
}

/** The same text with units cut: how much worse is it predicted? */
export async function readWithout(opened: OpenedText, text: string, units: readonly UnitPlace[]) {
  const { tokens } = encoded(opened.tokenizer, text);
  const ablation = await openAblation({ ...opened, tokens });
  try {
    const whole = await ablation.loss();
    const loss = await ablation.loss(units);
    return { loss, whole, predictions: predictionsOf(opened.tokenizer.tokens, tokens, await ablation.logits()) };
  } finally {
    ablation.close();
  }
}
