import type { Cell } from "../cells/define.ts";
import { longMemoryBias } from "../layers/long-memory.ts";
import { RandomStream } from "../shared/random.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

/**
 * `memorySteps` of a recurrent layer, with draws of the study's own so that its trials stay those in the records. A cell without gates
 * that keep anything stays as it is.
 */
export async function beginWithLongMemories(
  parameters: ParameterStore,
  cell: Cell,
  { memory, seed }: { readonly memory: number; readonly seed: number },
): Promise<void> {
  const name = "rnn.bias_ih_l0";
  const values = await parameters.read(name);
  const lengths = new RandomStream(seed, "chrono initialization").uniform(values.length / cell.gates.length);
  const added = longMemoryBias(cell, memory, lengths);
  parameters.write(
    name,
    Float64Array.from(values, (value, k) => value + added[k]!),
  );
}
