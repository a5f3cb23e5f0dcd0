import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { forRange, if_ } from "../../print/wasm/control.ts";
import { printExpressions } from "../../print/wasm/expression.ts";
import { f32, f32x4, f64x2, i32, i32x4, v128 } from "../../print/wasm/instructions.ts";
import { alone, share, solo } from "../../print/wasm/team.ts";
import { size } from "../../shared/shapes.ts";
import { type Range, type Reduce, TOUCHED_BLOCK } from "../plan.ts";
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
  sharedAxes,
  storeElements,
  vectorScore,
} from "./elements.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";

/** Results that *across* works on at once: whole cache lines where there are enough. */
const WIDTHS = [16, 4, 1] as const;
/** Elements whose sum is taken in float32. */
const BLOCK = TOUCHED_BLOCK;
/** Elements of a chunk: its blocks are added in float64, and chunks, again in float64, to one another. */
const CHUNK = 128 * BLOCK;

/**
 * Sums and maxima over some axes.
 *
 * A sum has one order, however it is computed and by how many threads: along the last summed axis in chunks of 128 blocks of 128, in a
 * block four sums of every fourth element, s0 … s3, then (s0 + s2) + (s1 + s3), these one after the other in float64, and so the chunks.
 * Two loops keep to it: *along* takes four neighbours of one result at once, *across* one element of several neighbouring results.
 * Threads share results, or the chunks of a single one.
 */
export const printReduce: LaunchPrinter<Reduce> = (context) => {
  const { m, kernel, address } = context;
  const names = Object.keys(kernel.inputs);
  const kept = keptAxes(kernel);
  const types = names.map((name) => context.range(name).type);
  const results = size(kernel.shape.filter((_, axis) => !kernel.over[axis]));
  if (results === 0) return [];
  const { shape, inputs, value, combine, over, touched } = kernel;
  const key = JSON.stringify([shape, inputs, value.id, combine, over, types, touched]);
  const summed = summedAxes(kernel);
  const addresses = [...names, "out"].map(address);
  if (kept.length === 0) return single(context, key, summed, types, addresses);
  return sharedAxes(context.team, kept, addresses, (part, at) => {
    const reduce = m.memo(`reduce ${key} ${JSON.stringify(part)}`, () =>
      m.func({ params: addresses.map(() => "i32") }, (f, ...pointers) => {
        const last = part.at(-1)!;
        const weights = [...names.map(() => 1), 0];
        const across = vectorScore(last, weights) > vectorScore(summed.at(-1)!, weights);
        return overAxes(f, across ? part.slice(0, -1) : part, pointers, (at) => {
          const printer = new Reduction(context, f, summed, types);
          if (!across) return printer.along(at);
          const { code, copies } = fork(f, at, [last]);
          return [code, inStrips(f, last, copies, WIDTHS, (width) => printer.across(copies, last, width))];
        });
      }),
    );
    return reduce.call(...at);
  });
};

/** One result. A long row is shared: each thread adds up some chunks, then the first adds the chunks. */
function single(
  context: LaunchContext<Reduce>,
  key: string,
  summed: readonly Axis[],
  types: readonly Range["type"][],
  addresses: readonly number[],
): Code {
  const { m } = context;
  const pointers = addresses.map((address) => i32.const(address));
  const [axis, ...others] = summed as [Axis, ...Axis[]];
  const chunks = Math.floor(axis.size / CHUNK);
  const team = others.length === 0 && chunks > 1 ? context.team : solo;
  // What tells of zeros goes first.
  const words = context.kernel.touched ? [i32.const(context.address("touched"))] : [];
  const params = [...words, ...pointers].map(() => "i32" as const);
  const reduction = (f: FunctionBuilder, axes: readonly Axis[], at: readonly Local[]) => ({
    printer: new Reduction(context, f, axes, types, words.length > 0 ? at[0] : undefined),
    at: at.slice(words.length),
  });
  if (team.threads === 1)
    return m
      .memo(`reduce ${key}`, () =>
        m.func({ params }, (f, ...parameters) => {
          const { printer, at } = reduction(f, summed, parameters);
          return printer.along(at);
        }),
      )
      .call(...words, ...pointers);
  const parts = context.workspace(16 * (chunks + 1));
  const part = (length: number) =>
    m.memo(`reduce ${key} chunk of ${length}`, () =>
      m.func({ params }, (f, ...parameters) => {
        const { printer, at } = reduction(f, [{ ...axis, size: length }], parameters);
        return printer.chunk(at);
      }),
    );
  const at = (number: Code): Code[] => [
    ...words.map((word) => i32.add(word, i32.mul(number, i32.const((CHUNK / TOUCHED_BLOCK) * 4)))),
    ...pointers.slice(0, -1).map((p, k) => i32.add(p, i32.mul(number, i32.const(axis.strides[k]! * CHUNK * 4)))),
    i32.add(i32.const(parts), i32.shl(number, i32.const(4))),
  ];
  const mine = share(team, chunks);
  const number = context.f.local("i32");
  const rest = axis.size % CHUNK;
  const together = m.memo(`reduce ${key} together`, () =>
    m.func({ params: ["i32", "i32"] }, (f, from, out) =>
      new Reduction(context, f, summed, types).together(from, out, chunks + (rest > 0 ? 1 : 0)),
    ),
  );
  return [
    forRange(number, mine.from, mine.to, 1, part(CHUNK).call(...at(number.get))),
    rest > 0 ? alone(team, part(rest).call(...at(i32.const(chunks)))) : [],
    team.barrier,
    alone(team, together.call(i32.const(parts), pointers.at(-1)!)),
  ];
}

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

/** Prints results. `pointers` go to the inputs and, last, to `out`; `words`, if given, to what tells of blocks that are zeros and add nothing. */
class Reduction {
  readonly #context: LaunchContext<Reduce>;
  readonly #f: FunctionBuilder;
  readonly #summed: readonly Axis[];
  readonly #types: readonly Range["type"][];
  readonly #words: Local | undefined;

  constructor(
    context: LaunchContext<Reduce>,
    f: FunctionBuilder,
    summed: readonly Axis[],
    types: readonly Range["type"][],
    words?: Local,
  ) {
    this.#context = context;
    this.#f = f;
    this.#summed = summed;
    this.#types = types;
    this.#words = words;
  }

  /** One result: lanes are neighbours along the last summed axis. */
  along(pointers: readonly Local[]): Code {
    const total = this.#f.local("v128");
    return [total.set(this.#identity()), this.#added(pointers, total), this.#store(pointers.at(-1)!, total)];
  }

  /** What `along` adds up of the elements, to be added to what others did: 16 bytes, stored where the last pointer goes to. */
  chunk(pointers: readonly Local[]): Code {
    const total = this.#f.local("v128");
    return [total.set(this.#identity()), this.#added(pointers, total), v128.store(pointers.at(-1)!.get, total.get)];
  }

  /** Adds `count` chunks, one after the other. */
  together(from: Local, out: Local, count: number): Code {
    const total = this.#f.local("v128");
    const turn = [total.set(this.#add(total.get, v128.load(from.get))), from.set(i32.add(from.get, i32.const(16)))];
    const all = forRange(this.#f.local("i32"), i32.const(0), i32.const(count), 1, turn);
    return [total.set(this.#identity()), all, this.#store(out, total)];
  }

  #store(out: Local, total: Local): Code {
    const sum = f32.demote_f64(f64x2.extract_lane(total.get, 0));
    return f32.store(out.get, this.#sums ? sum : f32x4.extract_lane(total.get, 0));
  }

  /** Adds all elements to `total`. */
  #added(pointers: readonly Local[], total: Local): Code {
    const f = this.#f;
    const [lanes, mask, part] = [f.local("v128"), f.local("v128"), f.local("v128")];
    return this.#chunks(pointers, {
      start: part.set(this.#identity()),
      end: total.set(this.#add(total.get, part.get)),
      block: (at, inner, count) =>
        this.#unlessZero(at, inner, count, [
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
          part.set(this.#addBlock(part.get, lanes.get)),
        ]),
    });
  }

  #unlessZero(at: readonly Local[], axis: Axis, count: number, block: Code): Code {
    const words = this.#words;
    if (words === undefined) return block;
    return [if_(i32.load(words.get), block, advance(at, axis, count)), words.set(i32.add(words.get, i32.const(4)))];
  }

  /** `width` results that are neighbours along the kept axis `last`, four to a vector (a single one in all lanes). */
  across(pointers: readonly Local[], last: Axis, width: (typeof WIDTHS)[number]): Code {
    const f = this.#f;
    const lanes = width === 1 ? 1 : 4;
    const vectors = Array.from({ length: width / lanes }, (_, k) => {
      const sums = [0, 1, 2, 3].map(() => f.local("v128")) as [Local, Local, Local, Local];
      // Float64 holds two lanes: the lower ones of four first. Of each the sum of a chunk, and of all.
      const halves = [0, 1].map(() => ({ part: f.local("v128"), total: f.local("v128") }));
      return { first: 4 * k, sums, next: f.local("v128"), halves: this.#sums ? halves : halves.slice(0, 1) };
    });
    const parts = vectors.flatMap(({ halves }) => halves);
    const chunks = this.#chunks(pointers, {
      start: parts.map(({ part }) => part.set(this.#identity())),
      end: parts.map(({ part, total }) => total.set(this.#add(total.get, part.get))),
      block: (at, inner, count) => [
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
        vectors.map(({ next, halves: [low, high], sums: [s0, s1, s2, s3] }) => [
          next.set(this.#combine(this.#combine(s0.get, s2.get), this.#combine(s1.get, s3.get))),
          low!.part.set(this.#addBlock(low!.part.get, next.get)),
          high ? high.part.set(this.#addBlock(high.part.get, i32x4.shuffle(next.get, next.get, [2, 3, 2, 3]))) : [],
        ]),
      ],
    });
    const stores = vectors.map(({ first, halves }) => {
      const [lower, upper] = halves.map(({ total }) => f32x4.demote_f64x2_zero(total.get));
      const result = upper === undefined ? halves[0]!.total.get : i32x4.shuffle(lower!, upper, [0, 1, 4, 5]);
      return storeElements(f, pointers.at(-1)!.get, 1, "float", lanes, result, first);
    });
    return [parts.map(({ total }) => total.set(this.#identity())), chunks, stores];
  }

  /** All elements that come to one result: chunk after chunk, `block` with pointers, the axis that it lies on, and its length. */
  #chunks(
    pointers: readonly Local[],
    o: {
      readonly start: Code;
      readonly end: Code;
      readonly block: (at: readonly Local[], inner: Axis, count: number) => Code;
    },
  ): Code {
    const f = this.#f;
    const inner = this.#summed.at(-1)!;
    const times = (count: number, body: () => Code): Code =>
      count === 0 ? [] : count === 1 ? body() : forRange(f.local("i32"), i32.const(0), i32.const(count), 1, body());
    return overAxes(f, this.#summed.slice(0, -1), pointers, (row) => {
      const { code, copies } = fork(f, row, [inner]);
      const chunk = (length: number): Code => [
        o.start,
        times(Math.floor(length / BLOCK), () => o.block(copies, inner, BLOCK)),
        length % BLOCK === 0 ? [] : o.block(copies, inner, length % BLOCK),
        o.end,
      ];
      const rest = inner.size % CHUNK;
      return [code, times(Math.floor(inner.size / CHUNK), () => chunk(CHUNK)), rest === 0 ? [] : chunk(rest)];
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
        return loadElements(at[k]!.get, axis.strides[k]!, this.#types[k]!, lanes, first);
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

  /** Adds what blocks or chunks came to. */
  #add(total: Code, part: Code): Code {
    return this.#sums ? f64x2.add(total, part) : f32x4.max(total, part);
  }

  #identity(): Code {
    const value = this.#sums ? 0 : Number.NEGATIVE_INFINITY;
    return v128.load32_splat(i32.const(0), this.#context.constants.address(value));
  }
}
