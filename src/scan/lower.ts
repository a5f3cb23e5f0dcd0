import type { Cell } from "../cells/define.ts";
import { lowerBackward } from "./backward.ts";
import { lowerForward } from "./forward.ts";
import { findProducts } from "./products.ts";
import type { StepProgram } from "./program.ts";

const programs = new WeakMap<Cell, StepProgram>();

/** The program of a cell's step; the same object for the same cell. Throws a UsageError "bad-cell" for equations that do not fit together. */
export function stepProgram(cell: Cell): StepProgram {
  const known = programs.get(cell);
  if (known) return known;
  const found = findProducts(cell);
  const forward = lowerForward(cell, found);
  const backward = lowerBackward(cell, found, forward);
  const program: StepProgram = {
    slots: backward.slots,
    operands: found.operands,
    products: found.products,
    inputGradientSlots: backward.inputGradientSlots,
    productGradientSlots: backward.productGradientSlots,
    means: forward.means.length,
    backMeans: backward.means,
    forward: forward.phases,
    backward: backward.phases,
    forwardPlace: forward.place,
    backwardPlace: backward.place,
  };
  programs.set(cell, program);
  return program;
}
