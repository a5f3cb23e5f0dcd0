import type { Batch } from "../data/batch-source.ts";
import { FailureError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";

export interface Breakdown {
  /** The first step that broke down, and the one after which it was noticed; from 1. */
  readonly failedAt: number;
  readonly step: number;
  readonly epoch: number;
  readonly learningRate: number;
  /** Of the last step that did not break down; undefined before. */
  readonly lastNorm: number | undefined;
  readonly clips: boolean;
  /** What the step read. */
  readonly batches: readonly Batch[];
}

/** Why a training cannot go on, what the likely cause is, and what to try. */
export function diverged(breakdown: Breakdown): FailureError {
  const { failedAt, epoch } = breakdown;
  return new FailureError(
    "diverged",
    `training diverged at step ${failedAt} (epoch ${epoch}): the loss or its gradient is no finite number. ${causeOf(breakdown)}. Updates that were not finite have been left out; what was saved before is untouched`,
  );
}

function causeOf({ failedAt, learningRate, lastNorm, clips, batches }: Breakdown): string {
  const bad = batches.map(notFinite).find((found) => found !== undefined);
  if (bad !== undefined) return `The data are the cause: ${bad}. Leave such examples out, or fill them in`;
  if (failedAt === 1)
    return "No update was made yet, so it is the weights that it began with (too large, or no numbers: check what was loaded), or the loss itself, in which a logarithm or a division meets 0";
  const clip = clips ? "a smaller clipNorm" : "clipNorm: 1";
  const norm = lastNorm === undefined ? "" : `, the norm of the gradient before ${lastNorm.toPrecision(3)}`;
  return `The usual cause is a learning rate that is too high (it was ${learningRate}${norm}): try a tenth of it, ${clip}, or fewer steps`;
}

function notFinite({ inputs }: Batch): string | undefined {
  for (const [name, values] of Object.entries(inputs)) {
    const wrong = firstNotFinite(values);
    if (wrong >= 0) return `element ${wrong} of the input "${name}" is ${values[wrong]}`;
  }
  return undefined;
}
