import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { forRange, if_ } from "../../print/wasm/control.ts";
import { f32x4, i32, i32x4, v128 } from "../../print/wasm/instructions.ts";
import type { Team } from "../../print/wasm/team.ts";
import type { Range, Strides } from "../plan.ts";

/** An axis of a loop: its length, and how far each operand goes along it in elements. */
export interface Axis {
  readonly size: number;
  readonly strides: readonly number[];
}

type ElementType = Range["type"];
const BYTES = 4;

/** The axes of `shape` for operands with these strides; axes of length 1 are left out. */
export function axesOf(shape: readonly number[], operands: readonly Strides[]): Axis[] {
  return shape
    .map((size, axis) => ({ size, strides: operands.map((strides) => strides[axis]!) }))
    .filter(({ size }) => size !== 1);
}

/** Neighbouring axes become one where every operand goes on evenly from one to the other. */
export function joinAxes(axes: readonly Axis[]): Axis[] {
  const joined: Axis[] = [];
  for (const axis of axes) {
    const outer = joined.at(-1);
    if (outer?.strides.every((stride, k) => stride === axis.strides[k]! * axis.size)) {
      joined[joined.length - 1] = { size: outer.size * axis.size, strides: axis.strides };
    } else joined.push(axis);
  }
  return joined;
}

/** How well four neighbours along an axis can be worked on at once: operands whose neighbours lie side by side count most. */
export function vectorScore(axis: Axis, weights: readonly number[]): number {
  return axis.strides.reduce((sum, stride, k) => sum + (stride === 1 ? 2 : stride === 0 ? 1 : 0) * weights[k]!, 0);
}

/**
 * `body` over indices that may be worked on in any order, cut along one axis into parts of one size for the threads; what is
 * left over is done by the last of them. `body` is given the axes of a part and the address of each operand there.
 */
export function sharedAxes(
  team: Team,
  axes: readonly Axis[],
  addresses: readonly number[],
  body: (axes: readonly Axis[], addresses: readonly Code[]) => Code,
): Code {
  const { threads, thread } = team;
  if (threads === 1)
    return body(
      axes,
      addresses.map((address) => i32.const(address)),
    );
  const cuts = axes.map(({ size }, axis) => {
    // Along the axis that is worked on by vectors whole cache lines stay together.
    const grain = axis === axes.length - 1 ? 16 : 1;
    const part = Math.floor(size / threads / grain) * grain;
    return { axis, size, part, rest: size - part * threads };
  });
  const largest = (cut: (typeof cuts)[number]): number => (cut.part + cut.rest) / cut.size;
  const { axis, part, rest } = cuts.toSorted((a, b) => largest(a) - largest(b))[0]!;
  const cut = (size: number, first: Code): Code =>
    size === 0
      ? []
      : body(
          axes.with(axis, { ...axes[axis]!, size }),
          addresses.map((address, k) =>
            i32.add(i32.const(address), i32.mul(first, i32.const(axes[axis]!.strides[k]! * BYTES))),
          ),
        );
  const last = i32.eq(thread, i32.const(threads - 1));
  return [cut(part, i32.mul(thread, i32.const(part))), if_(last, cut(rest, i32.const(part * threads)))];
}

/** Moves pointers (one per operand) by `count` elements along an axis. */
export function advance(pointers: readonly Local[], axis: Axis, count: number): Code {
  return pointers.map((pointer, k) => {
    const bytes = axis.strides[k]! * count * BYTES;
    return bytes === 0 ? [] : pointer.set(i32.add(pointer.get, i32.const(bytes)));
  });
}

/** Pointers that start where `pointers` are and may be moved along `axes`; those that do not move there are not copied. */
export function fork(
  f: FunctionBuilder,
  pointers: readonly Local[],
  axes: readonly Axis[],
): { code: Code; copies: Local[] } {
  const copies = pointers.map((pointer, k) => (axes.every((a) => a.strides[k] === 0) ? pointer : f.local("i32")));
  return { code: copies.map((copy, k) => (copy === pointers[k] ? [] : copy.set(pointers[k]!.get))), copies };
}

/** `body` at every index of `axes`, the last one fastest, with pointers to the operands' elements there. */
export function overAxes(
  f: FunctionBuilder,
  axes: readonly Axis[],
  pointers: readonly Local[],
  body: (pointers: readonly Local[]) => Code,
): Code {
  const [axis, ...inner] = axes;
  if (!axis) return body(pointers);
  const { code, copies } = fork(f, pointers, [axis]);
  const turn = [overAxes(f, inner, copies, body), advance(copies, axis, 1)];
  return [code, forRange(f.local("i32"), i32.const(0), i32.const(axis.size), 1, turn)];
}

/**
 * `body` for the elements of one axis: as many at a time as `widths` says, first the largest as often as it fits, then the
 * next for what is left; the last width is 1. Moves the pointers.
 */
export function inStrips<Width extends number>(
  f: FunctionBuilder,
  axis: Axis,
  pointers: readonly Local[],
  widths: readonly Width[],
  body: (width: Width) => Code,
): Code {
  let left = axis.size;
  return widths.map((width) => {
    const count = Math.floor(left / width);
    left -= count * width;
    const turn = (): Code => [body(width), advance(pointers, axis, width)];
    return count === 0 ? [] : forRange(f.local("i32"), i32.const(0), i32.const(count), 1, turn());
  });
}

/** Four at a time, then one at a time. */
export const byFours = (
  f: FunctionBuilder,
  axis: Axis,
  pointers: readonly Local[],
  body: (lanes: 4 | 1) => Code,
): Code => inStrips(f, axis, pointers, [4, 1] as const, body);

/**
 * Four float32 from number `first` behind `pointer` on, with a distance of `stride` elements; for `lanes` 1 the first one, four times. Nothing
 * else is read. The distance is part of the instruction: engines join neighbours whose addresses differ by that alone.
 */
export function loadElements(pointer: Code, stride: number, type: ElementType, lanes: 4 | 1, first = 0): Code {
  const at = first * stride * BYTES;
  let code = v128.load32_splat(pointer, at);
  if (lanes === 4 && stride === 1) code = v128.load(pointer, at);
  else if (lanes === 4 && stride !== 0) {
    for (const lane of [1, 2, 3]) code = v128.load32_lane(pointer, code, lane, at + lane * stride * BYTES);
  }
  return type === "int" ? f32x4.convert_i32x4_s(code) : code;
}

/** Stores the four lanes of `value`, or the first one, from number `first` behind `pointer` on. Whole numbers are rounded toward zero. */
export function storeElements(
  f: FunctionBuilder,
  pointer: Code,
  stride: number,
  type: ElementType,
  lanes: 4 | 1,
  value: Code,
  first = 0,
): Code {
  const at = first * stride * BYTES;
  const stored = type === "int" ? i32x4.trunc_sat_f32x4_s(value) : value;
  if (lanes === 1) return v128.store32_lane(pointer, stored, 0, at);
  if (stride === 1) return v128.store(pointer, stored, at);
  const kept = f.local("v128");
  return [
    kept.set(stored),
    [0, 1, 2, 3].map((lane) => v128.store32_lane(pointer, kept.get, lane, at + lane * stride * BYTES)),
  ];
}
