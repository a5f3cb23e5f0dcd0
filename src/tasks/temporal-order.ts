import { Draws } from "./draws.ts";
import { oneHot } from "./symbols.ts";
import type { Task } from "./task.ts";

/** E begins, B ends, X and Y count, a to d are noise. */
const SYMBOLS = "EBXYabcd";

/**
 * X or Y at a few places that vary within `windows`, noise elsewhere: say at the end which came in which order. Length 100 to 110.
 */
function temporalOrder(name: string, windows: readonly (readonly [number, number])[], experiment: string): Task {
  const classes = 2 ** windows.length;
  return {
    name,
    about: `the order of X and Y, at ${windows.length} places among 100 to 110 symbols: ${classes} classes`,
    source: `Hochreiter & Schmidhuber (1997), experiment ${experiment}`,
    kind: "class",
    ...{ inputSize: SYMBOLS.length, outputSize: classes, chance: 1 - 1 / classes },
    criterion: {
      text: "the correct class has a probability above 0.7 in all test sequences (1997: no output off by more than 0.3)",
      ...{ error: 0, confidence: 0.7 },
    },
    sequence(random) {
      const draws = new Draws(random);
      const steps = draws.whole(100, 110);
      const symbols = Array.from({ length: steps }, () => draws.of(["a", "b", "c", "d"]));
      [symbols[0], symbols[steps - 1]] = ["E", "B"];
      let answer = 0;
      for (const [low, high] of windows) {
        const bit = draws.whole(0, 1);
        symbols[draws.whole(low, high)] = "XY"[bit]!;
        answer = 2 * answer + bit;
      }
      const asked = new Uint8Array(steps);
      const answers = new Float64Array(steps);
      asked[steps - 1] = 1;
      answers[steps - 1] = answer;
      return { steps, inputs: oneHot(symbols, SYMBOLS), asked, answers };
    },
  };
}

const [EARLY, MIDDLE, LATE] = [[10, 20] as const, [33, 43] as const, [66, 76] as const];

/** X or Y twice. */
export const temporalOrder3 = temporalOrder("temporal-order-3", [EARLY, [50, 60]], "6a");
/** X or Y three times. */
export const temporalOrder4 = temporalOrder("temporal-order-4", [EARLY, MIDDLE, LATE], "6b");
