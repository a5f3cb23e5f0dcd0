import { add, div, type Expression, log, log1p, mul, sub, type Term } from "./expression.ts";

/** By so much the recurrence Γ(z + 1) = z Γ(z) lifts an argument, so that the series needs few terms. */
export const LIFT = 8;
/** Coefficients B₂ₖ / (2k (2k − 1)) of 1/z²ᵏ⁻¹; from z = 8 on what is left out is below 1e-15. */
const SERIES = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156] as const;

/**
 * `log Γ(x + d) − log Γ(x)` for x > 0 and x + d > 0: what likelihoods ask of the gamma function. As one difference nothing large
 * cancels, not even in float32 with x in the millions; `logGammaRatio(1, d)` is log Γ(1 + d). Its derivatives, differences of
 * digamma functions, are derived like any other.
 *
 * @see Abramowitz & Stegun (1964), 6.1.41, Stirling's series
 */
export function logGammaRatio(x: Term, d: Term): Expression {
  const low = add(x, LIFT);
  const high = add(low, d);
  // (z − ½) log z − z at both ends, as one difference.
  const stirling = add(mul(sub(high, 0.5), log1p(div(d, low))), mul(d, sub(log(low), 1)));
  return add(stirling, beyondStirling(x, d));
}

/** What `logGammaRatio` is beside the difference of (z − ½) log z − z between z = x + LIFT and x + d + LIFT. */
export function beyondStirling(x: Term, d: Term): Expression {
  // Γ(z) of both, lifted to z + LIFT: the factors passed on the way are (x + d + k) / (x + k).
  let passed: Expression = log1p(div(d, x));
  for (let k = 1; k < LIFT; k++) passed = add(passed, log1p(div(d, add(x, k))));
  const low = add(x, LIFT);
  return sub(sub(rest(add(low, d)), rest(low)), passed);
}

/** The series of Stirling's formula behind its first terms. */
function rest(z: Expression): Expression {
  const inverse = div(1, z);
  const squared = mul(inverse, inverse);
  const sum = SERIES.reduceRight<Term>((above, coefficient) => add(coefficient, mul(squared, above)), 0);
  return mul(inverse, sum);
}
