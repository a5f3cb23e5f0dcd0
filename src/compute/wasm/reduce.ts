import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { forRange } from "../../print/wasm/control.ts";
import { printExpressions } from "../../print/wasm/expression.ts";
import { f32, f32x4, f64x2, i32, i32x4, v128 } from "../../print/wasm/instructions.ts";
import { size } from "../../shared/shapes.ts";
import type { Range, Reduce } from "../plan.ts";
import type { Axis } from "./elements.ts";
import {
  advance,
  axesOf,
  byFours,
  fork,
  inStrips,
  joinAxes,
  loadElements,
  overAxes,
  storeElements,
  vectorScore,
} from "./elements.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";

/** Results that *across* works on at once: whole cache lines where there are enough. */
const WIDTHS = [16, 4, 1] as const;
/** Elements whose sum is taken in float32; sums of blocks are added in float64. */
const BLOCK = 128;

/**
 * Sums and maxima over some axes.
 *
 * A sum has one order, however it is computed: along the last summed axis in blocks of 128, in a block four sums of every fourth element,
 * s0 … s3, then (s0 + s2) + (s1 + s3), and these one after the other in float64. Two loops keep to it: *along* takes four neighbours of
 * one result at once, *across* one element of several neighbouring results.
 */
export const printReduce: LaunchPrinter<Reduce> = (context) => {
  const { m, kernel, address } = context;
  const names = Object.keys(kernel.inputs);
  const kept = keptAxes(kernel);
  const types = names.map((name) => context.range(name).type);
  const results = size(kernel.shape.filter((_, axis) => !kernel.over[axis]));
  if (results === 0) return [];
  const key = JSON.stringify([kernel.shape, kernel.inputs, kernel.value.id, kernel.combine, kernel.over, types]);
  const reduce = m.memo(`reduce ${key}`, () =>
    m.func({ params: [...names, "out"].map(() => "i32") }, (f, ...pointers) => {
      const summed = summedAxes(kernel);
      const last = kept.at(-1);
      const weights = [...names.map(() => 1), 0];
      const across = last !== undefined && vectorScore(last, weights) > vectorScore(summed.at(-1)!, weights);
      const outer = across ? kept.slice(0, -1) : kept;
      return overAxes(f, outer, pointers, (at) => {
        const printer = new Reduction(context, f, summed, types);
        if (!across) return printer.along(at);
        const { code, copies } = fork(f, at, [last]);
        return [code, inStrips(f, last, copies, WIDTHS, (width) => printer.across(copies, last, width))];
      });
    }),
  );
  return reduce.call(...names.map((name) => i32.const(address(name))), i32.const(address("out")));
};

/** Axes that stay, the strides of `out` (dense over them) after those of the inputs. */
function keptAxes({ shape, inputs, over }: Reduce): Axis[] {
  const out = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (over[axis]) continue;
    out[axis] = step;
    step *= shape[axis]!;
  }
  const axes = shape.map((n, axis) => ({ size: n, strides: [...Object.values(inputs), out].map((s) => s[axis]!) }));
  return joinAxes(axes.filter(({ size }, axis) => !over[axis] && size !== 1));
}

/** Axes that are summed away; at least one. `out` does not move along them. */
function summedAxes({ shape, inputs, over }: Reduce): Axis[] {
  const only = (strides: readonly number[]): number[] => strides.filter((_, axis) => over[axis]);
  const lengths = only(shape);
  const operands = Object.values(inputs).map(only);
  const axes = joinAxes(axesOf(lengths, [...operands, lengths.map(() => 0)]));
  return axes.length > 0 ? axes : [{ size: 1, strides: [...operands.map(() => 0), 0] }];
}

/** The address `elements` elements behind another one. */
const behind = (address: Code, elements: number): Code =>
  elements === 0 ? address : i32.add(address, i32.const(4 * elements));

/** Prints results. `pointers` go to the inputs and, last, to `out`. */
class Reduction {
  readonly #context: LaunchContext<Reduce>;
  readonly #f: FunctionBuilder;
  readonly #summed: readonly Axis[];
  readonly #types: readonly Range["type"][];

  constructor(
    context: LaunchContext<Reduce>,
    f: FunctionBuilder,
    summed: readonly Axis[],
    types: readonly Range["type"][],
  ) {
    this.#context = context;
    this.#f = f;
    this.#summed = summed;
    this.#types = types;
  }

  /** One result: lanes are neighbours along the last summed axis. */
  along(pointers: readonly Local[]): Code {
    const f = this.#f;
    const [lanes, mask, total] = [f.local("v128"), f.local("v128"), f.local("v128")];
    const blocks = this.#blocks(pointers, (at, inner, count) => [
      lanes.set(this.#identity()),
      mask.set(v128.const(0xffffffff, 0, 0, 0)),
      byFours(f, { ...inner, size: count }, at, (width) => {
        const { code, value } = this.#evaluate(at, inner, width);
        if (width === 4) return [code, lanes.set(this.#combine(lanes.get, value))];
        // The elements left over go to the lanes 0, 1, 2, where they would be if there were more.
        const alone = v128.bitselect(value, this.#identity(), mask.get);
        return [
          code,
          lanes.set(this.#combine(lanes.get, alone)),
          mask.set(i32x4.shuffle(mask.get, mask.get, [3, 0, 1, 2])),
        ];
      }),
      lanes.set(this.#combine(lanes.get, i32x4.shuffle(lanes.get, lanes.get, [2, 3, 2, 3]))),
      lanes.set(this.#combine(lanes.get, i32x4.shuffle(lanes.get, lanes.get, [1, 1, 1, 1]))),
      total.set(this.#addBlock(total.get, lanes.get)),
    ]);
    const sum = f32.demote_f64(f64x2.extract_lane(total.get, 0));
    const result = this.#sums ? sum : f32x4.extract_lane(total.get, 0);
    return [total.set(this.#identity()), blocks, f32.store(pointers.at(-1)!.get, result)];
  }

  /** `width` results that are neighbours along the kept axis `last`, four to a vector (a single one in all lanes). */
  across(pointers: readonly Local[], last: Axis, width: (typeof WIDTHS)[number]): Code {
    const f = this.#f;
    const lanes = width === 1 ? 1 : 4;
    const vectors = Array.from({ length: width / lanes }, (_, k) => {
      const sums = [0, 1, 2, 3].map(() => f.local("v128")) as [Local, Local, Local, Local];
      // Float64 holds two lanes: the lower ones of four in `low`.
      return { first: 4 * k, sums, next: f.local("v128"), low: f.local("v128"), high: f.local("v128") };
    });
    const blocks = this.#blocks(pointers, (at, inner, count) => [
      vectors.map(({ sums }) => sums.map((sum) => sum.set(this.#identity()))),
      forRange(f.local("i32"), i32.const(0), i32.const(count), 1, [
        vectors.map(({ first, next, sums: [s0, s1, s2, s3] }) => {
          const { code, value } = this.#evaluate(at, last, lanes, first);
          // The sums change places after every element; whichever comes first in the end, the pairs below are the same.
          return [
            code,
            next.set(this.#combine(s0.get, value)),
            ...[s0.set(s1.get), s1.set(s2.get), s2.set(s3.get), s3.set(next.get)],
          ];
        }),
        advance(at, inner, 1),
      ]),
      vectors.map(({ next, low, high, sums: [s0, s1, s2, s3] }) => [
        next.set(this.#combine(this.#combine(s0.get, s2.get), this.#combine(s1.get, s3.get))),
        low.set(this.#addBlock(low.get, next.get)),
        this.#sums ? high.set(this.#addBlock(high.get, i32x4.shuffle(next.get, next.get, [2, 3, 2, 3]))) : [],
      ]),
    ]);
    const stores = vectors.map(({ first, low, high }) => {
      const [lower, upper] = [low, high].map((half) => f32x4.demote_f64x2_zero(half.get)) as [Code, Code];
      const result = this.#sums ? i32x4.shuffle(lower, upper, [0, 1, 4, 5]) : low.get;
      return storeElements(f, behind(pointers.at(-1)!.get, first), 1, "float", lanes, result);
    });
    const start = vectors.map(({ low, high }) => [low.set(this.#identity()), high.set(this.#identity())]);
    return [start, blocks, stores];
  }

  /** `block` for all elements that come to one result: with pointers, the axis that it lies on, and its length. */
  #blocks(pointers: readonly Local[], block: (at: readonly Local[], inner: Axis, count: number) => Code): Code {
    const f = this.#f;
    const inner = this.#summed.at(-1)!;
    const whole = Math.floor(inner.size / BLOCK);
    const rest = inner.size % BLOCK;
    return overAxes(f, this.#summed.slice(0, -1), pointers, (row) => {
      const { code, copies } = fork(f, row, [inner]);
      return [
        code,
        whole === 0 ? [] : forRange(f.local("i32"), i32.const(0), i32.const(whole), 1, block(copies, inner, BLOCK)),
        rest === 0 ? [] : block(copies, inner, rest),
      ];
    });
  }

  /** The value that is summed, for `lanes` neighbours along `axis` from number `first` on. */
  #evaluate(at: readonly Local[], axis: Axis, lanes: 4 | 1, first = 0): { code: Code; value: Code } {
    const { kernel, constants, fused } = this.#context;
    const names = Object.keys(kernel.inputs);
    const printed = printExpressions({
      f: this.#f,
      constants,
      fused,
      roots: [kernel.value],
      leaf: (node) => {
        const k = node.op === "variable" ? names.indexOf(node.name) : -1;
        if (k < 0) return undefined;
        const stride = axis.strides[k]!;
        return loadElements(behind(at[k]!.get, first * stride), stride, this.#types[k]!, lanes);
      },
    });
    return { code: printed.code, value: printed.value(kernel.value) };
  }

  get #sums(): boolean {
    return this.#context.kernel.combine === "sum";
  }

  #combine(a: Code, b: Code): Code {
    return this.#sums ? f32x4.add(a, b) : f32x4.max(a, b);
  }

  #addBlock(total: Code, block: Code): Code {
    return this.#sums ? f64x2.add(total, f64x2.promote_low_f32x4(block)) : f32x4.max(total, block);
  }

  #identity(): Code {
    const value = this.#sums ? 0 : Number.NEGATIVE_INFINITY;
    return v128.load32_splat(i32.const(0), this.#context.constants.address(value));
  }
}
