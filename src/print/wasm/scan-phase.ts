import type { AnyNode } from "../../math/expression.ts";
import type { Place, Store } from "../../scan/program.ts";
import type { Func, FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { doWhile, forRange, type Local } from "./control.ts";
import { printExpressions } from "./expression.ts";
import { f32x4, i8x16, i32, v128 } from "./instructions.ts";
import type { Constants } from "./vectors.ts";

/** Memory that one phase of a step works on. All numbers are bytes; rows and panels are as in compute/wasm/scan-layout.ts. */
export interface PhaseMemory {
  /** T·B and B: rows of a panel, rows of a step. */
  readonly rows: number;
  readonly batch: number;
  /** Elements of a row, rounded up to whole panels of 16, and as they are in the caller's tensors. */
  readonly paddedWidth: number;
  readonly width: number;
  readonly slot: (slot: number) => number;
  /** Rows [T·B] of: a state before and after each step, operands, traces, the staged adjoint of the output. */
  readonly previous: (state: string) => number;
  readonly next: (state: string) => number;
  readonly operand: (operand: number) => number;
  readonly trace: (name: string) => number;
  readonly outputAdjoint: (state: string) => number | undefined;
  /** Rows [2][B] of the adjoint of a state: read from one half, written to the other. */
  readonly carry: (state: string) => number;
  /** Rows [B] of the adjoint of an operand. */
  readonly back: (operand: number) => number;
  /** One number for each of [T·B]. */
  readonly mean: (mean: number) => number;
  readonly backMean: (mean: number) => number;
  readonly mask: number | undefined;
  /** Four partial sums for each of [padded width / 4][B]. */
  readonly meanSums: (mean: number) => number;
  /** Unit weights, sums of their gradients, sums of the gradients in a slot (undefined: nobody asks). */
  readonly weight: (name: string) => number;
  readonly weightSum: (name: string) => number;
  readonly slotSum: (slot: number) => number | undefined;
  /** Random masks, dense [B, width] or [T, B, width]. */
  readonly drawn: (name: string) => { readonly address: number; readonly perStep: boolean };
  /** All bits set for units that exist, 0 for those that fill up the last panel. */
  readonly lanes: number;
}

export interface PhaseOptions {
  readonly stores: readonly Store[];
  readonly means: readonly { readonly mean: number; readonly values: readonly AnyNode[] }[];
  /** Where a node can be loaded; undefined: it is computed. */
  readonly place: (node: AnyNode) => Place | undefined;
  readonly memory: PhaseMemory;
  readonly constants: Constants;
  readonly fused: boolean;
}

/**
 * Prints one phase of a step for one panel of 16 units: a function of (panel, step, carry half to read in bytes, carry half
 * to write). Vectors of four units run outside, the examples of the batch inside, so that sums over the batch stay in registers.
 */
export function printPhase(m: ModuleBuilder, o: PhaseOptions): Func {
  const { memory: mem } = o;
  const rowBytes = mem.paddedWidth * 4;
  return m.func({ params: ["i32", "i32", "i32", "i32"] }, (f, panel, t, half, otherHalf) => {
    const vector = f.local("i32");
    const unit = f.local("i32");
    const end = f.local("i32");
    const walk = new Pointers(f, mem, { panel, t, half, otherHalf, unit });
    const lanes = f.local("v128");
    const sums = new Sums(f, unit);
    const body = exampleBody(f, o, walk, lanes, sums);
    return [
      forRange(vector, i32.const(0), i32.const(64), 16, [
        unit.set(i32.add(i32.shl(panel.get, i32.const(6)), vector.get)),
        lanes.set(v128.load(unit.get, mem.lanes)),
        walk.start(vector.get),
        end.set(i32.add(walk.row.get, i32.const(mem.batch * rowBytes))),
        sums.start(),
        // At least one example: B ≥ 1.
        loopUntil(walk.row, end, [body, walk.next()]),
        sums.finish(),
      ]),
    ];
  });
}

const loopUntil = (pointer: Local, end: Local, body: Code): Code => doWhile(body, i32.ne(pointer.get, end.get));

/** What is read, computed and written for four units of one example. */
function exampleBody(f: FunctionBuilder, o: PhaseOptions, walk: Pointers, lanes: Local, sums: Sums): Code {
  const { memory: mem, constants } = o;
  const load = (n: AnyNode): Code | undefined => {
    const place = o.place(n);
    return place && walk.load(place);
  };
  const roots = [...o.stores.map((s) => s.value), ...o.means.flatMap((m) => m.values)];
  const printed = printExpressions({ f, roots, leaf: load, constants, fused: o.fused });
  const seen = f.local("v128");
  const masked = mem.mask !== undefined;
  const ifSeen = (value: Code): Code => (masked ? v128.and(value, seen.get) : value);
  const inLane = (value: Code): Code => v128.and(value, lanes.get);
  const stores = o.stores.map(({ value, to }): Code => {
    const v = printed.value(value);
    switch (to.kind) {
      case "slot": {
        const sum = mem.slotSum(to.slot);
        if (sum === undefined) return v128.store(walk.panelRow.get, v, mem.slot(to.slot));
        const part = f.local("v128");
        return [
          part.set(ifSeen(inLane(v))),
          v128.store(walk.panelRow.get, part.get, mem.slot(to.slot)),
          sums.add(sum, part.get),
        ];
      }
      case "next": {
        const next = masked ? v128.bitselect(v, walk.load({ kind: "previous", state: to.state }), seen.get) : v;
        return v128.store(walk.row.get, next, mem.next(to.state));
      }
      case "carry": {
        const carry = masked ? v128.bitselect(v, walk.load({ kind: "adjoint", state: to.state }), seen.get) : v;
        return v128.store(walk.carryOut.get, carry, mem.carry(to.state));
      }
      case "operand":
        return v128.store(walk.row.get, v, mem.operand(to.operand));
      case "trace":
      case "traceGradient":
        return v128.store(walk.row.get, ifSeen(v), mem.trace(to.name));
      case "weightGradient":
        return sums.add(mem.weightSum(to.name), ifSeen(v));
      default:
        throw new TypeError(`a phase cannot store into '${to.kind}'`);
    }
  });
  const means = o.means.map(({ mean, values }): Code => {
    const total = values.map((v) => inLane(printed.value(v))).reduce((a, b) => f32x4.add(a, b));
    return v128.store(walk.quad.get, total, mem.meanSums(mean));
  });
  const look = masked
    ? seen.set(
        f32x4.ne(v128.load32_splat(walk.number.get, mem.mask), v128.load32_splat(i32.const(0), constants.address(0))),
      )
    : [];
  return [look, printed.code, stores, means];
}

/** Sums over the batch, in registers while the examples run by. */
class Sums {
  private readonly parts: { readonly address: number; readonly local: Local }[] = [];
  private readonly f: FunctionBuilder;
  private readonly unit: Local;

  constructor(f: FunctionBuilder, unit: Local) {
    this.f = f;
    this.unit = unit;
  }
  add(address: number, value: Code): Code {
    const local = this.f.local("v128");
    this.parts.push({ address, local });
    return local.set(f32x4.add(local.get, value));
  }
  start(): Code {
    return this.parts.map(({ local }) => local.set(v128.const(0, 0, 0, 0)));
  }
  /** Adds what the batch gave to the totals of the steps before. */
  finish(): Code {
    return this.parts.map(({ address, local }) =>
      v128.store(this.unit.get, f32x4.add(v128.load(this.unit.get, address), local.get), address),
    );
  }
}

/** The addresses of an example's four units in every kind of memory; all differ from one another by constants only. */
class Pointers {
  /** In a panel of 16 units: 64 bytes a row. */
  readonly panelRow: Local;
  /** In rows [T·B] of padded width. */
  readonly row: Local;
  readonly carryIn: Local;
  readonly carryOut: Local;
  /** In rows [B] of padded width. */
  readonly small: Local;
  /** One number, four numbers an example. */
  readonly number: Local;
  readonly quad: Local;
  private readonly drawnRow: Local;
  private readonly drawnStep: Local;
  private readonly mem: PhaseMemory;
  private readonly from: { panel: Local; t: Local; half: Local; otherHalf: Local; unit: Local };

  constructor(f: FunctionBuilder, mem: PhaseMemory, from: Pointers["from"]) {
    this.mem = mem;
    this.from = from;
    const local = (): Local => f.local("i32");
    [this.panelRow, this.row, this.carryIn, this.carryOut, this.small] = [local(), local(), local(), local(), local()];
    [this.number, this.quad, this.drawnRow, this.drawnStep] = [local(), local(), local(), local()];
  }

  start(vector: Code): Code {
    const { rows, batch, paddedWidth, width } = this.mem;
    const { panel, t, half, otherHalf, unit } = this.from;
    const times = (a: Local, n: number): Code => i32.mul(a.get, i32.const(n));
    return [
      this.panelRow.set(i32.add(vector, i32.add(times(panel, rows * 64), times(t, batch * 64)))),
      this.row.set(i32.add(unit.get, times(t, batch * paddedWidth * 4))),
      this.carryIn.set(i32.add(unit.get, half.get)),
      this.carryOut.set(i32.add(unit.get, otherHalf.get)),
      this.small.set(unit.get),
      this.number.set(times(t, batch * 4)),
      this.quad.set(times(unit, batch)),
      this.drawnRow.set(unit.get),
      this.drawnStep.set(i32.add(unit.get, times(t, batch * width * 4))),
    ];
  }

  next(): Code {
    const { paddedWidth, width } = this.mem;
    const step = (p: Local, bytes: number): Code => p.set(i32.add(p.get, i32.const(bytes)));
    return [
      step(this.panelRow, 64),
      ...[this.row, this.carryIn, this.carryOut, this.small].map((p) => step(p, paddedWidth * 4)),
      step(this.number, 4),
      step(this.quad, 16),
      step(this.drawnRow, width * 4),
      step(this.drawnStep, width * 4),
    ];
  }

  load(place: Place): Code {
    const { mem } = this;
    switch (place.kind) {
      case "slot":
        return v128.load(this.panelRow.get, mem.slot(place.slot));
      case "previous":
        return v128.load(this.row.get, mem.previous(place.state));
      case "next":
        return v128.load(this.row.get, mem.next(place.state));
      case "operand":
        return v128.load(this.row.get, mem.operand(place.operand));
      case "carry":
        return v128.load(this.carryIn.get, mem.carry(place.state));
      case "adjoint": {
        const carried = v128.load(this.carryIn.get, mem.carry(place.state));
        const output = mem.outputAdjoint(place.state);
        return output === undefined ? carried : f32x4.add(carried, v128.load(this.row.get, output));
      }
      case "back":
        return v128.load(this.small.get, mem.back(place.operand));
      case "mean":
        return v128.load32_splat(this.number.get, mem.mean(place.mean));
      case "backMean":
        return v128.load32_splat(this.number.get, mem.backMean(place.mean));
      case "weight":
        return v128.load(this.from.unit.get, mem.weight(place.name));
      case "mask": {
        const { address, perStep } = mem.drawn(place.name);
        return v128.load(perStep ? this.drawnStep.get : this.drawnRow.get, address);
      }
      default:
        throw new TypeError(`a phase cannot load from '${place.kind}'`);
    }
  }
}

/**
 * Prints the end of a mean: the partial sums of each example of step t become one number. A function of (step, first example,
 * end of the examples).
 */
export function printMeanEnd(
  m: ModuleBuilder,
  o: { batch: number; vectors: number; sums: number; out: number; scale: number; constants: Constants },
): Func {
  return m.func({ params: ["i32", "i32", "i32"] }, (f, t, example, end) => {
    const [quad, number, part, vector] = [f.local("i32"), f.local("i32"), f.local("v128"), f.local("i32")];
    const fold = (lanes: readonly number[]): Code => part.set(f32x4.add(part.get, swapped(part.get, lanes)));
    return forRange(example, example.get, end.get, 1, [
      number.set(i32.shl(i32.add(i32.mul(t.get, i32.const(o.batch)), example.get), i32.const(2))),
      quad.set(i32.shl(example.get, i32.const(4))),
      part.set(v128.const(0, 0, 0, 0)),
      forRange(vector, i32.const(0), i32.const(o.vectors), 1, [
        part.set(f32x4.add(part.get, v128.load(quad.get, o.sums))),
        quad.set(i32.add(quad.get, i32.const(o.batch * 16))),
      ]),
      fold([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]),
      fold([4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]),
      v128.store32_lane(
        number.get,
        f32x4.mul(part.get, v128.load32_splat(i32.const(0), o.constants.address(o.scale))),
        0,
        o.out,
      ),
    ]);
  });
}
const swapped = (v: Code, lanes: readonly number[]): Code => i8x16.shuffle(v, v, lanes);
