import {
  abs,
  add,
  div,
  type Expression,
  erf,
  exp,
  less,
  lessEqual,
  log1p,
  max,
  mul,
  neg,
  select,
  sigmoid,
  sub,
  tanh,
} from "./expression.ts";

/** A function of one number, as an equation. */
export type Activation = (x: Expression) => Expression;

/** α and β of the functions that have such constants, where none are given: PyTorch's. Of `clamp` they are the bounds. */
export const constants = {
  affine: { alpha: 1, beta: 0 },
  clamp: { alpha: 0, beta: 6 },
  elu: { alpha: 1 },
  hardSigmoid: { alpha: 1 / 6, beta: 0.5 },
  leakyRelu: { alpha: 0.01 },
  scaledTanh: { alpha: 1, beta: 1 },
  thresholdedRelu: { alpha: 1 },
} satisfies Readonly<Record<string, { readonly alpha: number; readonly beta?: number }>>;

/** `x`, unchanged. */
export const identity: Activation = (x) => x;
/** `max(0, x)`, derivative 0 at 0; a NaN stays one. */
export const relu: Activation = (x) => select(lessEqual(x, 0), 0, x);
/** `x > 0 ? x : αx` */
export const leakyRelu =
  (alpha = constants.leakyRelu.alpha): Activation =>
  (x) =>
    select(less(x, 0), mul(alpha, x), x);
/** `x > α ? x : 0` */
export const thresholdedRelu =
  (alpha = constants.thresholdedRelu.alpha): Activation =>
  (x) =>
    select(lessEqual(x, alpha), 0, x);
/** `x > 0 ? x : α(eˣ − 1)` (Clevert et al. 2016, arXiv:1511.07289). */
export const elu =
  (alpha = constants.elu.alpha): Activation =>
  (x) =>
    select(less(0, x), x, mul(alpha, expm1(select(less(0, x), 0, x))));
/** `min(1, max(0, αx + β))`: α = 1/6 in PyTorch and Keras 3, 0.2 in ONNX, Keras 2 and TensorFlow.js; β = 0.5 in all. Derivative 0 at both ends. */
export const hardSigmoid =
  (alpha = constants.hardSigmoid.alpha, beta = constants.hardSigmoid.beta): Activation =>
  (x) =>
    saturate(0, 1)(add(mul(alpha, x), beta));
/** `log(1 + eˣ)` without overflow. The derivative at 0 is ½. */
export const softplus: Activation = (x) => add(max(x, 0), log1p(exp(neg(abs(x)))));
/** `x / (1 + |x|)` */
export const softsign: Activation = (x) => div(x, add(1, abs(x)));
/** `x Φ(x)`, Φ the normal distribution function (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
export const gelu: Activation = (x) => mul(mul(0.5, x), add(1, erf(mul(x, Math.SQRT1_2))));
/** `x σ(x)` (Elfwing et al. 2018, arXiv:1702.03118). */
export const silu: Activation = (x) => mul(x, sigmoid(x));
/** `x · hardSigmoid(x)` with the slope 1/6 (Howard et al. 2019, arXiv:1905.02244). */
export const hardSilu: Activation = (x) => mul(x, hardSigmoid()(x));
/** `x tanh(log(1 + eˣ))` (Misra 2019, arXiv:1908.08681). */
export const mish: Activation = (x) => mul(x, tanh(softplus(x)));
/** `log σ(x)` without overflow. */
export const logSigmoid: Activation = (x) => neg(softplus(neg(x)));
/** `λ elu(x)` with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017, arXiv:1706.02515). */
export const selu: Activation = (x) => mul(1.0507009873554805, elu(1.6732632423543772)(x));
/** The approximation of `gelu` by tanh. */
export const geluTanh: Activation = (x) =>
  mul(mul(0.5, x), add(1, tanh(mul(Math.sqrt(2 / Math.PI), add(x, mul(0.044715, mul(x, mul(x, x))))))));
/** `αx + β` */
export const affine =
  (alpha = constants.affine.alpha, beta = constants.affine.beta): Activation =>
  (x) =>
    add(mul(alpha, x), beta);
/** `α tanh(βx)` */
export const scaledTanh =
  (alpha = constants.scaledTanh.alpha, beta = constants.scaledTanh.beta): Activation =>
  (x) =>
    mul(alpha, tanh(mul(beta, x)));
/** `x` held between `low` and `high`; the derivative is 1 at both ends, as in PyTorch. */
export const clamp =
  (low: number, high: number): Activation =>
  (x) =>
    select(less(x, low), low, select(less(high, x), high, x));

/** As `clamp`, but the derivative is 0 at both ends. */
export const saturate =
  (low: number, high: number): Activation =>
  (x) =>
    select(lessEqual(x, low), low, select(lessEqual(high, x), high, x));

/** `eˣ − 1` for x ≤ 0, accurate near 0. */
export function expm1(x: Expression): Expression {
  const t = tanh(mul(0.5, x));
  return div(mul(2, t), sub(1, t));
}
