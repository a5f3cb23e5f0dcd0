import type { Cell } from "../cells/define.ts";
import { keepingGates } from "../scan/keeping-gates.ts";

/**
 * What is added to `bias_ih` so that units begin with memories of all lengths up to `memorySteps`: log U(1, memorySteps − 1) to the gates
 * that keep the state, and taken from those that replace it.
 *
 * @param lengths H numbers from [0, 1): where between the shortest and the longest memory each unit lies
 * @returns [G·H]; zeros where no gate of the cell keeps anything
 * @see Tallec & Ollivier (2018), Can recurrent neural networks warp time?, arXiv:1804.11188
 */
export function longMemoryBias(cell: Cell, memorySteps: number, lengths: Float64Array): Float64Array {
  const added = lengths.map((u) => Math.log(1 + u * Math.max(0, memorySteps - 2)));
  const H = lengths.length;
  const bias = new Float64Array(cell.gates.length * H);
  for (const [k, sign] of keepingGates(cell).entries())
    if (sign !== 0)
      bias.set(
        added.map((value) => sign * value),
        k * H,
      );
  return bias;
}
