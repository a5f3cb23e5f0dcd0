import { gaussianLoss } from "../losses/gaussian.ts";
import { meanAbsoluteError } from "../losses/mean-absolute-error.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import { negativeBinomialLoss } from "../losses/negative-binomial.ts";
import { pinball } from "../losses/pinball.ts";
import { studentTLoss } from "../losses/student-t.ts";
import { div, type Expression, sqrt, variable } from "../math/expression.ts";
import { softplus } from "../math/functions.ts";
import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
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

/** How the outputs of a network become a prediction, and its loss. */
export interface ForecastHead {
  /** Names of the parameters, in the order of the network's outputs. */
  readonly names: readonly string[];
  /**
   * Converts the outputs of the network to predictions.
   *
   * @param raw as `names`
   * @param base what locations are added to
   * @param scale mean size of counts, [1, B, D]
   */
  prediction(raw: Prediction, base: Tensor | undefined, scale: Tensor | undefined): Prediction;
  /** Mean over the places that count, shape []. */
  loss(prediction: Prediction, y: Tensor, mask: Tensor | undefined): Tensor;
}

/** Lower bound of deviations, relative to the scale of a series. */
const LEAST = 1e-3;

const based = (raw: Tensor, base: Tensor | undefined): Tensor => (base ? add(raw, base) : raw);
const positive = (raw: Tensor, least: number): Tensor => pointwise({ raw }, add(softplus(variable("raw")), least));

/** @throws UsageError "unknown-choice", "bad-option" */
export function forecastHead({ head, pointLoss = "squared", levels = [] }: HeadOptions): ForecastHead {
  switch (expectOneOf("head", head, HEADS)) {
    case "point":
      return pointHead(expectOneOf("pointLoss", pointLoss, POINT_LOSSES));
    case "quantiles":
      return quantileHead(expectLevels(levels));
    case "gaussian":
      return {
        names: ["location", "scale"],
        prediction: ({ location, scale }, base) => ({
          location: based(location!, base),
          scale: positive(scale!, LEAST),
        }),
        loss: ({ location, scale }, y, mask) => gaussianLoss({ location: location!, scale: scale! }, y, { mask }),
      };
    case "student-t":
      return {
        names: ["location", "scale", "degreesOfFreedom"],
        prediction: ({ location, scale, degreesOfFreedom }, base) => ({
          location: based(location!, base),
          scale: positive(scale!, LEAST),
          // Above 2 the variance is finite.
          degreesOfFreedom: positive(degreesOfFreedom!, 2),
        }),
        loss: ({ location, scale, degreesOfFreedom }, y, mask) =>
          studentTLoss({ location: location!, scale: scale!, degreesOfFreedom: degreesOfFreedom! }, y, { mask }),
      };
    case "negative-binomial":
      return countHead;
  }
}

const pointHead = (loss: PointLoss): ForecastHead => ({
  names: ["value"],
  prediction: ({ value }, base) => ({ value: based(value!, base) }),
  loss: ({ value }, y, mask) => (loss === "squared" ? meanSquaredError : meanAbsoluteError)(value!, y, { mask }),
});

function quantileHead(levels: readonly number[]): ForecastHead {
  const names = levels.map(quantileName);
  return {
    names,
    prediction: (raw, base) => Object.fromEntries(names.map((name) => [name, based(raw[name]!, base)])),
    loss(prediction, y, mask) {
      const losses = levels.map((level) => pinball(prediction[quantileName(level)]!, y, { level, mask }));
      const sum = losses.reduce((a, b) => add(a, b));
      return mul(sum, 1 / levels.length);
    },
  };
}

/** Mean ν softplus(a) and dispersion softplus(b) ÷ √ν of counts whose mean size is ν (Salinas et al. 2017, arXiv:1704.04110v3, section 3.3). */
const countHead: ForecastHead = {
  names: ["mean", "dispersion"],
  prediction({ mean, dispersion }, _, scale) {
    const size: Expression = variable("scale");
    return {
      mean: pointwise({ raw: mean!, scale: scale! }, mul(size, add(softplus(variable("raw")), 1e-6))),
      dispersion: pointwise(
        { raw: dispersion!, scale: scale! },
        div(add(softplus(variable("raw")), LEAST), sqrt(size)),
      ),
    };
  },
  loss: ({ mean, dispersion }, y, mask) => negativeBinomialLoss({ mean: mean!, dispersion: dispersion! }, y, { mask }),
};

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
