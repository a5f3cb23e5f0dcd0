import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local, select, unreachable } from "../../print/wasm/control.ts";
import { f32, f32x4, f64, i32, memory, v128 } from "../../print/wasm/instructions.ts";
import { packPanels, transposeBlock } from "../../print/wasm/pack.ts";
import { panelProduct, TILES_BYTES, transposedPanelProduct } from "../../print/wasm/panel-product.ts";
import { isFar, offset } from "../../print/wasm/product.ts";
import {
  differenceFromSmooth,
  finishRows,
  rowEquations,
  type SoftmaxOptions,
  sumExponentials,
} from "../../print/wasm/softmax-rows.ts";
import { alone, share, solo, type Team } from "../../print/wasm/team.ts";
import type { LinearCrossEntropy } from "../plan.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";
import { type Layout, layout, SLICE } from "./linear-cross-entropy-memory.ts";

const number = (n: number): Code => i32.const(n);

/**
 * Prints a linear map with softmax cross entropy and its gradients.
 *
 * Rows of the batch are worked on in blocks whose logits Z lie as [rows / 16][V][16]. So no weight is ever packed or turned: W is the
 * left operand of both its products as it lies (Z = W xᵀ; dxᵀ = Wᵀ Z), the packed right operands are x, a few kilobytes, and Z
 * itself, which is also the left operand, in panels, of dW = Z x.
 */
export const printLinearCrossEntropy: LaunchPrinter<LinearCrossEntropy> = (context) => {
  const { m, kernel } = context;
  const { rows, classes: V } = kernel;
  if (rows * V === 0) return emptyLoss(context);
  const { team } = context;
  const mem = layout(context);
  const steps = new Steps(context, mem);
  const slices = Math.ceil(V / SLICE);
  const body = m.func({ params: [] }, (f) => {
    const [row0, here, padded, panels, slice, from, to] = [0, 1, 2, 3, 4, 5, 6].map(() => f.local("i32")) as [
      ...[Local, Local, Local, Local, Local, Local, Local],
    ];
    const first = i32.eqz(row0.get);
    /** What happens to slices of the classes: of all, or of this thread's share of them. */
    const overSlices = (whose: Team, make: () => Code): Code => {
      const mine = share(whose, slices);
      return forRange(slice, mine.from, mine.to, 1, [
        from.set(i32.mul(slice.get, number(SLICE))),
        to.set(smaller(i32.add(from.get, number(SLICE)), number(V))),
        make(),
      ]);
    };
    const block: Code = [
      here.set(smaller(i32.sub(number(rows), row0.get), number(mem.together))),
      padded.set(i32.and(i32.add(here.get, number(15)), number(-16))),
      panels.set(i32.shr_u(padded.get, number(4))),
      alone(team, steps.takeRows(f, row0, padded)),
      team.barrier,
      overSlices(team, () => [
        steps.product(panels, from, to),
        steps.pickTargets(f, padded, from, to),
        steps.exponentials.call(panels.get, from.get, to.get, slice.get),
      ]),
      team.barrier,
      alone(team, [
        steps.finish.call(padded.get),
        memory.copy(
          i32.add(number(mem.losses), i32.shl(row0.get, number(2))),
          ...[number(mem.loss), i32.shl(padded.get, number(2))],
        ),
      ]),
    ];
    // Of dx a thread has some columns, over all classes: no sum is shared. A single thread takes each slice while it is in the cache.
    const gradients = (...more: Code[]): Code =>
      overSlices(team, () => [
        steps.difference.call(panels.get, from.get, to.get, slice.get),
        steps.subtractTargets(f, padded, from, to),
        steps.weightGradient(f, padded, first, from, to),
        more,
      ]);
    const inputs = steps.inputGradient(panels, from, to);
    const back: Code =
      kernel.gradients.length === 0
        ? []
        : [
            team.barrier,
            team.threads === 1 ? gradients(inputs) : [gradients(), team.barrier, overSlices(solo, () => inputs)],
            steps.putInputGradient(f, row0, here),
          ];
    return [
      alone(team, steps.weighRows(f)),
      forRange(row0, number(0), number(rows), mem.together, [block, back]),
      overSlices(team, () => steps.putBiasGradient(f, from, to)),
      alone(team, steps.putLoss(f)),
    ];
  });
  return body.call();
};

const smaller = (a: Code, b: Code): Code => select(a, b, i32.lt_u(a, b));

/** Nothing to sum up: a sum is 0, a mean NaN, gradients are 0. */
function emptyLoss({ kernel, address }: LaunchContext<LinearCrossEntropy>): Code {
  const lengths = { x: kernel.rows * kernel.columns, weight: kernel.classes * kernel.columns, bias: kernel.classes };
  return [
    f32.store(number(address("loss")), f32.const(kernel.mean ? Number.NaN : 0)),
    kernel.gradients.map((name) => memory.fill(number(address(`d.${name}`)), number(0), number(lengths[name] * 4))),
  ];
}

type MeantBody = (i: Local, at: Local, target: Local) => Code;

/** What happens to a block of rows, in its order. */
class Steps {
  readonly exponentials;
  readonly finish;
  readonly difference;
  private readonly context: LaunchContext<LinearCrossEntropy>;
  private readonly mem: Layout;

  constructor(context: LaunchContext<LinearCrossEntropy>, mem: Layout) {
    this.context = context;
    this.mem = mem;
    const { m, kernel, constants, fused } = context;
    const { labelSmoothing: epsilon, classes: V } = kernel;
    const smoothing = epsilon > 0;
    const keep = kernel.gradients.length > 0;
    const options: SoftmaxOptions = { memory: mem, constants, fused, keep };
    const equations = rowEquations({ smoothing });
    const results = [
      { value: equations.loss, to: mem.loss },
      ...(keep
        ? [
            { value: equations.factor, to: mem.factor },
            { value: equations.target, to: mem.target },
          ]
        : []),
      ...(keep && mem.smooth !== undefined ? [{ value: equations.smooth, to: mem.smooth }] : []),
    ];
    const slices = Math.ceil(V / SLICE);
    this.exponentials = sumExponentials(m, options);
    this.finish = finishRows(m, options, {
      slices,
      inputs: { logit: mem.logit, meant: mem.meant },
      numbers: { share: constants.address(epsilon / V), allWeights: mem.sumOfWeights, scale: mem.scale },
      results,
    });
    this.difference = differenceFromSmooth(m, options);
  }

  /** x of a block of rows is the right operand of every slice. */
  private get rowsAreFar(): boolean {
    const { m, kernel } = this.context;
    return isFar(m, this.mem.together * kernel.columns * 4);
  }

  private wants(name: "x" | "weight" | "bias"): boolean {
    return this.context.kernel.gradients.includes(name);
  }

  /** For all rows: whether they count, the class that was meant and (1 − ε) times its weight; then what the sums are divided by. */
  weighRows(f: FunctionBuilder): Code {
    const { kernel, address, constants } = this.context;
    const { rows, classes: V, labelSmoothing: epsilon } = kernel;
    const { mem } = this;
    const [r, at, target] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const [total, weight] = [f.local("f64"), f.local("f32")];
    const operand = (name: string): Code => i32.add(at.get, number(address(name)));
    const counts: Code = [
      i32.ne(target.get, number(kernel.ignoreIndex)),
      kernel.masked ? [f32.gt(f32.load(operand("mask")), f32.const(0)), 0x71] : [],
    ];
    const own = kernel.weighted
      ? f32.load(i32.add(i32.shl(target.get, number(2)), number(address("classWeight"))))
      : f32.const(1);
    const [slice, part] = [f.local("i32"), f.local("f64")];
    const classWeight = kernel.weighted
      ? f64.promote_f32(f32.load(i32.shl(r.get, number(2)), address("classWeight")))
      : f64.const(1);
    const end = i32.add(i32.mul(slice.get, number(SLICE)), number(SLICE));
    // Of all classes; with label smoothing of each slice as well.
    const sumOfWeights =
      kernel.weighted || mem.sliceWeights !== undefined
        ? forRange(slice, number(0), number(Math.ceil(V / SLICE)), 1, [
            part.set(f64.const(0)),
            forRange(r, i32.mul(slice.get, number(SLICE)), smaller(end, number(V)), 1, [
              part.set(f64.add(part.get, classWeight)),
            ]),
            total.set(f64.add(total.get, part.get)),
            mem.sliceWeights === undefined
              ? []
              : f32.store(i32.shl(slice.get, number(2)), f32.demote_f64(part.get), mem.sliceWeights),
          ])
        : total.set(f64.const(V));
    const denominator = kernel.mean ? total.get : f64.const(1);
    return [
      sumOfWeights,
      f32.store(number(mem.sumOfWeights), f32.demote_f64(total.get)),
      total.set(f64.const(0)),
      [mem.allCounted, mem.allTargets, mem.allWeights].map((to) => memory.fill(number(to), number(0), number(mem.all))),
      forRange(r, number(0), number(rows), 1, [
        at.set(i32.shl(r.get, number(2))),
        target.set(i32.load(operand("target"))),
        if_(counts, [
          if_(i32.ge_u(target.get, number(V)), unreachable),
          weight.set(own),
          total.set(f64.add(total.get, f64.promote_f32(weight.get))),
          i32.store(at.get, number(-1), mem.allCounted),
          i32.store(at.get, target.get, mem.allTargets),
          f32.store(at.get, f32.mul(weight.get, f32.load(number(constants.address(1 - epsilon)))), mem.allWeights),
        ]),
      ]),
      f64.store(number(mem.total), denominator),
      kernel.gradients.length === 0
        ? []
        : f32.store(
            number(mem.scale),
            f32.demote_f64(f64.div(f64.promote_f32(f32.load(number(address("seed")))), f64.load(number(mem.total)))),
          ),
      mem.biasSums === undefined ? [] : memory.fill(number(mem.biasSums), number(0), number(V * 16)),
    ];
  }

  /** The rows of a block: what counts of them, and x as right operand of both its products, zeros in rows that do not count. */
  takeRows(f: FunctionBuilder, row0: Local, padded: Local): Code {
    const { m, kernel, address } = this.context;
    const { mem } = this;
    const H = kernel.columns;
    const [i, at] = [f.local("i32"), f.local("i32")];
    const part = (from: number, to: number): Code =>
      memory.copy(number(to), i32.add(i32.shl(row0.get, number(2)), number(from)), i32.shl(padded.get, number(2)));
    return [
      part(mem.allCounted, mem.counted),
      part(mem.allTargets, mem.targets),
      part(mem.allWeights, mem.meant),
      forRange(i, number(0), padded.get, 1, [
        at.set(offset(number(mem.rowsOfX), i.get, number(H * 4))),
        if_(
          i32.load(i32.shl(i.get, number(2)), mem.counted),
          memory.copy(at.get, offset(number(address("x")), i32.add(row0.get, i.get), number(H * 4)), number(H * 4)),
          memory.fill(at.get, number(0), number(H * 4)),
        ),
      ]),
      packPanels(m).call(...[mem.rowsOfX, 4, H * 4, H].map(number), padded.get, number(mem.turnedX)),
      kernel.gradients.length === 0
        ? []
        : packPanels(m).call(...[mem.rowsOfX, H * 4, 4].map(number), padded.get, ...[H, mem.packedX].map(number)),
    ];
  }

  /** Z of the classes `from … to − 1`: their weights times x. */
  product(panels: Local, from: Local, to: Local): Code {
    const { m, kernel, address, zeros, fused } = this.context;
    const { mem } = this;
    const H = kernel.columns;
    return panelProduct(m, { layout: "rows", fused, far: this.rowsAreFar }).call(
      ...[panels.get, i32.sub(to.get, from.get), number(H)],
      ...[offset(number(address("weight")), from.get, number(H * 4)), number(H * 4)],
      ...[mem.turnedX, H * 64, zeros, 0, 0].map(number),
      ...[this.logitsOf(from), number(64), number(kernel.classes * 64)],
    );
  }

  private logitsOf(from: Local): Code {
    return offset(number(this.mem.logits), from.get, number(64));
  }

  /** The address of Z at row `i` and its target `target`. */
  private logitAt(i: Local, target: Code): Code {
    return i32.add(
      offset(number(this.mem.logits), i32.shr_u(i.get, number(4)), number(this.context.kernel.classes * 64)),
      i32.add(i32.shl(target, number(6)), i32.shl(i32.and(i.get, number(15)), number(2))),
    );
  }

  /** What happens to the rows that meant one of the classes `from … to − 1`: `at` is four times the row. */
  private whereMeant(f: FunctionBuilder, padded: Local, [from, to]: readonly [Local, Local], body: MeantBody): Code {
    const [i, at, target] = [f.local("i32"), f.local("i32"), f.local("i32")];
    return forRange(i, number(0), padded.get, 1, [
      at.set(i32.shl(i.get, number(2))),
      target.set(i32.load(at.get, this.mem.targets)),
      if_(i32.lt_u(i32.sub(target.get, from.get), i32.sub(to.get, from.get)), body(i, at, target)),
    ]);
  }

  /** The logits that were meant, of the classes `from … to − 1`, before exponentials take their place. */
  pickTargets(f: FunctionBuilder, padded: Local, from: Local, to: Local): Code {
    const { bias } = this.mem;
    return this.whereMeant(f, padded, [from, to], (i, at, target) => {
      const product = f32.load(this.logitAt(i, target.get));
      const logit = bias === undefined ? product : f32.add(product, f32.load(i32.shl(target.get, number(2)), bias));
      return f32.store(at.get, logit, this.mem.logit);
    });
  }

  /** The gradient of the logits that were meant, where they are among the classes `from … to − 1`. */
  subtractTargets(f: FunctionBuilder, padded: Local, from: Local, to: Local): Code {
    const { mem } = this;
    const place = f.local("i32");
    const amount = f.local("f32");
    const lower = (address: Code): Code => [
      place.set(address),
      f32.store(place.get, f32.sub(f32.load(place.get), amount.get)),
    ];
    return this.whereMeant(f, padded, [from, to], (i, at, target) => {
      const lane = i32.shl(i32.and(i.get, number(3)), number(2));
      return [
        amount.set(f32.load(at.get, mem.target)),
        lower(this.logitAt(i, target.get)),
        mem.biasSums === undefined
          ? []
          : lower(i32.add(i32.add(i32.shl(target.get, number(4)), lane), number(mem.biasSums))),
      ];
    });
  }

  /** `dW += dZ x` for the classes `from … to − 1`; the first block of rows begins. */
  weightGradient(f: FunctionBuilder, padded: Local, first: Code, from: Local, to: Local): Code {
    const { m, kernel, address, zeros, fused, team } = this.context;
    if (!this.wants("weight")) return [];
    const myTile = offset(number(this.mem.tile), team.thread, number(SLICE * 64));
    const { mem } = this;
    const H = kernel.columns;
    const [count, out, v, j, at] = [0, 1, 2, 3, 4].map(() => f.local("i32")) as [Local, Local, Local, Local, Local];
    const whole = Math.floor(H / 16);
    const product = (panels: number, skip: number, init: readonly Code[], c: readonly Code[]): Code =>
      panels === 0
        ? []
        : panelProduct(m, { layout: "panels", fused, far: this.rowsAreFar }).call(
            ...[number(panels), count.get, padded.get, this.logitsOf(from), number(kernel.classes * 64)],
            offset(number(mem.packedX), padded.get, number(skip * 64)),
            ...[i32.shl(padded.get, number(6)), ...init, ...c],
          );
    const stride = number(H * 4);
    const [element, tile] = [i32.add(at.get, i32.shl(j.get, number(2))), i32.shl(j.get, number(2))];
    const fromTile = f32.load(i32.add(i32.add(myTile, i32.shl(v.get, number(6))), tile));
    const tail: Code =
      H % 16 === 0
        ? []
        : [
            // The last columns through scratch memory: whole vectors would reach into the next row.
            product(1, whole, [number(zeros), number(0), number(0)], [myTile, number(64), number(0)]),
            forRange(v, number(0), count.get, 1, [
              at.set(i32.add(offset(out.get, v.get, stride), number(whole * 64))),
              forRange(j, number(0), number(H % 16), 1, [
                f32.store(element, f32.add(if_(first, f32.const(0), f32.load(element), "f32"), fromTile)),
              ]),
            ]),
          ];
    return [
      count.set(i32.sub(to.get, from.get)),
      out.set(offset(number(address("d.weight")), from.get, stride)),
      product(
        whole,
        0,
        [select(number(zeros), out.get, first), select(number(0), stride, first), select(number(0), number(64), first)],
        [out.get, stride, number(64)],
      ),
      tail,
    ];
  }

  /** `dxᵀ += Wᵀ dZ` over the classes `from … to − 1`, of this thread's columns of x. */
  inputGradient(panels: Local, from: Local, to: Local): Code {
    const { m, kernel, address, zeros, fused, team } = this.context;
    if (!this.wants("x")) return [];
    const { mem } = this;
    const H = kernel.columns;
    const mine = share(team, H);
    const product = (keep: boolean): Code =>
      transposedPanelProduct(m, { fused, zeros, descending: false, keep }).call(
        ...[panels.get, i32.sub(mine.to, mine.from), i32.sub(to.get, from.get)],
        i32.add(offset(number(address("weight")), from.get, number(H * 4)), i32.shl(mine.from, number(2))),
        ...[number(H * 4), this.logitsOf(from), number(kernel.classes * 64)],
        ...[i32.add(number(mem.dx), i32.shl(mine.from, number(6))), number(H * 64)],
        offset(number(mem.tiles), team.thread, number(TILES_BYTES)),
      );
    return if_(from.get, product(true), product(false));
  }

  putInputGradient(f: FunctionBuilder, row0: Local, here: Local): Code {
    const { m, kernel, address, team } = this.context;
    if (!this.wants("x")) return [];
    const H = kernel.columns;
    const mine = share(team, H);
    const i = f.local("i32");
    const out = offset(number(address("d.x")), i32.add(row0.get, i.get), number(H * 4));
    return forRange(i, number(0), here.get, 16, [
      transposeBlock(m).call(
        i32.add(offset(number(this.mem.dx), i.get, number(H * 4)), i32.shl(mine.from, number(6))),
        ...[number(64), i32.sub(mine.to, mine.from), smaller(i32.sub(here.get, i.get), number(16))],
        ...[i32.add(out, i32.shl(mine.from, number(2))), number(H * 4)],
      ),
    ]);
  }

  putBiasGradient(f: FunctionBuilder, from: Local, to: Local): Code {
    const { address } = this.context;
    const { biasSums } = this.mem;
    if (biasSums === undefined) return [];
    const [v, sums] = [f.local("i32"), f.local("v128")];
    const lane = (k: number): Code => f32x4.extract_lane(sums.get, k);
    return forRange(v, from.get, to.get, 1, [
      sums.set(v128.load(i32.shl(v.get, number(4)), biasSums)),
      f32.store(
        i32.shl(v.get, number(2)),
        f32.add(f32.add(lane(0), lane(2)), f32.add(lane(1), lane(3))),
        address("d.bias"),
      ),
    ]);
  }

  putLoss(f: FunctionBuilder): Code {
    const { kernel, address } = this.context;
    const [r, sum] = [f.local("i32"), f.local("f64")];
    return [
      sum.set(f64.const(0)),
      forRange(r, number(0), number(kernel.rows), 1, [
        sum.set(f64.add(sum.get, f64.promote_f32(f32.load(i32.shl(r.get, number(2)), this.mem.losses)))),
      ]),
      f32.store(number(address("loss")), f32.demote_f64(f64.div(sum.get, f64.load(number(this.mem.total))))),
    ];
  }
}
