import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local, select, smaller, unreachable } from "../../print/wasm/control.ts";
import { f32, f32x4, f64, i32, memory, v128 } from "../../print/wasm/instructions.ts";
import { packApart, packPanels, transposeBlock } from "../../print/wasm/pack.ts";
import { panelProduct, TILES_BYTES, transposedPanelProduct } from "../../print/wasm/panel-product.ts";
import { isFar, offset } from "../../print/wasm/product.ts";
import {
  differenceFromSmooth,
  finishRows,
  rowEquations,
  type SoftmaxOptions,
  sumExponentials,
} from "../../print/wasm/softmax-rows.ts";
import { alone, type Share, share } from "../../print/wasm/team.ts";
import type { LinearCrossEntropy } from "../plan.ts";
import type { LaunchContext } from "./launch.ts";
import { type Layout, SLICE } from "./linear-cross-entropy-memory.ts";
import type { Rows } from "./linear-cross-entropy-rows.ts";

const number = (n: number): Code => i32.const(n);

/** The classes `from … to − 1` of a slice. */
export type Classes = Readonly<Record<"slice" | "from" | "to", Local>>;

type MeantBody = (row: Local, at: Local, target: Local) => Code;

/** What happens to rows, in its order. */
export class Steps {
  readonly context: LaunchContext<LinearCrossEntropy>;
  readonly mem: Layout;
  private readonly exponentials;
  private readonly finish;
  private readonly difference;

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
    this.difference = differenceFromSmooth(m, options, mem.biasSums !== undefined);
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
      mem.biasSums === undefined ? [] : memory.fill(number(mem.biasSums), number(0), number(mem.groups * V * 16)),
    ];
  }

  /** What counts of some rows, and x as right operand of both its products, zeros in rows that do not count. */
  takeRows(f: FunctionBuilder, of: Rows): Code {
    const { m, kernel, address } = this.context;
    const { mem } = this;
    const H = kernel.columns;
    const [i, at] = [f.local("i32"), f.local("i32")];
    const part = (from: number, to: number): Code =>
      memory.copy(
        i32.add(number(to), i32.shl(of.firstRow, number(2))),
        i32.add(number(from), i32.shl(of.inBatch(of.firstRow), number(2))),
        i32.shl(of.count, number(2)),
      );
    const from = offset(number(mem.rowsOfX), of.firstRow, number(H * 4));
    return [
      part(mem.allCounted, mem.counted),
      part(mem.allTargets, mem.targets),
      part(mem.allWeights, mem.meant),
      forRange(i, of.firstRow, of.endRow, 1, [
        at.set(offset(number(mem.rowsOfX), i.get, number(H * 4))),
        if_(
          i32.load(i32.shl(i.get, number(2)), mem.counted),
          memory.copy(at.get, offset(number(address("x")), of.inBatch(i.get), number(H * 4)), number(H * 4)),
          memory.fill(at.get, number(0), number(H * 4)),
        ),
      ]),
      packPanels(m).call(
        ...[from, number(4), number(H * 4), number(H), of.count],
        offset(number(mem.turnedX), of.first.get, number(H * 64)),
      ),
      kernel.gradients.length === 0
        ? []
        : packApart(m).call(
            ...[from, number(H * 4), number(4), of.count, number(H)],
            ...[this.packedX(of), i32.shl(i32.sub(number(mem.rows), of.count), number(6))],
          ),
    ];
  }

  /** Of some classes: Z, their weights times x; the logits that were meant; exponentials and their sums. */
  softmax(f: FunctionBuilder, of: Rows, { slice, from, to }: Classes): Code {
    const { m, kernel, address, zeros, fused } = this.context;
    const { mem } = this;
    const H = kernel.columns;
    const product = panelProduct(m, { layout: "rows", fused, far: this.rowsAreFar }).call(
      ...[of.panels, i32.sub(to.get, from.get), number(H)],
      ...[offset(number(address("weight")), from.get, number(H * 4)), number(H * 4)],
      ...[offset(number(mem.turnedX), of.first.get, number(H * 64)), number(H * 64), ...[zeros, 0, 0].map(number)],
      ...[this.logitsOf(of, from), number(64), number(kernel.classes * 64)],
    );
    const exponentials = this.exponentials.call(of.first.get, of.end.get, from.get, to.get, slice.get);
    return [product, this.pickTargets(f, of, [from, to]), exponentials];
  }

  /** Losses, and what gradients take of them. */
  finishRows(of: Rows): Code {
    const { mem } = this;
    const place = (array: number, row: Code): Code => i32.add(number(array), i32.shl(row, number(2)));
    return [
      this.finish.call(of.firstRow, of.endRow),
      memory.copy(
        place(mem.losses, of.inBatch(of.firstRow)),
        ...[place(mem.loss, of.firstRow), i32.shl(of.count, number(2))],
      ),
    ];
  }

  private logitsOf(of: Rows, from: Local): Code {
    const panel = offset(number(this.mem.logits), of.first.get, number(this.context.kernel.classes * 64));
    return offset(panel, from.get, number(64));
  }

  private packedX(of: Rows): Code {
    return i32.add(number(this.mem.packedX), i32.shl(of.first.get, number(10)));
  }

  /** Where a group of blocks of rows has its sums over rows: [V][4], or undefined. */
  private biasSums(group: Code): Code | undefined {
    const { biasSums } = this.mem;
    return biasSums === undefined
      ? undefined
      : offset(number(biasSums), group, number(this.context.kernel.classes * 16));
  }

  /** The address of Z at row `i` and its target `target`. */
  private logitAt(i: Local, target: Code): Code {
    return i32.add(
      offset(number(this.mem.logits), i32.shr_u(i.get, number(4)), number(this.context.kernel.classes * 64)),
      i32.add(i32.shl(target, number(6)), i32.shl(i32.and(i.get, number(15)), number(2))),
    );
  }

  /** What happens to the rows that meant one of the classes `from … to − 1`: `at` is four times the row. */
  private whereMeant(f: FunctionBuilder, of: Rows, [from, to]: readonly [Local, Local], body: MeantBody): Code {
    const [i, at, target] = [f.local("i32"), f.local("i32"), f.local("i32")];
    return forRange(i, of.firstRow, of.endRow, 1, [
      at.set(i32.shl(i.get, number(2))),
      target.set(i32.load(at.get, this.mem.targets)),
      if_(i32.lt_u(i32.sub(target.get, from.get), i32.sub(to.get, from.get)), body(i, at, target)),
    ]);
  }

  /** The logits that were meant, of the classes `from … to − 1`, before exponentials take their place. */
  private pickTargets(f: FunctionBuilder, of: Rows, classes: readonly [Local, Local]): Code {
    const { bias } = this.mem;
    return this.whereMeant(f, of, classes, (i, at, target) => {
      const product = f32.load(this.logitAt(i, target.get));
      const logit = bias === undefined ? product : f32.add(product, f32.load(i32.shl(target.get, number(2)), bias));
      return f32.store(at.get, logit, this.mem.logit);
    });
  }

  /** The gradient of the logits that were meant, where they are among the classes `from … to − 1`. */
  private subtractTargets(
    f: FunctionBuilder,
    of: Rows,
    classes: readonly [Local, Local],
    biasSums: Code | undefined,
  ): Code {
    const { mem } = this;
    const place = f.local("i32");
    const amount = f.local("f32");
    const lower = (address: Code): Code => [
      place.set(address),
      f32.store(place.get, f32.sub(f32.load(place.get), amount.get)),
    ];
    return this.whereMeant(f, of, classes, (i, at, target) => {
      const lane = i32.shl(i32.and(i.get, number(3)), number(2));
      return [
        amount.set(f32.load(at.get, mem.target)),
        lower(this.logitAt(i, target.get)),
        biasSums === undefined ? [] : lower(i32.add(i32.add(i32.shl(target.get, number(4)), lane), biasSums)),
      ];
    });
  }

  /** Z becomes its gradient for some classes, and `dW += dZ x`: the sum of a group of blocks, which `begins` with these rows or goes on. */
  weightGradient(
    f: FunctionBuilder,
    of: Rows,
    { slice, from, to }: Classes,
    { group, begins }: { readonly group: Code; readonly begins: Code },
  ): Code {
    const biasSums = this.biasSums(group);
    const range = [of.first.get, of.end.get, from.get, to.get, slice.get];
    return [
      this.difference.call(...range, biasSums ?? number(0)),
      this.subtractTargets(f, of, [from, to], biasSums),
      this.wants("weight") ? this.addToWeight(f, of, [from, to], { group, begins }) : [],
    ];
  }

  private addToWeight(
    f: FunctionBuilder,
    of: Rows,
    [from, to]: readonly [Local, Local],
    { group, begins }: { readonly group: Code; readonly begins: Code },
  ): Code {
    const { m, kernel, zeros, fused, team } = this.context;
    const myTile = offset(number(this.mem.tile), team.thread, number(SLICE * 64));
    const { mem } = this;
    const H = kernel.columns;
    const [count, out, v, j, at] = [0, 1, 2, 3, 4].map(() => f.local("i32")) as [Local, Local, Local, Local, Local];
    const first = f.local("i32");
    const whole = Math.floor(H / 16);
    const product = (panels: number, skip: number, init: readonly Code[], c: readonly Code[]): Code =>
      panels === 0
        ? []
        : panelProduct(m, { layout: "panels", fused, far: this.rowsAreFar }).call(
            ...[number(panels), count.get, of.count, this.logitsOf(of, from), number(kernel.classes * 64)],
            i32.add(this.packedX(of), number(skip * mem.rows * 64)),
            ...[number(mem.rows * 64), ...init, ...c],
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
                f32.store(element, f32.add(if_(first.get, f32.const(0), f32.load(element), "f32"), fromTile)),
              ]),
            ]),
          ];
    return [
      first.set(begins),
      count.set(i32.sub(to.get, from.get)),
      out.set(offset(offset(number(mem.weightSums), group, number(mem.weightBytes)), from.get, stride)),
      product(
        whole,
        0,
        [
          ...[select(number(zeros), out.get, first.get), select(number(0), stride, first.get)],
          select(number(0), number(64), first.get),
        ],
        [out.get, stride, number(64)],
      ),
      tail,
    ];
  }

  /** `dxᵀ += Wᵀ dZ` over some classes, of some columns of x. */
  inputGradient(of: Rows, { from, to }: Classes, columns: Share): Code {
    const { m, kernel, address, zeros, fused, team } = this.context;
    if (!this.wants("x")) return [];
    const { mem } = this;
    const H = kernel.columns;
    const product = (keep: boolean): Code =>
      transposedPanelProduct(m, { fused, zeros, descending: false, keep }).call(
        ...[of.panels, i32.sub(columns.to, columns.from), i32.sub(to.get, from.get)],
        i32.add(offset(number(address("weight")), from.get, number(H * 4)), i32.shl(columns.from, number(2))),
        ...[number(H * 4), this.logitsOf(of, from), number(kernel.classes * 64)],
        i32.add(offset(number(mem.dx), of.first.get, number(H * 64)), i32.shl(columns.from, number(6))),
        ...[number(H * 64), offset(number(mem.tiles), team.thread, number(TILES_BYTES))],
      );
    return if_(from.get, product(true), product(false));
  }

  putInputGradient(f: FunctionBuilder, of: Rows, columns: Share): Code {
    const { m, kernel, address } = this.context;
    if (!this.wants("x")) return [];
    const H = kernel.columns;
    const i = f.local("i32");
    const out = offset(number(address("d.x")), of.inBatch(i.get), number(H * 4));
    return forRange(i, of.firstRow, of.endRow, 16, [
      transposeBlock(m).call(
        i32.add(offset(number(this.mem.dx), i.get, number(H * 4)), i32.shl(columns.from, number(6))),
        ...[number(64), i32.sub(columns.to, columns.from), smaller(of.from(i.get), number(16))],
        ...[i32.add(out, i32.shl(columns.from, number(2))), number(H * 4)],
      ),
    ]);
  }

  /** The gradient of the weights, from the sums of all groups: each thread some elements of it. */
  putWeightGradient(f: FunctionBuilder): Code {
    const { kernel, address, team } = this.context;
    const { groups, weightSums, weightBytes } = this.mem;
    if (!this.wants("weight") || groups === 1) return [];
    const bytes = kernel.classes * kernel.columns * 4;
    const fours = bytes - (bytes % 16);
    const at = f.local("i32");
    const parts = Array.from({ length: groups }, (_, k) => weightSums + k * weightBytes);
    const four = parts.map((part) => v128.load(at.get, part)).reduce((sum, part) => f32x4.add(sum, part));
    const one = parts.map((part) => f32.load(at.get, part)).reduce((sum, part) => f32.add(sum, part));
    const { from, to } = share(team, fours, 16);
    return [
      forRange(at, from, to, 16, v128.store(at.get, four, address("d.weight"))),
      alone(team, forRange(at, number(fours), number(bytes), 4, f32.store(at.get, one, address("d.weight")))),
    ];
  }

  /** Likewise that of the bias. */
  putBiasGradient(f: FunctionBuilder): Code {
    const { kernel, address, team } = this.context;
    const { groups, biasSums } = this.mem;
    if (biasSums === undefined) return [];
    const [v, sum] = [f.local("i32"), f.local("v128")];
    const parts = Array.from({ length: groups }, (_, k) =>
      v128.load(i32.shl(v.get, number(4)), biasSums + k * kernel.classes * 16),
    );
    const lane = (k: number): Code => f32x4.extract_lane(sum.get, k);
    const { from, to } = share(team, kernel.classes);
    return forRange(v, from, to, 1, [
      sum.set(parts.reduce((total, part) => f32x4.add(total, part))),
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
