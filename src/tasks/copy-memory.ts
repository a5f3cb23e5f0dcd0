import { Draws } from "./draws.ts";
import type { Task } from "./task.ts";

/** Symbols to remember, kinds of them. */
const [COUNT, KINDS] = [10, 8];

/**
 * Ten symbols of eight, `blanks` blanks, a mark, then ten steps in which the ten symbols are to be said again.
 *
 * Where Arjovsky et al. ask for blanks at all other steps, nothing is asked for there.
 */
export function copyMemory(blanks: number): Task {
  const D = KINDS + 2;
  const steps = blanks + 2 * COUNT;
  return {
    name: `copy-${blanks}`,
    about: `ten symbols out of eight, and after ${blanks} steps the same ten again`,
    source: "Hochreiter & Schmidhuber (1997); as Arjovsky, Shah & Bengio (2016, arXiv:1511.06464) pose it",
    kind: "class",
    ...{ inputSize: D, outputSize: KINDS, chance: 1 },
    criterion: {
      text: "all ten symbols are correct in 99 of 100 test sequences (without memory 1 in 8¹⁰)",
      ...{ error: 0.01 },
    },
    sequence(random) {
      const draws = new Draws(random);
      const word = Array.from({ length: COUNT }, () => draws.whole(0, KINDS - 1));
      const inputs = new Float64Array(steps * D);
      const asked = new Uint8Array(steps);
      const answers = new Float64Array(steps);
      const mark = COUNT + blanks - 1;
      for (let t = 0; t < steps; t++) inputs[t * D + (t < COUNT ? word[t]! : t === mark ? KINDS + 1 : KINDS)] = 1;
      for (const [k, symbol] of word.entries()) {
        asked[COUNT + blanks + k] = 1;
        answers[COUNT + blanks + k] = symbol;
      }
      return { steps, inputs, asked, answers };
    },
  };
}
