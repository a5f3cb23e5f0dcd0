import { Draws } from "./draws.ts";
import type { Task } from "./task.ts";

/**
 * x or y, then always the same `lag` − 1 symbols, then the first symbol again: without noise, so that only what came first tells the
 * last.
 */
export function longLag(lag: number): Task {
  const symbols = lag + 1;
  return {
    name: `long-lag-${lag}`,
    about: `x or y, ${lag - 1} symbols that are always the same, x or y again: predict each next symbol`,
    source: "Hochreiter & Schmidhuber (1997), experiment 2a",
    kind: "class",
    ...{ inputSize: symbols, outputSize: symbols, chance: 1 },
    criterion: {
      text: "every next symbol has a probability above 0.75 in all test sequences (1997: no output off by more than 0.25)",
      ...{ error: 0, confidence: 0.75 },
    },
    sequence(random) {
      const first = new Draws(random).whole(0, 1);
      const row = Float64Array.from({ length: lag + 1 }, (_, t) => (t === 0 || t === lag ? first : t + 1));
      const inputs = new Float64Array(lag * symbols);
      for (let t = 0; t < lag; t++) inputs[t * symbols + row[t]!] = 1;
      return { steps: lag, inputs, asked: new Uint8Array(lag).fill(1), answers: row.slice(1) };
    },
  };
}
