import { candidates } from "../run/sample.ts";
import type { TokenPrediction } from "./protocol.ts";

const SHOWN = 6;

/** What is thought likely after each step, from logits [T, V]. `names` are the tokens as they are shown. */
export function predictionsOf(
  names: readonly string[],
  tokens: ArrayLike<number>,
  logits: ArrayLike<number>,
): TokenPrediction[] {
  const V = names.length;
  return Array.from({ length: Math.floor(logits.length / V) }, (_, t) => {
    const row = Array.prototype.slice.call(logits, t * V, (t + 1) * V) as number[];
    const all = candidates(row);
    const next = tokens[t + 1];
    return {
      tokens: all.slice(0, SHOWN).map(({ token }) => names[token]!),
      probabilities: all.slice(0, SHOWN).map(({ probability }) => probability),
      actual: next === undefined ? undefined : (all.find(({ token }) => token === next)?.probability ?? 0),
    };
  });
}

/** Mean nats per token, undefined where nothing was predicted. */
export function lossOf(predictions: readonly TokenPrediction[]): number | undefined {
  const known = predictions.flatMap(({ actual }) => (actual === undefined ? [] : [-Math.log(actual)]));
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length;
}
