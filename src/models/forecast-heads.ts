import { gaussianLoss } from "../losses/gaussian.ts";
import { meanAbsoluteError } from "../losses/mean-absolute-error.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import { negativeBinomialLoss } from "../losses/negative-binomial.ts";
import { pinball } from "../losses/pinball.ts";
import { studentTLoss } from "../losses/student-t.ts";
import { div, type Expression, sqrt, variable } from "../math/expression.ts";
import { softplus } from "../math/functions.ts";
import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { mapValues } from "../shared/records.ts";
import { add, mul } from "../tensor/arithmetic.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";

export const HEADS = ["point", "quantiles", "gaussian", "student-t", "negative-binomial"] as const;
/** What is predicted for each value. */
export type HeadName = (typeof HEADS)[number];
export const POINT_LOSSES = ["squared", "absolute"] as const;
/** What a point minimizes: the mean squared error (it becomes the mean) or the mean absolute one (it becomes the median). */
export type PointLoss = (typeof POINT_LOSSES)[number];

/** What the head of a forecaster is made of. */
export interface HeadOptions {
  /** What is predicted of each value. */
  readonly head: HeadName;
  /** The loss of the head "point": "squared" (default; it predicts means) or "absolute" (medians). */
  readonly pointLoss?: PointLoss | undefined;
  /** Of "quantiles", above 0 and below 1, ascending. */
  readonly levels?: readonly number[] | undefined;
}

/** Parameters of the predictions by name, each [H, B, D]. */
export type Prediction = Readonly<Record<string, Tensor>>;

/** What a parameter of a prediction is: a place among the values, or a size, which is above a least one. */
export interface ParameterForm {
  /** Of a size, softplus(raw) + `least`. Undefined: a place, raw + what locations are added to. */
  readonly least?: number;
  /** By which power of the scale of its series a size grows. Default 1. */
  readonly power?: 1 | 0 | -0.5;
}

/** How the outputs of a network become a prediction, and its loss. */
export interface ForecastHead {
  /** By the names of the parameters, in the order of the network's outputs. */
  readonly forms: Readonly<Record<string, ParameterForm>>;
  /** Whether the network predicts in the units of the series: counts. Default false: of scaled values. */
  readonly inUnits?: boolean;
  /** Mean over the places that count, shape []. */
  loss(prediction: Prediction, y: Tensor, mask: Tensor | undefined): Tensor;
}

/** Lower bound of deviations, relative to the scale of a series. */
const LEAST = 1e-3;

const place: ParameterForm = {};

/** A size of scaled values as one of a series of this scale. */
export function scaledSize(size: Expression, scale: Expression, { power = 1 }: ParameterForm): Expression {
  if (power === 0) return size;
  return power === 1 ? mul(scale, size) : div(size, sqrt(scale));
}

/**
 * Records the predictions from the outputs of the network.
 *
 * @param raw by the names of the head's parameters
 * @param base what locations are added to
 * @param scale of counts, their mean size, [1, B, D]
 */
export function predictionOf(
  { forms, inUnits }: ForecastHead,
  raw: Prediction,
  base: Tensor | undefined,
  scale: Tensor | undefined,
): Prediction {
  return mapValues(raw, (one, name) => {
    const form = forms[name]!;
    if (form.least === undefined) return base ? add(one, base) : one;
    const size = add(softplus(variable("raw")), form.least);
    if (!inUnits) return pointwise({ raw: one }, size);
    return pointwise({ raw: one, scale: scale! }, scaledSize(size, variable("scale"), form));
  });
}

/** @throws UsageError "unknown-choice", "bad-option" */
export function forecastHead({ head, pointLoss = "squared", levels = [] }: HeadOptions): ForecastHead {
  switch (expectOneOf("head", head, HEADS)) {
    case "point":
      return pointHead(expectOneOf("pointLoss", pointLoss, POINT_LOSSES));
    case "quantiles":
      return quantileHead(expectLevels(levels));
    case "gaussian":
      return {
        forms: { location: place, scale: { least: LEAST } },
        loss: ({ location, scale }, y, mask) => gaussianLoss({ location: location!, scale: scale! }, y, { mask }),
      };
    case "student-t":
      return {
        // Above 2 the variance is finite.
        forms: { location: place, scale: { least: LEAST }, degreesOfFreedom: { least: 2, power: 0 } },
        loss: ({ location, scale, degreesOfFreedom }, y, mask) =>
          studentTLoss({ location: location!, scale: scale!, degreesOfFreedom: degreesOfFreedom! }, y, { mask }),
      };
    case "negative-binomial":
      return countHead;
  }
}

const pointHead = (loss: PointLoss): ForecastHead => ({
  forms: { value: place },
  loss: ({ value }, y, mask) => (loss === "squared" ? meanSquaredError : meanAbsoluteError)(value!, y, { mask }),
});

function quantileHead(levels: readonly number[]): ForecastHead {
  return {
    forms: Object.fromEntries(levels.map((level) => [quantileName(level), place])),
    loss(prediction, y, mask) {
      const losses = levels.map((level) => pinball(prediction[quantileName(level)]!, y, { level, mask }));
      return mul(
        losses.reduce((a, b) => add(a, b)),
        1 / levels.length,
      );
    },
  };
}

/** Mean ν softplus(a) and dispersion softplus(b) ÷ √ν of counts whose mean size is ν (Salinas et al. 2017, arXiv:1704.04110v3, section 3.3). */
const countHead: ForecastHead = {
  forms: { mean: { least: 1e-6 }, dispersion: { least: LEAST, power: -0.5 } },
  inUnits: true,
  loss: ({ mean, dispersion }, y, mask) => negativeBinomialLoss({ mean: mean!, dispersion: dispersion! }, y, { mask }),
};

/**
 * Where the median lies among ascending quantiles, `(1 − share) · values[low] + share · values[high]`: interpolated linearly between the
 * neighbouring levels if it was not learned, or the nearest level if there is only one side.
 */
export function medianPlace(levels: readonly number[]): {
  readonly low: number;
  readonly high: number;
  readonly share: number;
} {
  const above = levels.findIndex((level) => level >= 0.5);
  const high = above < 0 ? levels.length - 1 : above;
  const low = above > 0 ? above - 1 : high;
  return { low, high, share: low === high ? 0 : (0.5 - levels[low]!) / (levels[high]! - levels[low]!) };
}

export const quantileName = (level: number): string => `q${level}`;

/** @throws UsageError "bad-option" */
export function expectLevels(levels: unknown): readonly number[] {
  const right =
    Array.isArray(levels) &&
    levels.length > 0 &&
    levels.every((level, k) => level > 0 && level < 1 && (k === 0 || level > levels[k - 1]));
  if (right) return levels;
  throw new UsageError(
    "bad-option",
    `quantiles: expected ascending numbers above 0 and below 1, got ${Array.isArray(levels) ? JSON.stringify(levels) : describe(levels)}`,
  );
}
