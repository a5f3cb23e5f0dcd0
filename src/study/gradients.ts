import { normsOverTime } from "../explain/norms.ts";
import { trace } from "../explain/trace.ts";
import type { TaskSequence } from "../tasks/task.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { TaskNetwork } from "./network.ts";

/**
 * How much of a gradient arrives how far back: the gradient of the right answer's output at the last step, scaled to norm 1 at
 * that step's h, and its norm ‖∂L/∂h_t‖ before; the mean over sequences.
 *
 * @returns by lag: element k belongs to the k-th step before the last one
 */
export async function gradientByLag(
  network: TaskNetwork,
  parameters: ParameterStore,
  sequences: readonly TaskSequence[],
): Promise<number[]> {
  const { rnn, head } = network.parts;
  const H = rnn.options.hiddenSize;
  const weight = await parameters.read("head.weight");
  const lags = Math.min(...sequences.map(({ steps }) => steps));
  const sums = new Array<number>(lags).fill(0);
  for (const { steps, inputs, answers } of sequences) {
    const row = head.weight.shape[0] === 1 ? 0 : answers[steps - 1]!;
    const direction = Float64Array.from(weight.slice(row * H, (row + 1) * H));
    const norm = Math.hypot(...direction);
    const back = new Float64Array(steps * H);
    back.set(
      direction.map((value) => value / norm),
      (steps - 1) * H,
    );
    const { gradients } = await trace(
      { model: rnn, parameters },
      { data: inputs },
      { names: ["h"], gradients: true, outputGradient: back },
    );
    const norms = normsOverTime(gradients.h_l0!);
    for (let lag = 0; lag < lags; lag++) sums[lag]! += norms[steps - 1 - lag]! / sequences.length;
  }
  return sums;
}
