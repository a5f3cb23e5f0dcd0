/** A binary floating-point format of at most 16 bits: a sign, exponent bits, mantissa bits. */
export interface SmallFloat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  /**
   * Which patterns are no numbers. "ieee": the largest exponent holds infinities and NaN. "finite": it holds numbers too,
   * only all ones is NaN. "unsigned-zero": the pattern of −0 is the only NaN, and the bias is one larger. Without
   * infinities, what is too large becomes NaN.
   */
  readonly special: "ieee" | "finite" | "unsigned-zero";
}

/** IEEE 754 binary16. */
export const FLOAT16: SmallFloat = { exponentBits: 5, mantissaBits: 10, special: "ieee" };
/** The upper half of a float32. */
export const BFLOAT16: SmallFloat = { exponentBits: 8, mantissaBits: 7, special: "ieee" };
/** @see Micikevicius et al., "FP8 formats for deep learning" (2022), arXiv:2209.05433 */
export const FLOAT8_E5M2: SmallFloat = { exponentBits: 5, mantissaBits: 2, special: "ieee" };
/** The finite variant ("fn"), largest value 448. @see arXiv:2209.05433 */
export const FLOAT8_E4M3: SmallFloat = { exponentBits: 4, mantissaBits: 3, special: "finite" };

/** As hardware without a negative zero has it, largest value 240. @see Noune et al. (2022), arXiv:2206.02915 */
export const FLOAT8_E4M3FNUZ: SmallFloat = { exponentBits: 4, mantissaBits: 3, special: "unsigned-zero" };
/** As hardware without a negative zero has it, largest value 57344. @see arXiv:2206.02915 */
export const FLOAT8_E5M2FNUZ: SmallFloat = { exponentBits: 5, mantissaBits: 2, special: "unsigned-zero" };

/** The exact value of a bit pattern. */
export function decodeSmallFloat(format: SmallFloat, bits: number): number {
  const { exponentBits, mantissaBits, special } = format;
  const top = 2 ** exponentBits - 1;
  const ones = 2 ** mantissaBits - 1;
  const bias = biasOf(format);
  const sign = (bits >>> (exponentBits + mantissaBits)) & 1 ? -1 : 1;
  const exponent = (bits >>> mantissaBits) & top;
  const mantissa = bits & ones;
  if (special === "unsigned-zero" && sign < 0 && exponent === 0 && mantissa === 0) return Number.NaN;
  if (special === "ieee" && exponent === top) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (special === "finite" && exponent === top && mantissa === ones) return Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa * 2 ** -mantissaBits) * 2 ** (exponent - bias);
}

/** The bit pattern nearest to `value`, ties to even, without a detour through float32 (which would round twice). */
export function encodeSmallFloat(format: SmallFloat, value: number): number {
  const { exponentBits, mantissaBits, special } = format;
  const signBit = 2 ** (exponentBits + mantissaBits);
  const infinity = signBit - 2 ** mantissaBits;
  const nan = special === "ieee" ? infinity + 2 ** (mantissaBits - 1) : special === "finite" ? signBit - 1 : signBit;
  // The first pattern that no finite number has.
  const overflow = special === "ieee" ? infinity : nan;
  if (Number.isNaN(value)) return nan;
  const magnitude = Math.abs(value);
  const bits = magnitude === Number.POSITIVE_INFINITY ? overflow : Math.min(overflow, magnitudeBits(format, magnitude));
  const negative = value < 0 || Object.is(value, -0);
  if (special === "unsigned-zero") return bits === overflow || bits === 0 || !negative ? bits : signBit + bits;
  return negative ? signBit + bits : bits;
}

function magnitudeBits(format: SmallFloat, magnitude: number): number {
  const { mantissaBits } = format;
  const bias = biasOf(format);
  const exponent = Math.max(exponentOf(magnitude), 1 - bias);
  // Counted in units of the last place the leading one is included, so a carry runs into the exponent by itself.
  const units = roundHalfEven(magnitude / 2 ** (exponent - mantissaBits));
  return (exponent + bias - 1) * 2 ** mantissaBits + units;
}

function biasOf({ exponentBits, special }: SmallFloat): number {
  return 2 ** (exponentBits - 1) - (special === "unsigned-zero" ? 0 : 1);
}

const scratch = new DataView(new ArrayBuffer(8));

/** ⌊log2 x⌋ of a positive number, −1023 for 0 and subnormal doubles (all far below every small format). */
function exponentOf(x: number): number {
  scratch.setFloat64(0, x);
  return ((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023;
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
