import type { Code } from "./code.ts";
import { signed32, signed64, unsigned } from "./code.ts";

/**
 * The instructions of WebAssembly that kernels need, as functions from the code of operands to code.
 *
 * @see WebAssembly Core Specification 2.0 (binary format of instructions) and the relaxed SIMD proposal, now in 3.0.
 */

type Unary = (a: Code) => Code;
type Binary = (a: Code, b: Code) => Code;
type Ternary = (a: Code, b: Code, c: Code) => Code;
/** Reads at `address + offset` bytes. Addresses are unsigned. */
type Load = (address: Code, offset?: number) => Code;
type Store = (address: Code, value: Code, offset?: number) => Code;

const unary =
  (...op: number[]): Unary =>
  (a) => [a, op];
const binary =
  (...op: number[]): Binary =>
  (a, b) => [a, b, op];
/** `align`: log2 of the natural alignment; it is a hint and says nothing about the address. */
const load =
  (align: number, ...op: number[]): Load =>
  (address, offset = 0) => [address, op, align, unsigned(offset)];
const store =
  (align: number, ...op: number[]): Store =>
  (address, value, offset = 0) => [address, value, op, align, unsigned(offset)];

const simd = (op: number): number[] => [0xfd, ...unsigned(op)];
const simdUnary = (op: number): Unary => unary(...simd(op));
const simdBinary = (op: number): Binary => binary(...simd(op));
const simdTernary =
  (op: number): Ternary =>
  (a, b, c) => [a, b, c, simd(op)];
const extractLane =
  (op: number) =>
  (a: Code, lane: number): Code => [a, simd(op), lane];
const replaceLane =
  (op: number) =>
  (a: Code, lane: number, value: Code): Code => [a, value, simd(op), lane];

function bytesOf(length: number, fill: (view: DataView) => void): number[] {
  const bytes = new Uint8Array(length);
  fill(new DataView(bytes.buffer));
  return [...bytes];
}

export const i32 = {
  /** Signed or unsigned: an address above 2 GiB is given as the positive number it is. */
  const: (value: number): Code => [0x41, signed32(value)],
  load: load(2, 0x28),
  load8_u: load(0, 0x2d),
  store: store(2, 0x36),
  store8: store(0, 0x3a),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  lt_s: binary(0x48),
  lt_u: binary(0x49),
  gt_s: binary(0x4a),
  gt_u: binary(0x4b),
  le_s: binary(0x4c),
  le_u: binary(0x4d),
  ge_s: binary(0x4e),
  ge_u: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  div_s: binary(0x6d),
  div_u: binary(0x6e),
  rem_s: binary(0x6f),
  rem_u: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shr_s: binary(0x75),
  shr_u: binary(0x76),
  wrap_i64: unary(0xa7),
  reinterpret_f32: unary(0xbc),
};

export const i64 = {
  const: (value: bigint): Code => [0x42, signed64(BigInt.asIntN(64, value))],
  load: load(3, 0x29),
  store: store(3, 0x37),
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  shl: binary(0x86),
  shr_u: binary(0x88),
  extend_i32_s: unary(0xac),
  extend_i32_u: unary(0xad),
};

export const f32 = {
  const: (value: number): Code => [0x43, bytesOf(4, (view) => view.setFloat32(0, value, true))],
  load: load(2, 0x2a),
  store: store(2, 0x38),
  eq: binary(0x5b),
  ne: binary(0x5c),
  lt: binary(0x5d),
  gt: binary(0x5e),
  le: binary(0x5f),
  ge: binary(0x60),
  abs: unary(0x8b),
  neg: unary(0x8c),
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  min: binary(0x96),
  max: binary(0x97),
  convert_i32_s: unary(0xb2),
  convert_i32_u: unary(0xb3),
  demote_f64: unary(0xb6),
  reinterpret_i32: unary(0xbe),
};

export const f64 = {
  const: (value: number): Code => [0x44, bytesOf(8, (view) => view.setFloat64(0, value, true))],
  load: load(3, 0x2b),
  store: store(3, 0x39),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  min: binary(0xa4),
  max: binary(0xa5),
  convert_i32_s: unary(0xb7),
  convert_i32_u: unary(0xb8),
  promote_f32: unary(0xbb),
};

export const memory = {
  /** Fills `length` bytes at `address` with the byte `value`. */
  fill: (address: Code, value: Code, length: Code): Code => [address, value, length, 0xfc, 0x0b, 0],
  /** Copies `length` bytes; the two places may overlap. */
  copy: (to: Code, from: Code, length: Code): Code => [to, from, length, 0xfc, 0x0a, 0, 0],
};

/** On words in shared memory, in one order that all threads agree on. */
export const atomic = {
  load: load(2, 0xfe, 0x10),
  store: store(2, 0xfe, 0x17),
  /** Adds to a word and yields what was there before. */
  add: (address: Code, value: Code, offset = 0): Code => [address, value, 0xfe, 0x1e, 2, unsigned(offset)],
  /** Sleeps as long as the word is `expected`, until notified or so many nanoseconds are over; never on a page's main thread. Yields 0, 1 not equal, 2 over. */
  wait: (address: Code, expected: Code, nanoseconds: bigint): Code => [
    ...[address, expected, i64.const(nanoseconds), 0xfe, 0x01, 2, 0],
  ],
  /** Wakes all that sleep on a word; yields how many. */
  notify: (address: Code, offset = 0): Code => [address, i32.const(-1), 0xfe, 0x00, 2, unsigned(offset)],
};

export const v128 = {
  load: load(4, ...simd(0)),
  /** Eight bytes, each widened to 16 bits with its sign. */
  load8x8_s: load(3, ...simd(1)),
  load32_splat: load(2, ...simd(9)),
  load64_splat: load(3, ...simd(10)),
  load32_zero: load(2, ...simd(92)),
  load64_zero: load(3, ...simd(93)),
  store: store(4, ...simd(11)),
  load32_lane: (address: Code, vector: Code, lane: number, offset = 0): Code => [
    ...[address, vector, simd(86), 2, unsigned(offset), lane],
  ],
  store32_lane: (address: Code, vector: Code, lane: number, offset = 0): Code => [
    ...[address, vector, simd(90), 2, unsigned(offset), lane],
  ],
  /** Four 32-bit words. Not inside loops: engines rebuild a literal at every use, a broadcast load costs less. */
  const: (...words: readonly [number, number, number, number]): Code => [
    simd(12),
    bytesOf(16, (view) => {
      for (const [k, word] of words.entries()) view.setUint32(4 * k, word, true);
    }),
  ],
  not: simdUnary(77),
  and: simdBinary(78),
  /** `a & ~b` */
  andnot: simdBinary(79),
  or: simdBinary(80),
  xor: simdBinary(81),
  /** Bits of `a` where `mask` is 1, of `b` where it is 0. */
  bitselect: simdTernary(82),
  any_true: simdUnary(83),
};

export const i8x16 = {
  /** Byte `lanes[k]` of the 32 bytes `a`, `b` goes to byte k. */
  shuffle: (a: Code, b: Code, lanes: readonly number[]): Code => [a, b, simd(13), lanes],
  /** The numbers of `a`, then those of `b`, each as the nearest one of 8 bits. */
  narrow_i16x8_s: simdBinary(101),
};

export const i16x8 = {
  /** The words of `a`, then those of `b`, each as the nearest number of 16 bits. */
  narrow_i32x4_s: simdBinary(133),
  /** Sums of neighbours. */
  extadd_pairwise_i8x16_s: simdUnary(124),
  shr_u: simdBinary(141),
};

export const i32x4 = {
  splat: simdUnary(17),
  extract_lane: extractLane(27),
  replace_lane: replaceLane(28),
  eq: simdBinary(55),
  ne: simdBinary(56),
  lt_s: simdBinary(57),
  lt_u: simdBinary(58),
  gt_s: simdBinary(59),
  gt_u: simdBinary(60),
  le_s: simdBinary(61),
  ge_s: simdBinary(63),
  abs: simdUnary(160),
  neg: simdUnary(161),
  all_true: simdUnary(163),
  bitmask: simdUnary(164),
  /** Shifts take a count as i32. */
  shl: simdBinary(171),
  shr_s: simdBinary(172),
  shr_u: simdBinary(173),
  add: simdBinary(174),
  sub: simdBinary(177),
  mul: simdBinary(181),
  min_s: simdBinary(182),
  max_s: simdBinary(184),
  dot_i16x8_s: simdBinary(186),
  /** `c` and in each word the sum of four products of 8 bits; exact where no number of `b` has its highest bit set. */
  relaxed_dot_i8x16_i7x16_add_s: simdTernary(0x113),
  extadd_pairwise_i16x8_s: simdUnary(126),
  trunc_sat_f32x4_s: simdUnary(248),
  trunc_sat_f32x4_u: simdUnary(249),
  /** Word `lanes[k]` of the eight words `a`, `b` goes to word k. */
  shuffle: (a: Code, b: Code, lanes: readonly [number, number, number, number]): Code =>
    i8x16.shuffle(
      a,
      b,
      lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
    ),
};

export const i64x2 = {
  splat: simdUnary(18),
  extract_lane: extractLane(29),
  shl: simdBinary(203),
  shr_u: simdBinary(205),
  add: simdBinary(206),
  sub: simdBinary(209),
  mul: simdBinary(213),
  /** 64-bit products of the two lower words; `high` of the two upper ones. */
  extmul_low_i32x4_u: simdBinary(222),
  extmul_high_i32x4_u: simdBinary(223),
};

export const f32x4 = {
  splat: simdUnary(19),
  extract_lane: extractLane(31),
  replace_lane: replaceLane(32),
  eq: simdBinary(65),
  ne: simdBinary(66),
  lt: simdBinary(67),
  gt: simdBinary(68),
  le: simdBinary(69),
  ge: simdBinary(70),
  abs: simdUnary(224),
  neg: simdUnary(225),
  sqrt: simdUnary(227),
  add: simdBinary(228),
  sub: simdBinary(229),
  mul: simdBinary(230),
  div: simdBinary(231),
  /** A NaN wins. */
  min: simdBinary(232),
  max: simdBinary(233),
  /** `b < a ? b : a`: one instruction, NaN as the comparison says. */
  pmin: simdBinary(234),
  /** `a < b ? b : a` */
  pmax: simdBinary(235),
  floor: simdUnary(104),
  nearest: simdUnary(106),
  convert_i32x4_s: simdUnary(250),
  convert_i32x4_u: simdUnary(251),
  demote_f64x2_zero: simdUnary(94),
  /** `a · b + c`, rounded once or twice as the hardware likes. */
  relaxed_madd: simdTernary(0x105),
  /** `c − a · b` */
  relaxed_nmadd: simdTernary(0x106),
};

export const f64x2 = {
  splat: simdUnary(20),
  extract_lane: extractLane(33),
  replace_lane: replaceLane(34),
  add: simdBinary(240),
  sub: simdBinary(241),
  mul: simdBinary(242),
  promote_low_f32x4: simdUnary(95),
};
