import type { Range } from "../compute/plan.ts";

/** What lies in a range from its element `offset` on. */
export const rangeFrom = (range: Range, offset: number): Range => ({
  ...range,
  offset: range.offset + offset,
  length: range.length - offset,
});

/** Elements that a range takes of its arena: the next one begins at a multiple of 16, and none is empty. */
export const aligned = (length: number): number => Math.ceil(Math.max(length, 1) / 16) * 16;
