import { Draws } from "./draws.ts";
import { manyHot, oneHot } from "./symbols.ts";
import type { Task, TaskSequence } from "./task.ts";

export const REBER_SYMBOLS = "BTPSXVE";

/** The grammar: at each node the symbols that may come, and the node that each leads to; 0 begins, node 7 is the end. */
const NODES: readonly Readonly<Record<string, number>>[] = [
  { B: 1 },
  { T: 2, P: 3 },
  { S: 2, X: 4 },
  { T: 3, V: 5 },
  { X: 3, S: 6 },
  { P: 4, V: 6 },
  { E: 7 },
];

/** Symbols with, for each, the symbols that may follow it. */
interface Walk {
  readonly symbols: string[];
  readonly followers: string[];
}

function reber(draws: Draws): Walk {
  const walk: Walk = { symbols: [], followers: [] };
  for (let node = 0; node < NODES.length; ) {
    const symbol = draws.of(Object.keys(NODES[node]!));
    node = NODES[node]![symbol]!;
    walk.symbols.push(symbol);
    walk.followers.push(Object.keys(NODES[node] ?? {}).join(""));
  }
  return walk;
}

/** B, T or P, a string of the grammar, the same T or P again, E. */
function embedded(draws: Draws): Walk {
  const branch = draws.of(["T", "P"]);
  const { symbols, followers } = reber(draws);
  return {
    symbols: ["B", branch, ...symbols, branch, "E"],
    // After the inner string comes the branch that was seen before it: this is what has to be remembered.
    followers: ["TP", "B", ...followers.slice(0, -1), branch, "E", ""],
  };
}

/** The next symbol at each of the first `steps` steps. */
function predicting({ symbols, followers }: Walk, steps: number): TaskSequence {
  return {
    steps,
    inputs: oneHot(symbols.slice(0, steps), REBER_SYMBOLS),
    asked: new Uint8Array(steps).fill(1),
    answers: Float64Array.from({ length: steps }, (_, t) => REBER_SYMBOLS.indexOf(symbols[t + 1]!)),
    possible: manyHot(followers.slice(0, steps), REBER_SYMBOLS),
  };
}

const common = {
  kind: "next",
  inputSize: REBER_SYMBOLS.length,
  outputSize: REBER_SYMBOLS.length,
  // What comes last but one cannot be known without memory, and the two branches are equally likely.
  chance: 1,
} as const;

export const embeddedReber: Task = {
  name: "embedded-reber",
  about: "predict the next symbol of strings of the embedded Reber grammar; the last but one is the same as the second",
  source: "Hochreiter & Schmidhuber (1997), experiment 1; Smith & Zipser (1989), Cleeremans et al. (1989)",
  ...common,
  criterion: {
    text: "the possible symbols have the highest outputs at every step of all 256 test strings (1997)",
    error: 0,
  },
  sequence(random) {
    const walk = embedded(new Draws(random));
    return predicting(walk, walk.symbols.length - 1);
  },
};

const STREAM = 200;

export const continualReber: Task = {
  name: "continual-reber",
  about: `such strings one after the other in streams of ${STREAM} symbols; nothing says where one ends`,
  source: "Gers, Schmidhuber & Cummins (2000)",
  ...common,
  criterion: {
    text: "the possible symbols have the highest outputs at every step of all 256 test streams (2000: of ten streams of 100,000 symbols)",
    error: 0,
  },
  sequence(random) {
    const draws = new Draws(random);
    const walk: Walk = { symbols: [], followers: [] };
    while (walk.symbols.length <= STREAM) {
      const { symbols, followers } = embedded(draws);
      walk.symbols.push(...symbols);
      walk.followers.push(...followers.slice(0, -1), "B");
    }
    return predicting(walk, STREAM);
  },
};
