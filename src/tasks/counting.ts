import { Draws } from "./draws.ts";
import { manyHot, oneHot } from "./symbols.ts";
import type { Task, TaskSequence } from "./task.ts";

/**
 * Strings of S, then n times each of some letters, then T. After S and within the first letters more than one symbol may come; from
 * the second letter on, only one who has counted knows what does.
 */
function counting(letters: string, largest: number): Task {
  const alphabet = `S${letters}T`;
  const superscript = [...letters].map((letter) => `${letter}ⁿ`).join("");
  function ofSize(n: number): TaskSequence {
    const blocks = [...letters].map((letter) => letter.repeat(n)).join("");
    const symbols = ["S", ...blocks];
    const sets = symbols.map((symbol, t) => {
      if (symbol === "S") return letters[0]!;
      return symbol === letters[0] ? letters.slice(0, 2) : (blocks[t] ?? "T");
    });
    const steps = symbols.length;
    return {
      steps,
      inputs: oneHot(symbols, alphabet),
      asked: new Uint8Array(steps).fill(1),
      answers: Float64Array.from(manyHot(sets, alphabet)),
    };
  }
  return {
    name: [...letters].map((letter) => `${letter}n`).join(""),
    about: `strings ${superscript} with n from 1 to ${largest}: after each symbol predict which ones may come next`,
    source:
      "Gers & Schmidhuber (2001), LSTM recurrent networks learn simple context-free and context-sensitive languages",
    kind: "set",
    ...{ inputSize: alphabet.length, outputSize: alphabet.length, chance: 1 },
    criterion: {
      text: `exactly the possible symbols have a probability above 0.5, at every step of every string with n up to ${largest} (2001)`,
      error: 0,
    },
    sequence: (random) => ofSize(new Draws(random).whole(1, largest)),
    ofSize,
  };
}

export const anbn = counting("ab", 10);
export const anbncn = counting("abc", 10);
