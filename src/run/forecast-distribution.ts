import { erf, evaluate } from "../math/evaluate.ts";
import { add, div, type Expression, log1p, max, min, mul, sub, variable } from "../math/expression.ts";
import { logGammaRatio } from "../math/log-gamma.ts";
import { type ForecastHead, forecastHead, medianPlace, quantileName } from "../models/forecast-heads.ts";
import type { SequenceForecasterConfig } from "../models/sequence-forecaster.ts";
import { UsageError } from "../shared/errors.ts";
import { mapValues } from "../shared/records.ts";
import { sortingNetwork } from "../shared/sorting-network.ts";

/** Parameters of one predicted value by name, as the head of its network names them. */
export type Parameters = Readonly<Record<string, number>>;

/** A predicted distribution. */
export interface Distribution {
  /** The point forecast: the mean of a distribution, the median of quantiles, or the point itself. */
  point(parameters: Parameters): number;
  /** The same as an expression over the parameters, for gradients. */
  readonly pointOf: Expression;
  /** Undefined: nothing is known but a point. */
  readonly quantile: ((parameters: Parameters, level: number) => number) | undefined;
  /** The parameters of `center + scale · value`. */
  moved(parameters: Parameters, center: number, scale: number): Parameters;
}

/** The distribution that the parameters of a head stand for. */
export function distributionOf({ head, levels = [] }: Pick<SequenceForecasterConfig, "head" | "levels">): Distribution {
  const moved = movedBy(forecastHead({ head, levels }));
  switch (head) {
    case "point":
      return { ...pointAt("value"), quantile: undefined, moved };
    case "quantiles":
      return {
        ...medianOf(levels),
        quantile: (parameters, level) => ascending(parameters, levels)[indexOf(levels, level)]!,
        moved,
      };
    case "gaussian":
      return {
        ...pointAt("location"),
        quantile: ({ location, scale }, level) => location! + scale! * normalQuantile(level),
        moved,
      };
    case "student-t":
      return {
        ...pointAt("location"),
        quantile: ({ location, scale, degreesOfFreedom }, level) =>
          location! + scale! * studentTQuantile(degreesOfFreedom!, level),
        moved,
      };
    case "negative-binomial":
      return { ...pointAt("mean"), quantile: negativeBinomialQuantile, moved };
  }
}

/** What a network says of scaled values, of the values themselves. */
function movedBy({ forms, inUnits }: ForecastHead): Distribution["moved"] {
  if (inUnits) return (parameters) => parameters;
  return (parameters, center, scale) =>
    mapValues(parameters, (value, name) => {
      const { least, power = 1 } = forms[name]!;
      return least === undefined ? center + scale * value : scale ** power * value;
    });
}

/** Quantiles are learned one by one and may cross; in order they are never worse (Chernozhukov et al. 2010, arXiv:0704.3649). */
const ascending = (parameters: Parameters, levels: readonly number[]): number[] =>
  levels.map((level) => parameters[quantileName(level)]!).sort((a, b) => a - b);

type Point = Pick<Distribution, "point" | "pointOf">;

const pointAt = (name: string): Point => ({ point: (parameters) => parameters[name]!, pointOf: variable(name) });

/** The median of quantiles. */
function medianOf(levels: readonly number[]): Point {
  const { low, high, share } = medianPlace(levels);
  const sorted = sortedExpressions(levels.map((level) => variable(quantileName(level))));
  return {
    point(parameters) {
      const values = ascending(parameters, levels);
      return (1 - share) * values[low]! + share * values[high]!;
    },
    pointOf: add(mul(1 - share, sorted[low]!), mul(share, sorted[high]!)),
  };
}

/** Sorts expressions in ascending order. */
function sortedExpressions(values: readonly Expression[]): readonly Expression[] {
  const sorted = [...values];
  for (const [low, high] of sortingNetwork(values.length)) {
    const [a, b] = [sorted[low]!, sorted[high]!];
    [sorted[low], sorted[high]] = [min(a, b), max(a, b)];
  }
  return sorted;
}

function indexOf(levels: readonly number[], level: number): number {
  const at = levels.indexOf(level);
  if (at >= 0) return at;
  throw new UsageError(
    "unknown-quantile",
    `quantile ${level}: the model has learned ${levels.join(", ")} and no other; train with the levels that are needed, or with a distribution (--head)`,
  );
}

/** The x at which an ascending function reaches `level`. */
function invert(cdf: (x: number) => number, level: number): number {
  let [low, high] = [-1, 1];
  while (cdf(low) > level && low > -1e12) low *= 2;
  while (cdf(high) < level && high < 1e12) high *= 2;
  for (let k = 0; k < 80 && high - low > 1e-12 * Math.max(1, Math.abs(low)); k++) {
    const middle = (low + high) / 2;
    if (cdf(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export const normalQuantile = (level: number): number => invert((x) => 0.5 * (1 + erf(x * Math.SQRT1_2)), level);

export function studentTQuantile(degreesOfFreedom: number, level: number): number {
  const tail = incompleteBeta(degreesOfFreedom / 2, 0.5);
  return invert((t) => {
    const whole = degreesOfFreedom + t * t;
    const beyond = 0.5 * tail(degreesOfFreedom / whole, (t * t) / whole);
    return t > 0 ? 1 - beyond : beyond;
  }, level);
}

/** Quantiles of larger means are scaled from those of this mean: exact to a relative error of about its inverse. */
const MANY = 1e5;

const [c, r, odds] = [variable("c"), variable("r"), variable("odds")];
/** −log of the probability of a count c; the odds are αμ. */
const surprisal = sub(
  add(logGammaRatio(1, c), add(mul(c, log1p(div(1, odds))), mul(r, log1p(odds)))),
  logGammaRatio(r, c),
);

/** The smallest count whose cumulative probability reaches `level`. */
export function negativeBinomialQuantile({ mean, dispersion }: Parameters, level: number): number {
  const [mu, alpha] = [mean!, dispersion!];
  const deviation = Math.sqrt(mu + alpha * mu * mu);
  if (mu > MANY) {
    // Scaled from MANY with the same relative deviation; where that is too small for a negative binomial, it is close to normal.
    const spread = alpha + 1 / mu - 1 / MANY;
    if (spread < 1 / MANY) return Math.max(0, Math.round(mu + deviation * normalQuantile(level)));
    return Math.round((mu / MANY) * negativeBinomialQuantile({ mean: MANY, dispersion: spread }, level));
  }
  // The probability below nine deviations is lost in rounding.
  let count = Math.max(0, Math.floor(mu - 9 * deviation));
  const at: Record<string, number> = { c: count, r: 1 / alpha, odds: alpha * mu };
  // At 0, where small means begin, in closed form: this is computed for each draw of a path.
  const [start] = count === 0 ? [at.r! * Math.log1p(at.odds!)] : evaluate([surprisal], (name) => at[name]!);
  const share = (alpha * mu) / (1 + alpha * mu);
  let probability = Math.exp(-start!);
  let below = probability;
  while (below < level && probability > 1e-18 * below) {
    probability *= ((count + at.r!) / (count + 1)) * share;
    count += 1;
    below += probability;
  }
  return count;
}

const [a, b] = [variable("a"), variable("b")];
/** log Γ(a) + log Γ(b) − log Γ(a + b), of the same equation that the losses have. */
const logBeta = sub(logGammaRatio(1, sub(b, 1)), logGammaRatio(a, b));

/**
 * The regularised incomplete beta function I_x(p, q) as a function of x, and of 1 − x where more of its digits are known.
 * @see Abramowitz & Stegun (1964), 26.5.8; the continued fraction is evaluated from its end
 */
export function incompleteBeta(p: number, q: number): (x: number, rest?: number) => number {
  const [log] = evaluate([logBeta], (name) => (name === "a" ? p : q));
  const lower = (x: number, rest: number, s: number, t: number): number => {
    let fraction = 1;
    for (let m = 60; m >= 1; m--) {
      const even = (m * (t - m) * x) / ((s + 2 * m - 1) * (s + 2 * m));
      const odd = -((s + m - 1) * (s + t + m - 1) * x) / ((s + 2 * m - 2) * (s + 2 * m - 1));
      fraction = 1 + odd / (1 + even / fraction);
    }
    return Math.exp(s * Math.log(x) + t * (x < rest ? Math.log1p(-x) : Math.log(rest)) - log!) / (s * fraction);
  };
  return (x, rest = 1 - x) => {
    if (x <= 0) return 0;
    if (rest <= 0) return 1;
    return x < (p + 1) / (p + q + 2) ? lower(x, rest, p, q) : 1 - lower(rest, x, q, p);
  };
}
