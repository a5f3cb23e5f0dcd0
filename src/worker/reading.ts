import { openAblation, type UnitPlace } from "../explain/ablation.ts";
import { trace } from "../explain/trace.ts";
import { candidates } from "../run/sample.ts";
import { UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { OpenedText } from "./packed-model.ts";
import { MAXIMUM_TOKENS, type Prediction, type Reading } from "./protocol.ts";

const SHOWN = 6;

/** Reads a text with a model; what it does not know is left out, what is too long is cut. */
export async function readText(opened: OpenedText, text: string, names?: readonly string[]): Promise<Reading> {
  const { tokens, leftOut, cut } = encoded(opened.tokenizer, text);
  const { values, output } = await trace(opened, { data: tokens }, { names, maximumBytes: 2 ** 28 });
  const predictions = predictionsOf(opened.tokenizer, tokens, output.data);
  const known = predictions.flatMap(({ actual }) => (actual === undefined ? [] : [-Math.log(actual)]));
  return {
    ...{ leftOut, cut, predictions },
    tokens: Array.from(tokens, (token) => opened.tokenizer.tokens[token]!),
    values: Object.values(values).map(({ name, layer, shape, data }) => ({
      ...{ name, layer, units: shape[2] },
      data: Float32Array.from(data),
    })),
    loss: known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length,
  };
}

/** The same text with units cut: how much worse is it predicted? */
export async function readWithout(opened: OpenedText, text: string, units: readonly UnitPlace[]) {
  const { tokens } = encoded(opened.tokenizer, text);
  const ablation = await openAblation({ ...opened, tokens });
  try {
    const whole = await ablation.loss();
    const loss = await ablation.loss(units);
    return { loss, whole, predictions: predictionsOf(opened.tokenizer, tokens, await ablation.logits()) };
  } finally {
    ablation.close();
  }
}

function encoded(tokenizer: Tokenizer, text: string): { tokens: Int32Array; leftOut: string[]; cut: boolean } {
  // No text of more characters has fewer tokens than are kept, but for vocabularies of words.
  const head = text.slice(0, MAXIMUM_TOKENS * 16);
  const leftOut = new Set<string>();
  let tokens = known(tokenizer, head);
  if (!tokens) {
    const parts: Int32Array[] = [];
    for (const { segment } of new Intl.Segmenter("en", { granularity: "grapheme" }).segment(head)) {
      const part = known(tokenizer, segment);
      if (part) parts.push(part);
      else leftOut.add(segment);
    }
    tokens = Int32Array.from(parts.flatMap((part) => Array.from(part)));
  }
  if (tokens.length === 0) throw new UsageError("no-tokens", "there is no character in this text that the model knows");
  const cut = tokens.length > MAXIMUM_TOKENS || head.length < text.length;
  return { tokens: tokens.slice(0, MAXIMUM_TOKENS), leftOut: [...leftOut], cut };
}

/** The tokens of a text, undefined if there is anything in it that the vocabulary lacks. */
function known(tokenizer: Tokenizer, text: string): Int32Array | undefined {
  try {
    const tokens = tokenizer.encode(text);
    return tokenizer.unknown !== undefined && tokens.includes(tokenizer.unknown) ? undefined : tokens;
  } catch (error) {
    if (error instanceof UsageError && error.code === "unknown-token") return undefined;
    throw error;
  }
}

function predictionsOf(tokenizer: Tokenizer, tokens: Int32Array, logits: ArrayLike<number>): Prediction[] {
  const V = tokenizer.vocabularySize;
  return Array.from({ length: Math.floor(logits.length / V) }, (_, t) => {
    const row = Array.prototype.slice.call(logits, t * V, (t + 1) * V) as number[];
    const all = candidates(row);
    const next = tokens[t + 1];
    return {
      tokens: all.slice(0, SHOWN).map(({ token }) => tokenizer.tokens[token]!),
      probabilities: all.slice(0, SHOWN).map(({ probability }) => probability),
      actual: next === undefined ? undefined : (all.find(({ token }) => token === next)?.probability ?? 0),
    };
  });
}
