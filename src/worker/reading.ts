import { type GatePlace, openAblation, type UnitPlace } from "../explain/ablation.ts";
import { effectOn } from "../explain/effect.ts";
import { nearestPassages } from "../explain/nearest-passages.ts";
import { tokenTexts } from "../explain/read-trace.ts";
import { type Trace, trace } from "../explain/trace.ts";
import type { LoadedRun } from "../run/load-run.ts";
import { expectInteger } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { encoded } from "./encode.ts";
import { APART, MAXIMUM_CORPUS, nearTo } from "./nearest.ts";
import { lossOf, predictionsOf } from "./predictions.ts";
import type { Calls, CutReading, Reading } from "./protocol.ts";

/** A language model with its tokenizer, its parameters on a machine. */
export type OpenedText = Pick<LoadedRun, "model" | "tokenizer" | "parameters">;

/** Reads a text with a model; what it does not know is left out, what is too long is cut. */
export async function readText(opened: OpenedText, text: string, names?: readonly string[]): Promise<Reading> {
  const { tokens, leftOut, cut } = encoded(opened.tokenizer, text);
  const { values, output } = await trace(opened, { data: tokens }, { names, maxBytes: 2 ** 28 });
  const predictions = predictionsOf(opened.tokenizer.vocabulary, tokens, output.data);
  return {
    ...{ leftOut, cut, predictions, outputs: [] },
    tokens: tokenTexts(tokens, opened.tokenizer),
    values: valuesOf(values),
    loss: lossOf(predictions),
  };
}

/** What was traced, as it is sent to the page. */
export const valuesOf = (traced: Trace["values"]): Reading["values"] =>
  Object.values(traced).map(({ name, layer, shape, data }) => ({
    ...{ name, layer, units: shape[2] },
    data: Float32Array.from(data),
  }));

/** The same text with units cut and gates held: how much worse is it predicted? */
export async function readWithout(
  opened: OpenedText,
  text: string,
  cut: readonly (UnitPlace | GatePlace)[],
): Promise<CutReading> {
  const { tokens } = encoded(opened.tokenizer, text);
  if (tokens.length < 2) return { loss: undefined, whole: undefined, predictions: [], outputs: [], effects: [] };
  const names = opened.tokenizer.vocabulary;
  const ablation = await openAblation({ ...opened, tokens });
  try {
    const logits = async () => ({ shape: [tokens.length - 1, names.length], data: await ablation.logits() });
    const whole = await ablation.loss();
    const before = await logits();
    const loss = await ablation.loss(cut);
    const after = await logits();
    return {
      ...{ loss, whole, outputs: [], predictions: predictionsOf(names, tokens, after.data) },
      effects: [{ name: "logits", ...effectOn(before, after, { as: "logits" }) }],
    };
  } finally {
    ablation.close();
  }
}

/** Where the state was most like it is at a step. */
export async function readNearest(
  opened: OpenedText,
  text: string,
  {
    step,
    layer,
    count,
    corpus,
    signal,
  }: Pick<Calls["nearest"]["given"], "step" | "layer" | "count"> & { corpus?: string | undefined } & Abortable,
): Promise<Calls["nearest"]["back"]> {
  expectInteger("layer", layer, { min: 0, max: opened.model.config.numLayers - 1 });
  const own = encoded(opened.tokenizer, text).tokens;
  expectInteger("step", step, { min: 0, max: own.length - 1 });
  const name = opened.model.cell.states[0]!.name;
  const { values } = await trace(opened, { data: own.slice(0, step + 1) }, { names: [name] });
  const { data, shape } = values[`${name}_l${layer}`]!;
  const elsewhere = corpus === undefined ? own : encoded(opened.tokenizer, corpus, MAXIMUM_CORPUS).tokens;
  const found = await nearestPassages(opened, {
    ...{ tokenizer: opened.tokenizer, corpus: elsewhere, layer, name, count, apart: APART, signal },
    without: corpus === undefined ? nearTo(step) : undefined,
    to: data.slice((shape[0] - 1) * shape[2]),
  });
  return { steps: elsewhere.length, places: found };
}
