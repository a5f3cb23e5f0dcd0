import { formatBytes } from "../shared/shapes.ts";
import type { TrainingStart } from "../train/events.ts";
import { counted, integer } from "./format.ts";

/** What every training says of its layers. */
export const unitsOf = ({
  hiddenSize,
  numLayers,
  bidirectional = false,
}: {
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional?: boolean;
}): string =>
  `${numLayers === 1 ? "" : `${numLayers} layers of `}${hiddenSize} units${bidirectional ? " in both directions" : ""}`;

/** @param what the model is */
export const modelLine = (what: string, { parameters, bytes }: TrainingStart): string =>
  `Model: ${what}: ${integer(parameters)} parameters, ${formatBytes(bytes)} to train`;

/** @param batch what a step learns from */
export const trainingLine = (batch: string, { totalSteps, stepsPerEpoch }: TrainingStart, machine: string): string =>
  `Training: ${counted(totalSteps, "step")} of ${batch}, ${integer(stepsPerEpoch)} an epoch, on ${machine}; Ctrl-C stops and saves`;
