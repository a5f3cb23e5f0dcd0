import type { TrainEvent } from "../train/events.ts";

/**
 * The curves of a training, by the tag that they have in TensorBoard.
 *
 * @param unit What batches count, as the speed is in it: "tokens".
 */
export function scalarsOf(event: TrainEvent, unit: string): Record<string, number> {
  switch (event.type) {
    case "progress":
      return {
        "loss/train": event.loss,
        "optimizer/learning rate": event.learningRate,
        "optimizer/gradient norm": event.gradientNorm,
        [`speed/${unit} per second`]: event.itemsPerSecond,
      };
    case "evaluation":
    case "epoch":
      return Object.fromEntries(
        Object.entries(event.metrics ?? {}).map(([name, value]) => [`${name}/validation`, value]),
      );
    default:
      return {};
  }
}
