import type { Range } from "../compute/plan.ts";

/** What lies in a range from its element `offset` on. */
export const rangeFrom = (range: Range, offset: number): Range => ({
  ...range,
  offset: range.offset + offset,
  length: range.length - offset,
});
