import { add, div, type Expression, exp, log, mul, sub, variable } from "../../math/expression.ts";
import type { Func, FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { doWhile, forRange, type Local, select } from "./control.ts";
import { printExpressions } from "./expression.ts";
import { f32x4, f64x2, i32, i32x4, v128 } from "./instructions.ts";
import { offset } from "./product.ts";
import { leastNumber, unlessVanished } from "./vanished.ts";
import { type Constants, storesOf } from "./vectors.ts";

/*
 * The pointwise part of softmax with cross entropy over logits that lie as their product leaves them: panels of 16 rows of the
 * batch, [panels][V][16]. Lanes are rows, so that maximum and sum of a row never cross lanes, and a row's bits depend on no other.
 */

/** Where everything lies, in bytes. Arrays over rows begin with the first row of the block that is worked on. */
export interface SoftmaxMemory {
  /** [panels][V][16] */
  readonly logits: number;
  readonly classes: number;
  /** [V], or undefined. */
  readonly bias: number | undefined;
  readonly classWeight: number | undefined;
  /** [slices][rows]: the largest logit m of a slice of classes; once rows are finished exp(m − the largest of all). */
  readonly maxima: number;
  /** [slices][rows] float64: Σ exp(z − m), and with label smoothing Σ w (m − z), over the classes of a slice. */
  readonly sums: number;
  readonly below: number | undefined;
  /** [slices], with label smoothing: Σ w over the classes of a slice. */
  readonly sliceWeights: number | undefined;
  /** Rows that the arrays have room for. */
  readonly rows: number;
  /** [rows]: words of all bits where a row counts, or 0. */
  readonly counted: number;
  /** [rows]: what the probability, and the class weight, are multiplied by in the gradient. */
  readonly factor: number;
  readonly smooth: number | undefined;
}

export interface SoftmaxOptions {
  readonly memory: SoftmaxMemory;
  readonly constants: Constants;
  readonly fused: boolean;
  /** Whether exponentials replace the logits, for a gradient to come. */
  readonly keep: boolean;
}

/** Sums are taken in float32 over so many classes, above that in float64. */
const RUN = 40;
const QUADS = [0, 1, 2, 3] as const;
const CLASS_BYTES = 64;
/** Of the functions that go over classes. */
const PARAMETERS = ["i32", "i32", "i32", "i32", "i32"] as const;
const F32_MAX = 3.4028234663852886e38;
const each = (make: (quad: number) => Code): Code => QUADS.map(make);
const store = (at: Local, rows: readonly Local[]): Code =>
  storesOf(rows.map((quad, q) => v128.store(at.get, quad.get, 16 * q)));

/** Loops over the panels `firstPanel … endPanel − 1` and, in each, over the classes `from … to − 1`. */
function overClasses(
  f: FunctionBuilder,
  { logits, classes }: SoftmaxMemory,
  [firstPanel, endPanel, from, to]: readonly [Local, Local, Local, Local],
  body: (o: { panel: Local; at: Local; v: Local; classes: (inner: Code) => Code }) => Code,
): Code {
  const [panel, at, v, end] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const next = (inner: Code): Code => [
    inner,
    at.set(i32.add(at.get, i32.const(CLASS_BYTES))),
    v.set(i32.add(v.get, i32.const(1))),
  ];
  return forRange(panel, firstPanel.get, endPanel.get, 1, [
    v.set(from.get),
    end.set(to.get),
    at.set(
      i32.add(
        offset(i32.const(logits), panel.get, i32.const(classes * CLASS_BYTES)),
        i32.mul(v.get, i32.const(CLASS_BYTES)),
      ),
    ),
    body({ panel, at, v, classes: (inner) => doWhile(next(inner), i32.lt_u(v.get, end.get)) }),
  ]);
}

/** Where the four vectors of a panel lie in an array over rows. */
const rowsOf = (array: number, panel: Local, quad: number): Code =>
  i32.add(i32.shl(panel.get, i32.const(6)), i32.const(array + 16 * quad));
/** Where they lie in the array of a slice. */
const ofSlice = (mem: SoftmaxMemory, slice: Local, panel: Local, quad: number): Code =>
  i32.add(rowsOf(mem.maxima, panel, quad), i32.mul(slice.get, i32.const(mem.rows * 4)));
const splatOf = (array: number | undefined, v: Local): Code =>
  v128.load32_splat(i32.shl(v.get, i32.const(2)), array ?? 0);

const named =
  (leaves: Readonly<Record<string, Code>>) =>
  (n: { readonly op: string; readonly name?: string }): Code | undefined =>
    n.op === "variable" ? leaves[n.name!] : undefined;

/** A sum in runs of float32 whose totals are added in float64: two vectors of two for each four lanes. */
class Totals {
  private readonly run: readonly Local[];
  private readonly halves: readonly (readonly [Local, Local])[];
  private readonly zero: Code;

  constructor(f: FunctionBuilder, constants: Constants) {
    this.run = QUADS.map(() => f.local("v128"));
    this.halves = QUADS.map(() => [f.local("v128"), f.local("v128")] as const);
    this.zero = v128.load32_splat(i32.const(0), constants.address(0));
  }

  start = (): Code => each((q) => this.halves[q]!.map((half) => half.set(this.zero)));
  startRun = (): Code => each((q) => this.run[q]!.set(this.zero));
  add = (quad: number, value: Code): Code => this.run[quad]!.set(f32x4.add(this.run[quad]!.get, value));
  endRun = (): Code =>
    each((q) => {
      const run = this.run[q]!.get;
      return this.halves[q]!.map((half, k) =>
        half.set(f64x2.add(half.get, f64x2.promote_low_f32x4(k === 0 ? run : i32x4.shuffle(run, run, [2, 3, 2, 3])))),
      );
    });
  store = (to: Code): Code => each((q) => this.halves[q]!.map((half, k) => v128.store(to, half.get, 32 * q + 16 * k)));
}

/**
 * `z += bias`, the largest m of a slice of classes, `e = exp(z − m)` and its sum: while a panel's logits of a slice are in the first cache.
 * Parameters: firstPanel, endPanel, from, to (from < to), slice.
 */
export function sumExponentials(m: ModuleBuilder, { memory: mem, constants, fused, keep }: SoftmaxOptions): Func {
  return m.func({ params: PARAMETERS }, (f, ...parameters) => {
    const [from, last, slice] = parameters.slice(2) as [Local, Local, Local];
    const [best, made] = [QUADS.map(() => f.local("v128")), QUADS.map(() => f.local("v128"))];
    const [shift, weight] = [f.local("v128"), f.local("v128")];
    const end = f.local("i32");
    const sums = new Totals(f, constants);
    const below = mem.below === undefined ? undefined : new Totals(f, constants);
    const [z, w, largest] = [variable("z"), variable("w"), variable("largest")];
    const e = exp(sub(z, largest));
    const under = mem.classWeight === undefined ? sub(largest, z) : mul(w, sub(largest, z));
    const one = (quad: number): Code => {
      const leaves = { z: made[quad]!.get, largest: best[quad]!.get, w: weight.get };
      const roots = below ? [e, under] : [e];
      const p = printExpressions({ f, constants, fused, roots, leaf: named(leaves) });
      return [
        p.code,
        made[quad]!.set(p.value(e)),
        sums.add(quad, made[quad]!.get),
        below ? below.add(quad, p.value(under)) : [],
      ];
    };
    return overClasses(f, mem, parameters.slice(0, 4) as [Local, Local, Local, Local], ({ panel, at, v, classes }) => {
      const logit = (q: number): Code => v128.load(at.get, 16 * q);
      // All loads before all stores: engines join neighbouring stores only with nothing between them. The pseudo-maximum passes by
      // a NaN, which then comes back in the sum of the exponentials; it is one instruction where `max` takes eight.
      const raise: Code = [
        mem.bias === undefined ? [] : shift.set(splatOf(mem.bias, v)),
        each((q) => made[q]!.set(mem.bias === undefined ? logit(q) : f32x4.add(logit(q), shift.get))),
        mem.bias === undefined ? [] : store(at, made),
        each((q) => best[q]!.set(f32x4.pmax(best[q]!.get, made[q]!.get))),
      ];
      const to = (array: number): Code =>
        i32.add(offset(i32.const(array), slice.get, i32.const(mem.rows * 8)), i32.shl(panel.get, i32.const(7)));
      const all = (make: (t: Totals) => Code): Code => [make(sums), below ? make(below) : []];
      return [
        // The lowest number there is, not −∞: of a slice of logits that are all −∞, each exponential is 0.
        each((q) => best[q]!.set(v128.load32_splat(i32.const(0), constants.address(-F32_MAX)))),
        classes(raise),
        each((q) => v128.store(ofSlice(mem, slice, panel, q), best[q]!.get)),
        at.set(i32.sub(at.get, i32.mul(i32.sub(v.get, from.get), i32.const(CLASS_BYTES)))),
        v.set(from.get),
        all((t) => t.start()),
        doWhile(
          [
            all((t) => t.startRun()),
            end.set(least(f, i32.add(v.get, i32.const(RUN)), last.get)),
            doWhile(
              [
                below && mem.classWeight !== undefined ? weight.set(splatOf(mem.classWeight, v)) : [],
                each((q) => made[q]!.set(logit(q))),
                each(one),
                keep ? store(at, made) : [],
                at.set(i32.add(at.get, i32.const(CLASS_BYTES))),
                v.set(i32.add(v.get, i32.const(1))),
              ],
              i32.lt_u(v.get, end.get),
            ),
            all((t) => t.endRun()),
          ],
          i32.lt_u(v.get, last.get),
        ),
        sums.store(to(mem.sums)),
        below ? below.store(to(mem.below!)) : [],
      ];
    });
  });
}

function least(f: FunctionBuilder, a: Code, b: Code): Code {
  const x = f.local("i32");
  return [x.set(a), select(x.get, b, i32.lt_u(x.get, b))];
}

/** What `finishRows` computes of a row, and where it goes; `variable`s it may use are listed there. */
export interface RowResult {
  readonly value: Expression;
  readonly to: number;
}

/**
 * Of the rows `first … end − 1` (multiples of 4), from the maxima and sums of all slices: `results` over the variables largest, s (Σ exp),
 * below, and those of `inputs`, arrays over rows. What does not count gives 0. Parameters: first, end.
 */
export function finishRows(
  m: ModuleBuilder,
  { memory: mem, constants, fused }: SoftmaxOptions,
  o: {
    readonly slices: number;
    readonly inputs: Readonly<Record<string, number>>;
    readonly numbers: Readonly<Record<string, number>>;
    readonly results: readonly RowResult[];
  },
): Func {
  return m.func({ params: ["i32", "i32"] }, (f, first, end) => {
    const [row, slice, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const [largest, ratio] = [f.local("v128"), f.local("v128")];
    const ofRows = i32.add(i32.mul(slice.get, i32.const(mem.rows * 4)), at.get);
    const maximum = v128.load(ofRows, mem.maxima);
    const halvesOf = (x: Local): readonly [Code, Code] => [
      f64x2.promote_low_f32x4(x.get),
      f64x2.promote_low_f32x4(i32x4.shuffle(x.get, x.get, [2, 3, 2, 3])),
    ];
    /** A sum over slices of four rows' numbers of float64. */
    const sumOf = (array: number) => {
      const [low, high, value] = [f.local("v128"), f.local("v128"), f.local("v128")];
      const halves = [low, high];
      return {
        start: halves.map((half) => half.set(v128.load32_splat(i32.const(0), constants.address(0)))),
        add: (make: (part: Code, half: number) => Code): Code =>
          halves.map((half, k) =>
            half.set(f64x2.add(half.get, make(v128.load(i32.shl(ofRows, i32.const(1)), array + 16 * k), k))),
          ),
        end: value.set(
          i32x4.shuffle(f32x4.demote_f64x2_zero(low.get), f32x4.demote_f64x2_zero(high.get), [0, 1, 4, 5]),
        ),
        value,
      };
    };
    const s = sumOf(mem.sums);
    const below = mem.below === undefined ? undefined : sumOf(mem.below);
    const highest = variable("largest");
    const share = exp(sub(variable("maximum"), highest));
    const lower = mul(variable("weight"), sub(highest, variable("maximum")));
    const part = printExpressions({
      ...{ f, constants, fused, roots: below ? [share, lower] : [share] },
      leaf: named({
        ...{ maximum, largest: largest.get },
        ...(mem.sliceWeights !== undefined && { weight: splatOf(mem.sliceWeights, slice) }),
      }),
    });
    const under = f.local("v128");
    const leaves: Record<string, Code> = {
      ...{ largest: largest.get, s: s.value.get },
      ...(below && { below: below.value.get }),
      ...Object.fromEntries(Object.entries(o.inputs).map(([name, array]) => [name, v128.load(at.get, array)])),
      ...Object.fromEntries(
        Object.entries(o.numbers).map(([name, place]) => [name, v128.load32_splat(i32.const(0), place)]),
      ),
    };
    const roots = o.results.map((r) => r.value);
    const p = printExpressions({ f, constants, fused, roots, leaf: named(leaves) });
    const counted = v128.load(at.get, mem.counted);
    const overSlices = (body: Code): Code => forRange(slice, i32.const(0), i32.const(o.slices), 1, body);
    return forRange(row, first.get, end.get, 4, [
      at.set(i32.shl(row.get, i32.const(2))),
      largest.set(v128.load(at.get, mem.maxima)),
      overSlices(largest.set(f32x4.pmax(largest.get, maximum))),
      s.start,
      below?.start ?? [],
      overSlices([
        part.code,
        ratio.set(part.value(share)),
        s.add((sum, half) => f64x2.mul(sum, halvesOf(ratio)[half]!)),
        below ? [under.set(part.value(lower)), below.add((sum, half) => f64x2.add(sum, halvesOf(under)[half]!))] : [],
        v128.store(ofRows, ratio.get, mem.maxima),
      ]),
      s.end,
      below?.end ?? [],
      p.code,
      o.results.map(({ value, to }) => v128.store(at.get, v128.and(p.value(value), counted), to)),
    ]);
  });
}

/**
 * Exponentials become the gradient of the logits, except for the class that was meant: `d = e · factor − smooth · w`, 0 in rows that do
 * not count, the factor being the row's times the slice's; and their sums over rows for the bias. Parameters: firstPanel, endPanel, from, to
 * (from < to), slice, sums ([V][4]: partial sums of the gradient of the bias).
 */
export function differenceFromSmooth(
  m: ModuleBuilder,
  { memory: mem, constants, fused }: SoftmaxOptions,
  sumsForBias: boolean,
): Func {
  return m.func({ params: [...PARAMETERS, "i32"] }, (f, ...parameters) => {
    const [range, slice, sums] = [parameters.slice(0, 4), parameters[4]!, parameters[5]!];
    const vectors = (): Local[] => QUADS.map(() => f.local("v128"));
    const [factor, smooth, counted, d] = [vectors(), vectors(), vectors(), vectors()];
    const [weight, least] = [f.local("v128"), f.local("v128")];
    const sum = f.local("i32");
    const e = mul(variable("e"), variable("factor"));
    const share = mem.classWeight === undefined ? variable("smooth") : mul(variable("smooth"), variable("w"));
    const value = mem.smooth === undefined ? e : sub(e, share);
    return overClasses(f, mem, range as [Local, Local, Local, Local], ({ panel, at, v, classes }) => {
      const one = (q: number): Code => {
        const leaves = {
          e: v128.load(at.get, 16 * q),
          factor: factor[q]!.get,
          smooth: smooth[q]!.get,
          w: weight.get,
        };
        const p = printExpressions({ f, constants, fused, roots: [value], leaf: named(leaves) });
        return [p.code, d[q]!.set(v128.and(unlessVanished(p.value(value), d[q]!, least), counted[q]!.get))];
      };
      const [a, b] = [f32x4.add(d[0]!.get, d[1]!.get), f32x4.add(d[2]!.get, d[3]!.get)];
      return [
        least.set(leastNumber(constants)),
        each((q) => [
          factor[q]!.set(f32x4.mul(v128.load(rowsOf(mem.factor, panel, q)), v128.load(ofSlice(mem, slice, panel, q)))),
          counted[q]!.set(v128.load(rowsOf(mem.counted, panel, q))),
          mem.smooth === undefined ? [] : smooth[q]!.set(v128.load(rowsOf(mem.smooth, panel, q))),
        ]),
        classes([
          mem.smooth !== undefined && mem.classWeight !== undefined ? weight.set(splatOf(mem.classWeight, v)) : [],
          each(one),
          store(at, d),
          sumsForBias
            ? [
                sum.set(i32.add(i32.shl(v.get, i32.const(4)), sums.get)),
                v128.store(sum.get, f32x4.add(v128.load(sum.get), f32x4.add(a, b))),
              ]
            : [],
        ]),
      ];
    });
  });
}

/** The equations of a row: see LinearCrossEntropy in compute/plan.ts. `mass` is Σ_v y_v, `meant` the part of it on the target. */
export function rowEquations(o: {
  readonly smoothing: boolean;
}): Record<"loss" | "factor" | "target" | "smooth", Expression> {
  const [largest, s, below, meant, scale] = ["largest", "s", "below", "meant", "scale"].map(variable) as [
    ...[Expression, Expression, Expression, Expression, Expression],
  ];
  const [logit, share, allWeights] = ["logit", "share", "allWeights"].map(variable) as [
    ...[Expression, Expression, Expression],
  ];
  const own = mul(meant, add(sub(largest, logit), log(s)));
  const spread = mul(share, add(below, mul(allWeights, log(s))));
  const mass = o.smoothing ? add(meant, mul(share, allWeights)) : meant;
  return {
    loss: o.smoothing ? add(own, spread) : own,
    factor: mul(scale, div(mass, s)),
    target: mul(scale, meant),
    smooth: mul(scale, share),
  };
}
