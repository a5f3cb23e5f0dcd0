import { Draws } from "./draws.ts";
import type { Task, TaskSequence } from "./task.ts";

/** Numbers from [0, 1), two of them marked: one in the first half, one in the second. The answer is asked for after the last step. */
function marked(draws: Draws, steps: number, answer: (a: number, b: number) => number): TaskSequence {
  const inputs = new Float64Array(2 * steps);
  for (let t = 0; t < steps; t++) inputs[2 * t] = draws.uniform();
  const half = Math.floor(steps / 2);
  const [first, second] = [draws.whole(0, half - 1), draws.whole(half, steps - 1)];
  for (const t of [first, second]) inputs[2 * t + 1] = 1;
  const asked = new Uint8Array(steps);
  const answers = new Float64Array(steps);
  asked[steps - 1] = 1;
  answers[steps - 1] = answer(inputs[2 * first]!, inputs[2 * second]!);
  return { steps, inputs, asked, answers };
}

const shape = { kind: "number", inputSize: 2, outputSize: 1 } as const;

/** Variance of the sum of two numbers from [0, 1): the error of always saying 1. */
export const adding = (steps: number): Task => ({
  name: `adding-${steps}`,
  about: `the sum of the two marked numbers among ${steps}`,
  source: "Hochreiter & Schmidhuber (1997), experiment 4, as Le, Jaitly & Hinton (2015, arXiv:1504.00941) pose it",
  ...shape,
  chance: 1 / 6,
  criterion: { text: "mean squared error below 0.01 on the test sequences; always saying 1 gives 0.167", error: 0.01 },
  sequence: (random) => marked(new Draws(random), steps, (a, b) => a + b),
});

/** @param error what the mean squared error must come below, and `where` that figure is from */
export const multiplication = (steps: number, error: number, where: string): Task => ({
  name: `multiplication-${steps}`,
  about: `the product of the two marked numbers among ${steps}`,
  source: "Hochreiter & Schmidhuber (1997), experiment 5, with the marks of the adding problem",
  ...shape,
  chance: 1 / 9 - 1 / 16,
  criterion: { text: `mean squared error below ${error} (${where}); always saying 1/4 gives 0.0486`, error },
  sequence: (random) => marked(new Draws(random), steps, (a, b) => a * b),
});
