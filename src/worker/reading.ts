import { openAblation } from "../explain/ablation.ts";
import { nearestPassages } from "../explain/nearest-passages.ts";
import { trace } from "../explain/trace.ts";
import { encoded } from "./encode.ts";
import type { OpenedText } from "./packed-model.ts";
import { lossOf, predictionsOf } from "./predictions.ts";
import type { Calls, Reading } from "./protocol.ts";

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

/** The same text with units cut and gates held: how much worse is it predicted? */
export async function readWithout(
  opened: OpenedText,
  { text, units, gates = [] }: Omit<Calls["cut"]["given"], "id">,
): Promise<Calls["cut"]["back"]> {
  const { tokens } = encoded(opened.tokenizer, text);
  const ablation = await openAblation({ ...opened, tokens });
  try {
    const whole = await ablation.loss();
    const loss = await ablation.loss([...units, ...gates]);
    return { loss, whole, predictions: predictionsOf(opened.tokenizer.tokens, tokens, await ablation.logits()) };
  } finally {
    ablation.close();
  }
}

/** Of states nearer than this in the text only the one that is most alike is shown. */
const APART = 8;
/** Tokens of a corpus that are compared. */
const MAXIMUM_CORPUS = 200_000;

/** Where the state was most like it is at a step. */
export async function readNearest(
  opened: OpenedText,
  { text, step, layer, count, corpus }: Omit<Calls["nearest"]["given"], "id">,
): Promise<Calls["nearest"]["back"]> {
  const own = encoded(opened.tokenizer, text).tokens;
  const { values } = await trace(opened, { data: own.slice(0, step + 1) }, { names: ["h"] });
  const { data, shape } = values[`h_l${layer}`]!;
  const elsewhere = corpus === undefined ? own : encoded(opened.tokenizer, corpus, MAXIMUM_CORPUS).tokens;
  const near = (k: number): boolean => corpus === undefined && Math.abs(k - step) < APART;
  const found = await nearestPassages(opened, {
    ...{ tokenizer: opened.tokenizer, corpus: elsewhere, layer, count, apart: APART, without: near },
    to: data.slice((shape[0] - 1) * shape[2]),
  });
  const places = found.map(({ similarity, before, here, after }) => ({ similarity, before, here, after }));
  return { steps: elsewhere.length, places };
}
