import type { Width } from "../../cells/define.ts";
import type { Code } from "../../print/wasm/code.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { stepProgram } from "../../scan/lower.ts";
import type { ForwardProgram } from "../../scan/program.ts";
import { sizeOf } from "../../scan/widths.ts";
import type { ScanShape } from "../plan.ts";

/** Hands out consecutive places, each aligned to 64 bytes. */
export class Places {
  bytes = 0;
  take(bytes: number): number {
    const at = this.bytes;
    this.bytes = at + Math.ceil(bytes / 64) * 64;
    return at;
  }
}

export const padded = (n: number): number => Math.ceil(n / 16) * 16;

/** Rows of inputs from which on their product is as fast as that of many. */
const ENOUGH = 64;
/** Bytes of weights of inputs that may be gone through once a window. With 16 MiB (1024 units) windows took 1.07 of the time. */
const LIGHT = 4 * 2 ** 20;

/**
 * Steps whose input products are taken together right before them where nobody goes back: a power of two, or all. What the products come to
 * stays in the second cache, in one place for all windows: `sequence-64` and `sequence-512` take 0.95 of the time of all steps at once. Where
 * everything is kept for the way back, all at once is as fast.
 */
export function windowOf({ cell, steps, batch, inputSize, hiddenSize }: ScanShape): number {
  if (cell.gates.length * hiddenSize * inputSize * 4 > LIGHT) return steps;
  const window = 2 ** Math.ceil(Math.log2(Math.max(1, ENOUGH / batch)));
  return Math.min(window, steps);
}

/** Bytes of the packed matrices that every step multiplies by what came out of the one before. */
export function recurrentBytes(shape: ScanShape, { products, operands }: ForwardProgram): number {
  const size = (width: Width): number => sizeOf(width, shape);
  return products.reduce((sum, p) => sum + padded(size(p.width)) * size(operands[p.operand]!.width) * 4, 0);
}

/**
 * What a scan keeps for its backward pass, as offsets in bytes from the start of `saved`.
 *
 * Slots are panels: [width / 16][T·B][16] ([width / 16][window · B][16] where nobody goes back), so that one memory is the result of the input product, of the recurrent product,
 * the activated gates, their gradients, and the packed operand of the products that follow. States and operands are rows
 * of padded width: state k of step t at row block t, the state after it at block t + 1 (reverse: t + 1 and t). Where states are `inTurn` they
 * have two blocks, in which a step finds and leaves them in turn.
 */
export interface ScanLayout<P extends ForwardProgram = ForwardProgram> {
  readonly program: P;
  readonly rows: number;
  /** Rows of a panel of a slot, and where among them a step has its own. */
  readonly slotRows: number;
  readonly slotStep: (t: Code) => Code;
  /**
   * Where threads have slots and states in turn of their own: how many bytes those of a thread lie behind those of the first one, for each example
   * before its own. A page lies between: next to one another, what one fetches ahead is taken from the other. Measured (Zen 4, `sequence-64` on
   * two threads): with states in common blocks, and no page, 397 µs in place of 382; where the host had put the two processors far from one
   * another 730 in place of 560.
   */
  readonly apart: number | undefined;
  /** Panels and padded elements of a width. */
  readonly panels: (width: Width) => number;
  readonly padded: (width: Width) => number;
  readonly size: (width: Width) => number;
  readonly slots: readonly number[];
  readonly states: Readonly<Record<string, number>>;
  readonly inTurn: boolean;
  /** Rows of a block of a state in turn. */
  readonly turnRows: number;
  /** Of operands that are not a state. */
  readonly operands: readonly (number | undefined)[];
  readonly means: readonly number[];
  readonly bytes: number;
}

/** Nothing is fetched ahead across one. */
const PAGE = 4096;

/** @param own Where nobody goes back: the steps whose rows a slot has, the threads that have memory of their own, and whether states are in turn. */
export function scanLayout<P extends ForwardProgram>(
  shape: ScanShape,
  program: P,
  own: { readonly steps: number; readonly threads: number; readonly inTurn: boolean } = {
    ...{ steps: shape.steps, threads: 1, inTurn: false },
  },
): ScanLayout<P> {
  const { steps: slotSteps, threads, inTurn } = own;
  const places = new Places();
  const rows = shape.steps * shape.batch;
  const size = (width: Width): number => sizeOf(width, shape);
  const turnRows = Math.ceil(shape.batch / threads);
  const slotRows = slotSteps * turnRows;
  const rowsOf = (width: Width, count: number): number => places.take(count * padded(size(width)) * 4);
  const slots = program.slots.map((width) => rowsOf(width, slotRows));
  const stateRows = inTurn ? 2 * turnRows : (shape.steps + 1) * shape.batch;
  const statesHere = (): Readonly<Record<string, number>> =>
    Object.fromEntries(shape.cell.states.map((s) => [s.name, rowsOf(s.width, stateRows)]));
  const turning = inTurn ? statesHere() : undefined;
  const fewest = Math.floor(shape.batch / threads);
  const apart = threads === 1 ? undefined : Math.ceil((places.bytes + PAGE) / fewest / 64) * 64;
  if (apart) places.take(apart * (shape.batch - fewest));
  return {
    program,
    rows,
    apart,
    slotRows,
    slotStep: (t) => (slotSteps === shape.steps ? t : i32.and(t, i32.const(slotSteps - 1))),
    size,
    panels: (width) => padded(size(width)) / 16,
    padded: (width) => padded(size(width)),
    slots,
    states: turning ?? statesHere(),
    inTurn,
    turnRows,
    operands: program.operands.map((o) => (o.state === undefined ? rowsOf(o.width, rows) : undefined)),
    means: Array.from({ length: program.means }, () => places.take(rows * 4)),
    bytes: places.bytes,
  };
}

/** Elements of the range `saved`; it starts at any element, so there is room to align. */
export const savedElements = (shape: ScanShape): number => scanLayout(shape, stepProgram(shape.cell)).bytes / 4 + 16;
