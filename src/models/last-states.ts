import type { Tensor } from "../tensor/graph.ts";
import { concatenate, reshape, slice } from "../tensor/operations.ts";

/** Of the states after the last step, [L · directions, B, W], those of the last layer side by side, [B, directions · W]. */
export function lastStates(states: Tensor, directions = 1): Tensor {
  const [count, batch, width] = states.shape as [number, number, number];
  const parts = Array.from({ length: directions }, (_, k) => {
    const at = count - directions + k;
    return reshape(slice(states, 0, at, at + 1), [batch, width]);
  });
  return parts.length === 1 ? parts[0]! : concatenate(parts, 1);
}
