import type { Calibration } from "../models/calibration.ts";

/** What a calibration does, in words. */
export const calibrationInWords = ({ temperature, threshold }: Calibration): string =>
  [
    `temperature ${temperature.toPrecision(4)}`,
    ...(threshold
      ? [`${JSON.stringify(threshold.label)} from a probability of ${threshold.probability.toFixed(4)} on`]
      : []),
  ].join("; ");
