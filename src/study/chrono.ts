import type { Cell } from "../cells/define.ts";
import { RandomStream } from "../shared/random.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

/** Gates whose opening keeps (1) or replaces (−1) the state, by cell; without an entry those of the LSTM. */
const KEEPS: Readonly<Record<string, Readonly<Record<string, 1 | -1>>>> = {
  gru: { z: 1 },
  "min-gru": { z: -1 },
};
const LSTM = { f: 1, i: -1 } as const;

/**
 * Biases of gates drawn so that units begin with memories of all lengths up to `memory` steps: log U(1, memory − 1) is added to the
 * gates that keep the state and taken from those that replace it. A cell without gates stays as it is.
 *
 * @see Tallec & Ollivier (2018), Can recurrent neural networks warp time?, arXiv:1804.11188
 */
export async function beginWithLongMemories(
  parameters: ParameterStore,
  cell: Cell,
  { memory, seed }: { readonly memory: number; readonly seed: number },
): Promise<void> {
  const signs: Readonly<Record<string, number>> = KEEPS[cell.name] ?? LSTM;
  const name = "rnn.bias_ih_l0";
  const values = Float64Array.from(await parameters.read(name));
  const H = values.length / cell.gates.length;
  const lengths = new RandomStream(seed, "chrono initialization").uniform(H);
  for (const [k, gate] of cell.gates.entries())
    for (let unit = 0; unit < H; unit++)
      values[k * H + unit]! += (signs[gate.name] ?? 0) * Math.log(1 + lengths[unit]! * (memory - 2));
  parameters.write(name, values);
}
