import { adjointsOf } from "./adjoints.ts";
import { lowerBackward } from "./backward.ts";
import { type Forward, lowerForward } from "./forward.ts";
import { perCell } from "./per-cell.ts";
import { findProducts, type Products } from "./products.ts";
import type { ForwardProgram, StepProgram } from "./program.ts";

/**
 * The program of a cell's step, there and back; the same object for the same cell. Throws a UsageError "bad-cell" for equations that do not
 * fit together.
 */
export const stepProgram = /* @__PURE__ */ perCell((cell): StepProgram => {
  const found = findProducts(cell);
  const adjoints = adjointsOf(cell, found);
  const forward = lowerForward(cell, found, adjoints.all);
  const backward = lowerBackward(cell, found, adjoints, forward);
  return {
    ...programOf(found, forward),
    slots: backward.slots,
    inputGradientSlots: backward.inputGradientSlots,
    productGradientSlots: backward.productGradientSlots,
    backMeans: backward.means,
    backward: backward.phases,
    backwardPlace: backward.place,
  };
});

/** The same of a step that nobody goes back through: no gradient is taken, and nothing is kept for one. */
export const forwardProgram = /* @__PURE__ */ perCell((cell): ForwardProgram => {
  const found = findProducts(cell);
  return programOf(found, lowerForward(cell, found, []));
});

const programOf = ({ operands, products }: Products, forward: Forward): ForwardProgram => ({
  ...{ operands, products, slots: forward.slots, means: forward.means.length },
  ...{ forward: forward.phases, forwardPlace: forward.place },
});
