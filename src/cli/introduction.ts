import { formatBytes } from "../shared/shapes.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
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

/** What a model that reads tokens knows of them. */
export const vocabularyOf = ({ kind, vocabularySize }: Pick<Tokenizer, "kind" | "vocabularySize">): string =>
  `${kind} tokenizer, vocabulary of ${integer(vocabularySize)}`;

/** @param what the model is */
export const modelLine = (what: string, { parameters, bytes }: TrainingStart): string =>
  `Model: ${what}; ${counted(parameters, "parameter")}, ${formatBytes(bytes)} of memory to train`;

/** @param batch what a step learns from */
export const trainingLine = (batch: string, { totalSteps, stepsPerEpoch }: TrainingStart, machine: string): string =>
  `Training: ${counted(totalSteps, "step")} of ${batch}, ${integer(stepsPerEpoch)} per epoch, on ${machine}; Ctrl-C stops and saves`;
