import type { Code } from "./code.ts";
import { f32x4, i32, i32x4, v128 } from "./instructions.ts";
import type { Vectors } from "./vectors.ts";

// Transcendental functions on four float32, by minimax polynomials and rationals in the manner of Cephes (Moshier 1984).
// The coefficients were fitted for this project (least squares, reweighted until the error is level); their own error is
// below 4e-9 everywhere, so what remains is the rounding of the float32 operations. Largest errors over 20,000 points of
// all magnitudes, in units in the last place, with one rounding per multiply-add | with two:
//
//   exponential 1.2 | 1.2   sigmoid 3.1 | 3.1   tanh 4.0 | 5.1   erf 4.0 | 6.0   logarithm 0.8 | 0.8   logarithm1p 1.5 | 1.5
//
// (5 of these units are 3e-7 near 1.) A NaN gives NaN; the exact cases (infinities, zeros, saturation) are listed with each function.

/** ln 2 = HIGH + LOW, where n · HIGH is exact for |n| < 512. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444005e-4;
/** Added to a small number, leaves its nearest whole number in the lowest bits. */
const ROUND = 12582912;
/** `(e^r − 1 − r) / r²` for |r| ≤ ln2 / 2. */
const EXP = [0.499999934112, 0.16666520095, 0.0416683944756, 0.00836878159999, 0.00138144543863];

/** `e^x = scaled by 2^n of the result`: n in the lowest bits of `shifted`; |x| below 2²⁰. */
function reduced(v: Vectors, x: Code): { shifted: Code; power: Code } {
  const shifted = v.keep(v.mac(x, v.constant(Math.LOG2E), v.constant(ROUND)));
  const n = v.keep(f32x4.sub(shifted, v.constant(ROUND)));
  const r = v.keep(v.nmac(n, v.constant(LN2_LOW), v.nmac(n, v.constant(LN2_HIGH), x)));
  const power = v.mac(v.polynomial(r, EXP), f32x4.mul(r, r), f32x4.add(r, v.constant(1)));
  return { shifted, power: v.keep(power) };
}

/** A NaN stays. The pseudo-minimum and -maximum are one instruction where `min` and `max` take eight. */
const clamp = (v: Vectors, x: Code, low: number, high: number): Code =>
  v.keep(f32x4.pmax(f32x4.pmin(x, v.constant(high)), v.constant(low)));

/**
 * `e^x`: ∞ above 88.73, 0 below −87, exactly 1 at 0. Below −87 the result would soon be a denormal number, which takes processors some hundred
 * cycles: a CRF of 157 tags, most of whose arcs are forbidden (−1e30), took eight times as long when all of them went that way.
 */
export function exponential(v: Vectors, x: Code): Code {
  const { shifted, power } = reduced(v, clamp(v, x, -87.3, 89));
  // 2ⁿ⁻¹ is a number for n = 128, where 2ⁿ is not, and 0 for n = −126.
  return f32x4.mul(f32x4.add(power, power), i32x4.shl(i32x4.add(shifted, v.word(126)), i32.const(23)));
}

/**
 * `1 / (1 + e^−x)`: 1 from 17.4 on, 0 below −88.4, where 2ⁿ is ∞. If it ended at the least normal number, all products with it would be denormal:
 * a training that had diverged took twenty times as long.
 */
export function sigmoid(v: Vectors, x: Code): Code {
  const { shifted, power } = reduced(v, clamp(v, v.keep(f32x4.neg(x)), -87.3, 89));
  // A product, although adding to the bits of the exponent would cost less: that turns some NaNs into numbers.
  const e = f32x4.mul(power, i32x4.shl(i32x4.add(shifted, v.word(127)), i32.const(23)));
  return f32x4.div(v.constant(1), f32x4.add(e, v.constant(1)));
}

/**
 * `x · P(x²) / Q(x²)` for functions that go to ±1: odd as it stands. `end` is a number at which the float32 operations give
 * exactly 1, fused or not; further out x is taken to be there, and rounding on the way is not let past 1.
 */
function saturating(v: Vectors, x: Code, end: number, p: readonly number[], q: readonly number[]): Code {
  const near = clamp(v, x, -end, end);
  const square = v.keep(f32x4.mul(near, near));
  const above = v.keep(f32x4.mul(near, v.polynomial(square, p)));
  return clamp(v, f32x4.div(above, v.polynomial(square, q)), -1, 1);
}

const TANH_P = [0.999999999677, 0.137262473565, 0.00392668182843, 2.92060044513e-5, 3.3574353427e-8, -1.4549460685e-11];
const TANH_Q = [1, 0.470595803458, 0.0274586224033, 0.000404222212067, 1.37243311867e-6];
/** Odd; ±1 from 8 on; x itself for small x. */
export const tanh = (v: Vectors, x: Code): Code => saturating(v, x, 7.997, TANH_P, TANH_Q);

const ERF_P = [
  1.12837916912, 0.185141150003, 0.054243829177, 0.00383874076698, 0.000376722939769, 4.60813777981e-6,
  -1.27945679152e-8,
];
const ERF_Q = [1, 0.497410477793, 0.113875357939, 0.0154301594939, 0.00130150045633, 6.23887955187e-5];
/** Odd; ±1 from 3.92 on. */
export const erf = (v: Vectors, x: Code): Code => saturating(v, x, 3.9188, ERF_P, ERF_Q);

/** `(log(1 + f) − f + f²/2) / f³` for 1 + f between √½ and √2. */
const LOG = [
  0.333333125955, -0.250000096168, 0.20002119143, -0.166679951464, 0.142195432615, -0.124055972235, 0.118882320949,
  -0.116756233685, 0.0674645482394,
];
const SQRT_HALF_BITS = 0x3f3504f3;

/** −∞ at ±0, NaN below, ∞ at ∞; right for denormal numbers too. */
export function logarithm(v: Vectors, x: Code): Code {
  const small = v.keep(f32x4.lt(x, v.word(0x00800000)));
  const normal = v128.bitselect(f32x4.mul(x, v.constant(2 ** 23)), x, small);
  const bits = v.keep(i32x4.sub(normal, v.word(SQRT_HALF_BITS)));
  const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(bits, i32.const(23)));
  const e = v.keep(f32x4.sub(exponent, v128.and(small, v.constant(23))));
  const mantissa = i32x4.add(v128.and(bits, v.word(0x007fffff)), v.word(SQRT_HALF_BITS));
  const f = v.keep(f32x4.sub(mantissa, v.constant(1)));
  const square = v.keep(f32x4.mul(f, f));
  const tail = v.mac(e, v.constant(LN2_LOW), f32x4.mul(f32x4.mul(f, square), v.polynomial(f, LOG)));
  const fraction = f32x4.add(f, v.nmac(square, v.constant(0.5), tail));
  const result = v.keep(v.mac(e, v.constant(LN2_HIGH), fraction));
  const infinity = v.constant(Number.POSITIVE_INFINITY);
  const ordinary = v128.and(f32x4.gt(x, v.constant(0)), f32x4.lt(x, infinity));
  // The square root is NaN below 0, NaN for NaN and ∞ for ∞.
  const negativeInfinity = v.constant(Number.NEGATIVE_INFINITY);
  const special = v128.bitselect(negativeInfinity, f32x4.sqrt(x), f32x4.eq(x, v.constant(0)));
  return v128.bitselect(result, special, ordinary);
}

/** `log(1 + x)`: x itself for tiny x, −∞ at −1, NaN below. What 1 + x loses in rounding is added back. */
export function logarithm1p(v: Vectors, x: Code): Code {
  const u = v.keep(f32x4.add(x, v.constant(1)));
  const lost = f32x4.sub(x, f32x4.sub(u, v.constant(1)));
  const correction = v.keep(f32x4.div(lost, u));
  const valid = v128.and(f32x4.gt(u, v.constant(0)), f32x4.lt(u, v.constant(2 ** 25)));
  const result = v.keep(f32x4.add(v.keep(logarithm(v, u)), v128.and(correction, valid)));
  // Also −0, which the sum would turn into 0.
  return v128.bitselect(x, result, f32x4.eq(u, v.constant(1)));
}
