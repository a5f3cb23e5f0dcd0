import type { Width } from "../../cells/define.ts";
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

/**
 * What a scan keeps for its backward pass, as offsets in bytes from the start of `saved`.
 *
 * Slots are panels: [width / 16][T·B][16], so that one memory is the result of the input product, of the recurrent product,
 * the activated gates, their gradients, and the packed operand of the products that follow. States and operands are rows
 * of padded width: state k of step t at row block t, the state after it at block t + 1 (reverse: t + 1 and t).
 */
export interface ScanLayout<P extends ForwardProgram = ForwardProgram> {
  readonly program: P;
  readonly rows: number;
  /** Panels and padded elements of a width. */
  readonly panels: (width: Width) => number;
  readonly padded: (width: Width) => number;
  readonly size: (width: Width) => number;
  readonly slots: readonly number[];
  readonly states: Readonly<Record<string, number>>;
  /** Of operands that are not a state. */
  readonly operands: readonly (number | undefined)[];
  readonly means: readonly number[];
  readonly bytes: number;
}

export function scanLayout<P extends ForwardProgram>(shape: ScanShape, program: P): ScanLayout<P> {
  const places = new Places();
  const rows = shape.steps * shape.batch;
  const size = (width: Width): number => sizeOf(width, shape);
  const rowsOf = (width: Width, count: number): number => places.take(count * padded(size(width)) * 4);
  return {
    program,
    rows,
    size,
    panels: (width) => padded(size(width)) / 16,
    padded: (width) => padded(size(width)),
    slots: program.slots.map((width) => rowsOf(width, rows)),
    states: Object.fromEntries(shape.cell.states.map((s) => [s.name, rowsOf(s.width, rows + shape.batch)])),
    operands: program.operands.map((o) => (o.state === undefined ? rowsOf(o.width, rows) : undefined)),
    means: Array.from({ length: program.means }, () => places.take(rows * 4)),
    bytes: places.bytes,
  };
}

/** Elements of the range `saved`; it starts at any element, so there is room to align. */
export const savedElements = (shape: ScanShape): number => scanLayout(shape, stepProgram(shape.cell)).bytes / 4 + 16;
