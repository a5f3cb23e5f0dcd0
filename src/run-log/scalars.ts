import type { TrainEvent } from "../train/events.ts";

/** The curves of a training, by the tag that they have in TensorBoard. */
export function scalarsOf(event: TrainEvent, unit: string): Record<string, number> {
  switch (event.type) {
    case "progress":
      return {
        "loss/train": event.loss,
        "optimizer/learning rate": event.learningRate,
        "optimizer/gradient norm": event.gradientNorm,
        [`speed/${unit} per second`]: event.tokensPerSecond,
      };
    case "evaluation":
    case "epoch":
      return event.validationLoss === undefined ? {} : { "loss/validation": event.validationLoss };
    default:
      return {};
  }
}
