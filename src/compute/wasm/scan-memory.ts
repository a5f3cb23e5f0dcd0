import type { Width } from "../../cells/define.ts";
import type { Func, ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { doWhile, forRange, if_, type Local, whileTrue } from "../../print/wasm/control.ts";
import { i32, memory, v128 } from "../../print/wasm/instructions.ts";
import type { PhaseMemory } from "../../print/wasm/scan-phase.ts";
import { alone, share, type Team } from "../../print/wasm/team.ts";
import { type Constants, storesOf } from "../../print/wasm/vectors.ts";
import type { Product } from "../../scan/program.ts";
import { widthOf } from "../../scan/widths.ts";
import type { ScanShape } from "../plan.ts";
import { toRow } from "./scan-division.ts";
import type { ScanLayout } from "./scan-layout.ts";

/** What the printer of one launch is given. */
export interface ScanContext<K extends ScanShape> {
  readonly m: ModuleBuilder;
  readonly kernel: K;
  readonly team: Team;
  /** Address of an operand. */
  readonly address: (operand: string) => number;
  /** Address of new scratch memory of this launch; what is in it at first is unknown. */
  readonly workspace: (bytes: number) => number;
  /** Memory for what is made of some operands alone (`LaunchContext.derived`). */
  readonly derived: (
    operands: readonly string[],
    bytes: number,
    make: (at: number, team: Team) => Code,
  ) => { readonly at: number; readonly code: Code };
  /** Address of at least 64 bytes of zeros. */
  readonly zeros: number;
  readonly constants: Constants;
  readonly fused: boolean;
}

/** Rows: where the first one is, how many bytes from one to the next, and, if it is not as many, to a thread's first one for each row before it. */
export type Rows = readonly [at: number, stride: number, each?: number | undefined];

/** Copies `count` rows of `bytes` bytes, each thread some of them. */
export function copyRows(
  { m, team }: Pick<ScanContext<ScanShape>, "m" | "team">,
  from: Rows,
  to: Rows,
  count: number,
  bytes: number,
): Code {
  const rows = share(team, count);
  const first = ([at, stride, each = stride]: Rows): Code =>
    i32.add(i32.const(at), i32.mul(rows.from, i32.const(each)));
  const mine = i32.sub(rows.to, rows.from);
  if (from[1] === bytes && to[1] === bytes) {
    const all = count * bytes;
    return team.threads === 1 && all % LINE === 0 && all <= SMALL
      ? copyLines(m).call(i32.const(to[0]), i32.const(from[0]), i32.const(from[0] + all))
      : memory.copy(first(to), first(from), i32.mul(mine, i32.const(bytes)));
  }
  return rowCopier(m).call(first(from), i32.const(from[1]), first(to), i32.const(to[1]), mine, i32.const(bytes));
}

/** Copies rows. Parameters, i32, in bytes: source, its stride, target, its stride, rows, length of a row. */
export const rowCopier = (m: ModuleBuilder): Func =>
  m.memo("copyRows", () =>
    m.func(
      { params: ["i32", "i32", "i32", "i32", "i32", "i32"] },
      (f, source, sourceStride, target, targetStride, rows, length) =>
        forRange(f.local("i32"), i32.const(0), rows.get, 1, [
          memory.copy(target.get, source.get, length.get),
          source.set(i32.add(source.get, sourceStride.get)),
          target.set(i32.add(target.get, targetStride.get)),
        ]),
    ),
  );

/** Bytes that are copied by vectors: engines leave the module for `memory.copy`, which takes longer than that. */
const SMALL = 1024;
const LINE = 64;

/** Copies whole lines of 64 bytes. Parameters, i32: to, from, and where `from` ends. */
export const copyLines = (m: ModuleBuilder): Func =>
  m.memo("copyLines", () =>
    m.func({ params: ["i32", "i32", "i32"] }, (f, to, from, end) => {
      const line = [0, 16, 32, 48].map((at) => ({ at, part: f.local("v128") }));
      return doWhile(
        [
          line.map(({ at, part }) => part.set(v128.load(from.get, at))),
          storesOf(line.map(({ at, part }) => v128.store(to.get, part.get, at))),
          to.set(i32.add(to.get, i32.const(LINE))),
          from.set(i32.add(from.get, i32.const(LINE))),
        ],
        i32.ne(from.get, end.get),
      );
    }),
  );

/** Addresses of a scan's memory, common to both passes. */
export class ScanMemory {
  readonly layout: ScanLayout;
  readonly saved: number;
  /** Rows of the input, or of its table. Masked ones are read as zeros: whatever is there, it must not reach a product. */
  readonly input: number;
  /** All bits set for the units of a width, none for those that fill up the last panel: made once. */
  private readonly lanes: Readonly<Record<Width, { readonly at: number; readonly code: Code }>>;
  private readonly context: ScanContext<ScanShape>;

  constructor(context: ScanContext<ScanShape>, layout: ScanLayout, saved: number) {
    const { kernel, workspace, derived } = context;
    this.context = context;
    this.layout = layout;
    this.saved = Math.ceil(saved / 64) * 64;
    this.input = kernel.masked
      ? workspace(this.layout.rows * kernel.inputSize * 4)
      : context.address(kernel.vocabulary === undefined ? "input" : "table");
    const lanes = (width: Width) => {
      const [all, own] = [this.layout.padded(width) * 4, this.layout.size(width) * 4];
      const fill = (at: number, byte: number, bytes: number): Code =>
        memory.fill(i32.const(at), i32.const(byte), i32.const(bytes));
      return derived([], all, (at, team) => alone(team, [fill(at, 255, own), fill(at + own, 0, all - own)]));
    };
    this.lanes = { hidden: lanes("hidden"), projection: lanes("projection") };
  }

  slot = (slot: number): number => this.saved + this.layout.slots[slot]!;
  /** Row block `number` of a state; in turn, of two. */
  private stateBlock(name: string, number: number): number {
    const { batch, cell } = this.context.kernel;
    const width = cell.states.find((s) => s.name === name)!.width;
    const rows = this.layout.inTurn ? (number % 2) * this.layout.turnRows : number * batch;
    return this.saved + this.layout.states[name]! + rows * this.layout.padded(width) * 4;
  }
  /** First row block of a state before (`previous`) or after (`next`) the steps; in turn, the first of the two. */
  private state(name: string, after: boolean): number {
    return this.stateBlock(name, this.layout.inTurn || after === this.context.kernel.reverse ? 0 : 1);
  }
  /** Which of the two step t finds (`before`) or leaves. */
  private get turn() {
    const [even, odd] = [
      (t: Code): Code => i32.and(t, i32.const(1)),
      (t: Code): Code => even(i32.add(t, i32.const(1))),
    ];
    const rows = this.layout.turnRows;
    return this.context.kernel.reverse ? { rows, before: odd, after: even } : { rows, before: even, after: odd };
  }
  previous = (name: string): number => this.state(name, false);
  next = (name: string): number => this.state(name, true);
  /** Rows [T·B] of the vector that a product multiplies. */
  operand = (k: number): number => {
    const { state } = this.layout.program.operands[k]!;
    return state === undefined ? this.saved + this.layout.operands[k]! : this.previous(state);
  };
  /** Bytes from there to the row of a first example at step t. */
  operandRow(k: number, t: Code, first: Local | undefined): Code {
    const { state, width } = this.layout.program.operands[k]!;
    const bytes = this.layout.padded(width) * 4;
    if (!this.layout.inTurn || state === undefined) return toRow(t, first, { batch: this.context.kernel.batch, bytes });
    return this.turningRow(this.turn.before(t), first, width);
  }
  /** Address of the row of a first example in what step t makes of the state that is the output, in turn. */
  outputRow(t: Code, first: Local | undefined): Code {
    const [output] = this.context.kernel.cell.states;
    return i32.add(i32.const(this.next(output!.name)), this.turningRow(this.turn.after(t), first, output!.width));
  }
  private turningRow(block: Code, first: Local | undefined, width: Width): Code {
    const { turnRows: batch, apart: each, padded } = this.layout;
    return toRow(block, first, { batch, bytes: padded(width) * 4, each });
  }
  mean = (k: number): number => this.saved + this.layout.means[k]!;
  /** The row block that the scan starts from, and the one that it ends with. */
  first(name: string): number {
    const { steps, reverse } = this.context.kernel;
    return this.stateBlock(name, reverse ? steps : 0);
  }
  last(name: string): number {
    const { steps, reverse } = this.context.kernel;
    return this.stateBlock(name, reverse ? 0 : steps);
  }

  /** Makes the table of lanes, and the input without its masked rows. To be seen by all before it is used. */
  prepare(): Code {
    const { kernel, m, address, team } = this.context;
    const lanes = [this.lanes.hidden.code, this.lanes.projection.code];
    if (!kernel.masked) return lanes;
    const { inputSize, batch, steps } = kernel;
    const rows = share(team, steps * batch);
    const at = (base: number, stride: number): Code => i32.add(i32.const(base), i32.mul(rows.from, i32.const(stride)));
    const bytes = inputSize * 4;
    const clean = m.memo("cleanRows", () =>
      m.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (f, mask, from, to, count, length) =>
        forRange(f.local("i32"), i32.const(0), count.get, 1, [
          if_(
            isSeen(mask.get),
            memory.copy(to.get, from.get, length.get),
            memory.fill(to.get, i32.const(0), length.get),
          ),
          mask.set(i32.add(mask.get, i32.const(4))),
          from.set(i32.add(from.get, length.get)),
          to.set(i32.add(to.get, length.get)),
        ]),
      ),
    );
    return [
      lanes,
      clean.call(
        ...[at(address("mask"), 4), at(address("input"), bytes), at(this.input, bytes)],
        ...[i32.sub(rows.to, rows.from), i32.const(bytes)],
      ),
    ];
  }

  /** The memory of a phase of one width; what only one of the passes has is given by `more`. */
  phase(width: Width, more: Partial<PhaseMemory>): PhaseMemory {
    const { kernel, address } = this.context;
    const none = (): never => {
      throw new TypeError("a phase asks for memory that this pass of the scan does not have");
    };
    return {
      slotRows: this.layout.slotRows,
      slotStep: this.layout.slotStep,
      apart: this.layout.apart,
      turn: this.layout.inTurn ? this.turn : undefined,
      output: undefined,
      batch: kernel.batch,
      paddedWidth: this.layout.padded(width),
      width: this.layout.size(width),
      slot: this.slot,
      previous: this.previous,
      next: this.next,
      operand: this.operand,
      mean: this.mean,
      weight: (name) => address(`weight.${name}`),
      drawn: (name) => ({ address: address(`mask.${name}`), perStep: kernel.cell.masks[name]!.per === "step" }),
      mask: kernel.masked ? address("mask") : undefined,
      lanes: this.lanes[width].at,
      trace: none,
      outputAdjoint: () => undefined,
      carry: none,
      back: none,
      backMean: none,
      meanSums: none,
      weightSum: none,
      slotSum: () => undefined,
      isGradient: () => false,
      ...more,
    };
  }
}

/** Whether the word at an address, a float of the mask, is not 0. */
export const isSeen = (address: Code): Code => i32.shl(i32.load(address), i32.const(1));

/** Loops over the steps in the order of the scan, or against it. */
export function overSteps(shape: ScanShape, t: Local, against: boolean, body: Code): Code {
  const { steps, reverse } = shape;
  if (reverse === against) return forRange(t, i32.const(0), i32.const(steps), 1, body);
  return [t.set(i32.const(steps)), forRange0(t, body)];
}
/** The same for a body that goes through matrices (`sweep`): at every step it turns around. */
export const overTurningSteps = (m: ModuleBuilder, shape: ScanShape, t: Local, against: boolean, body: Code): Code => [
  overSteps(shape, t, against, [body, m.turn]),
  // Plans turn around as well, whatever was in them.
  shape.steps % 2 === 1 ? m.turn : [],
];
/** `while (t−− > 0) body` */
const forRange0 = (t: Local, body: Code): Code => whileTrue(t.get, [t.set(i32.sub(t.get, i32.const(1))), body]);

/** Scratch memory that `code` fills with zeros at the start of every run. */
export function zeroed({ workspace, team }: ScanContext<ScanShape>, bytes: number, code: Code[]): number {
  const at = workspace(bytes);
  code.push(alone(team, memory.fill(i32.const(at), i32.const(0), i32.const(bytes))));
  return at;
}

/** `base + more + panel · bytes` */
export const at = (more: Code, panel: Code, bytes: number, base: number): Code =>
  i32.add(i32.add(i32.mul(panel, i32.const(bytes)), i32.const(base)), more);

/** The operand that holds a product's matrix. */
export const matrixOperand = (p: Product): string => (p.block === undefined ? `projection.${p.name}` : "weight_hh");

export function matrixAddress({ kernel, address }: ScanContext<ScanShape>, layout: ScanLayout, p: Product): number {
  const { hiddenSize: H } = kernel;
  if (p.block === undefined) return address(matrixOperand(p));
  const operand = layout.program.operands[p.operand]!;
  return address("weight_hh") + p.block * H * layout.size(operand.width) * 4;
}

export function widthOfTrace({ kernel }: ScanContext<ScanShape>, name: string): Width {
  return widthOf(kernel.cell, kernel.cell.named[name]!);
}
