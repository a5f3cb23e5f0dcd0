import type { AnyNode } from "../../math/expression.ts";
import type { Place, Store } from "../../scan/program.ts";
import type { Func, FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { doWhile, forRange, type Local } from "./control.ts";
import { printExpressions } from "./expression.ts";
import { f32x4, i8x16, i32, v128 } from "./instructions.ts";
import { leastNumber, unlessVanished } from "./vanished.ts";
import { type Constants, storesOf } from "./vectors.ts";

/** Memory that one phase of a step works on. All numbers are bytes; rows and panels are as in compute/wasm/scan-layout.ts. */
export interface PhaseMemory {
  /** Rows of a panel, where among them a step has its own, and B, how many it has. */
  readonly slotRows: number;
  readonly slotStep: (t: Code) => Code;
  /** Bytes between the slots and states in turn of the first example and those of example 0, for each between them, where threads have their own. */
  readonly apart: number | undefined;
  /** Where a state has two blocks of so many rows in place of one more than there are steps: in which step t finds it, and in which it leaves it. */
  readonly turn:
    | { readonly rows: number; readonly before: (t: Code) => Code; readonly after: (t: Code) => Code }
    | undefined;
  /** Rows [T·B] that a state is written to besides, if that is so. */
  readonly output: { readonly state: string; readonly address: number; readonly rowBytes: number } | undefined;
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
  /** Whether what is in a slot is multiplied or summed over the batch: it is 0 for what fills up the last panel and for masked steps. */
  readonly isGradient: (slot: number) => boolean;
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
  /** Whether only some of the examples are meant. */
  readonly someExamples: boolean;
}

/** Whether matrices multiply what is stored, or the next step goes on with it. Sums of products with such numbers are of their size. */
function canVanish({ value, to }: Store, { memory, place }: PhaseOptions): boolean {
  if (to.kind === "carry") return place(value)?.kind !== "back";
  return to.kind === "next" || to.kind === "operand" || (to.kind === "slot" && memory.isGradient(to.slot));
}

/**
 * Prints one phase of a step for one panel of 16 units: a function of (panel, step, carry half to read in bytes, carry half
 * to write) and, for some of the examples, (the first one, how many). Vectors of four units run outside, the examples of the batch inside, so that sums over the batch stay in registers. Where
 * the engine joins neighbours to registers of 256 bits, two vectors go together, each store next to its neighbour's.
 */
export function printPhase(m: ModuleBuilder, o: PhaseOptions): Func {
  const { memory: mem } = o;
  const rowBytes = mem.paddedWidth * 4;
  const params = new Array<"i32">(o.someExamples ? 6 : 4).fill("i32");
  return m.func({ params }, (f, panel, t, half, otherHalf, first, count) => {
    const vector = f.local("i32");
    const unit = f.local("i32");
    const end = f.local("i32");
    const walk = new Pointers(f, mem, { panel, t, half, otherHalf, unit, first });
    const bytes = count ? i32.mul(count.get, i32.const(rowBytes)) : i32.const(mem.batch * rowBytes);
    const lanes = Array.from({ length: m.wide ? 2 : 1 }, () => f.local("v128"));
    const sums = new Sums(f, unit);
    const least = f.local("v128");
    const body = exampleBody(f, o, { walk, lanes, sums, least });
    return [
      least.set(leastNumber(o.constants)),
      forRange(vector, i32.const(0), i32.const(64), 16 * lanes.length, [
        unit.set(i32.add(i32.shl(panel.get, i32.const(6)), vector.get)),
        lanes.map((lane, k) => lane.set(v128.load(unit.get, mem.lanes + 16 * k))),
        walk.start(vector.get),
        end.set(i32.add(walk.row.get, bytes)),
        sums.start(),
        // At least one example: B ≥ 1.
        loopUntil(walk.row, end, [body, walk.next()]),
        sums.finish(),
      ]),
    ];
  });
}

const loopUntil = (pointer: Local, end: Local, body: Code): Code => doWhile(body, i32.ne(pointer.get, end.get));

/** What is read, computed and written for four units of one example, or for as many times four as there are `lanes`. */
function exampleBody(
  f: FunctionBuilder,
  o: PhaseOptions,
  { lanes, ...at }: { walk: Pointers; lanes: readonly Local[]; sums: Sums; least: Local },
): Code {
  const { walk } = at;
  const { memory: mem, constants } = o;
  const seen = f.local("v128");
  const zero = v128.load32_splat(i32.const(0), constants.address(0));
  const look = mem.mask === undefined ? [] : seen.set(f32x4.ne(v128.load32_splat(walk.number.get, mem.mask), zero));
  const loaded = lanes.length > 1 ? new Map<number, Code>() : undefined;
  const parts = lanes.map((lane, k) => vectorBody(f, o, { ...at, seen, lane, skip: 16 * k, loaded }));
  const stores = parts[0]!.stores.map((_, number) => storesOf(parts.map(({ stores }) => stores[number]!)));
  return [look, parts.map(({ code }) => code), stores];
}

/** The same for the four units `skip` bytes behind the first, its stores one by one. */
function vectorBody(
  f: FunctionBuilder,
  o: PhaseOptions,
  at: {
    walk: Pointers;
    sums: Sums;
    seen: Local;
    lane: Local;
    least: Local;
    skip: number;
    loaded: Map<number, Code> | undefined;
  },
): { code: Code; stores: readonly Code[] } {
  const { memory: mem, constants } = o;
  const { walk, sums, seen, skip, loaded } = at;
  const load = (n: AnyNode): Code | undefined => {
    const place = o.place(n);
    return place && walk.load(place, skip);
  };
  const roots = [...o.stores.map((s) => s.value), ...o.means.flatMap((m) => m.values)];
  const printed = printExpressions({ f, roots, leaf: load, constants, fused: o.fused, loaded });
  const masked = mem.mask !== undefined;
  const ifSeen = (value: Code): Code => (masked ? v128.and(value, seen.get) : value);
  const inLane = (value: Code): Code => (mem.width === mem.paddedWidth ? value : v128.and(value, at.lane.get));
  const more: Code[] = [];
  const store = (to: Local, value: Code, address: number): Code => v128.store(to.get, value, address + skip);
  const stores = o.stores.flatMap((one): readonly Code[] => {
    const { value, to } = one;
    const whole = printed.value(value);
    const v = canVanish(one, o) ? unlessVanished(whole, f.local("v128"), at.least) : whole;
    switch (to.kind) {
      case "slot": {
        if (!mem.isGradient(to.slot)) return [store(walk.panelRow, v, mem.slot(to.slot))];
        const [part, sum] = [f.local("v128"), mem.slotSum(to.slot)];
        more.push(part.set(ifSeen(inLane(v))), sum === undefined ? [] : sums.add(sum + skip, part.get));
        return [store(walk.panelRow, part.get, mem.slot(to.slot))];
      }
      case "next": {
        const next = masked ? v128.bitselect(v, walk.load({ kind: "previous", state: to.state }, skip), seen.get) : v;
        if (mem.output?.state !== to.state) return [store(walk.after, next, mem.next(to.state))];
        const part = f.local("v128");
        more.push(part.set(next));
        return [store(walk.after, part.get, mem.next(to.state)), store(walk.output, part.get, mem.output.address)];
      }
      case "carry": {
        const carry = masked ? v128.bitselect(v, walk.load({ kind: "adjoint", state: to.state }, skip), seen.get) : v;
        return [store(walk.carryOut, carry, mem.carry(to.state))];
      }
      case "operand":
        return [store(walk.row, v, mem.operand(to.operand))];
      case "trace":
      case "traceGradient":
        return [store(walk.row, ifSeen(v), mem.trace(to.name))];
      case "weightGradient":
        more.push(sums.add(mem.weightSum(to.name) + skip, ifSeen(v)));
        return [];
      default:
        throw new TypeError(`a phase cannot store into '${to.kind}'`);
    }
  });
  const means = o.means.map(({ mean, values }): Code => {
    const total = values.map((v) => inLane(printed.value(v))).reduce((a, b) => f32x4.add(a, b));
    // The partial sums of one vector for all examples, then those of the next.
    return v128.store(walk.quad.get, total, mem.meanSums(mean) + skip * mem.batch);
  });
  return { code: [printed.code, more], stores: [...stores, ...means] };
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
  /** Adds what the batch gave to the totals of the steps before: all loads before all stores, neighbours beside one another. */
  finish(): Code {
    const parts = this.parts.toSorted((a, b) => a.address - b.address);
    return [
      parts.map(({ address, local }) => local.set(f32x4.add(v128.load(this.unit.get, address), local.get))),
      storesOf(parts.map(({ address, local }) => v128.store(this.unit.get, local.get, address))),
    ];
  }
}

/** The addresses of an example's four units in every kind of memory; all differ from one another by constants only. */
class Pointers {
  /** In a panel of 16 units: 64 bytes a row. */
  readonly panelRow: Local;
  /** In rows [T·B] of padded width. */
  readonly row: Local;
  /** In the rows of a state before and after the step. */
  private readonly before: Local;
  readonly after: Local;
  /** In rows [T·B] of the output. */
  readonly output: Local;
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
  private readonly from: {
    readonly [K in "panel" | "t" | "half" | "otherHalf" | "unit"]: Local;
  } & { readonly first: Local | undefined };

  constructor(f: FunctionBuilder, mem: PhaseMemory, from: Pointers["from"]) {
    this.mem = mem;
    this.from = from;
    const local = (): Local => f.local("i32");
    [this.panelRow, this.row, this.carryIn, this.carryOut, this.small] = [local(), local(), local(), local(), local()];
    [this.number, this.quad, this.drawnRow, this.drawnStep] = [local(), local(), local(), local()];
    [this.before, this.after] = mem.turn ? [local(), local()] : [this.row, this.row];
    this.output = local();
  }

  start(vector: Code): Code {
    const { slotRows, slotStep, apart, turn, output, batch, paddedWidth, width } = this.mem;
    const { panel, t, half, otherHalf, unit, first } = this.from;
    const times = (a: Local, n: number): Code => i32.mul(a.get, i32.const(n));
    /** Of the first example: so many bytes for each one before it. */
    const from = (base: Code, bytes: number): Code => (first === undefined ? base : i32.add(base, times(first, bytes)));
    const rowBytes = paddedWidth * 4;
    const block = (number: Code, rows: number, each = rowBytes): Code =>
      from(i32.add(unit.get, i32.mul(number, i32.const(rows * rowBytes))), each);
    const inTurn = (number: Code): Code => block(number, turn!.rows, apart);
    return [
      this.panelRow.set(
        from(
          i32.add(vector, i32.add(times(panel, slotRows * 64), i32.mul(slotStep(t.get), i32.const(batch * 64)))),
          apart ?? 64,
        ),
      ),
      this.row.set(block(t.get, batch)),
      turn ? [this.before.set(inTurn(turn.before(t.get))), this.after.set(inTurn(turn.after(t.get)))] : [],
      output ? this.output.set(from(i32.add(unit.get, times(t, batch * output.rowBytes)), output.rowBytes)) : [],
      this.carryIn.set(from(i32.add(unit.get, half.get), rowBytes)),
      this.carryOut.set(from(i32.add(unit.get, otherHalf.get), rowBytes)),
      this.small.set(from(unit.get, rowBytes)),
      this.number.set(from(times(t, batch * 4), 4)),
      this.quad.set(from(times(unit, batch), 16)),
      this.drawnRow.set(from(unit.get, width * 4)),
      this.drawnStep.set(from(i32.add(unit.get, times(t, batch * width * 4)), width * 4)),
    ];
  }

  next(): Code {
    const { turn, output, paddedWidth, width } = this.mem;
    const step = (p: Local, bytes: number): Code => p.set(i32.add(p.get, i32.const(bytes)));
    return [
      step(this.panelRow, 64),
      ...[this.row, ...(turn ? [this.before, this.after] : []), this.carryIn, this.carryOut, this.small].map((p) =>
        step(p, paddedWidth * 4),
      ),
      output ? step(this.output, output.rowBytes) : [],
      step(this.number, 4),
      step(this.quad, 16),
      step(this.drawnRow, width * 4),
      step(this.drawnStep, width * 4),
    ];
  }

  /** Four units of a place, `skip` bytes behind where the pointers are. */
  load(place: Place, skip: number): Code {
    const { mem } = this;
    switch (place.kind) {
      case "slot":
        return v128.load(this.panelRow.get, mem.slot(place.slot) + skip);
      case "previous":
        return v128.load(this.before.get, mem.previous(place.state) + skip);
      case "next":
        return v128.load(this.after.get, mem.next(place.state) + skip);
      case "operand":
        return v128.load(this.row.get, mem.operand(place.operand) + skip);
      case "carry":
        return v128.load(this.carryIn.get, mem.carry(place.state) + skip);
      case "adjoint": {
        const carried = v128.load(this.carryIn.get, mem.carry(place.state) + skip);
        const output = mem.outputAdjoint(place.state);
        return output === undefined ? carried : f32x4.add(carried, v128.load(this.row.get, output + skip));
      }
      case "back":
        return v128.load(this.small.get, mem.back(place.operand) + skip);
      case "mean":
        return v128.load32_splat(this.number.get, mem.mean(place.mean));
      case "backMean":
        return v128.load32_splat(this.number.get, mem.backMean(place.mean));
      case "weight":
        return v128.load(this.from.unit.get, mem.weight(place.name) + skip);
      case "mask": {
        const { address, perStep } = mem.drawn(place.name);
        return v128.load(perStep ? this.drawnStep.get : this.drawnRow.get, address + skip);
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
