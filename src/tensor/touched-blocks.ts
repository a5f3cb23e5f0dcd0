import { type Range, TOUCHED_BLOCK } from "../compute/plan.ts";

/**
 * The words of `touched` that tell of a range of gradients, and how many elements before it the first of these blocks begins.
 * Undefined for other ranges, and where nothing is noted.
 */
export function touchedBlocks(
  touched: Range | undefined,
  { arena, offset, length }: Range,
): { readonly range: Range; readonly lead: number } | undefined {
  if (!touched || arena !== "gradients") return undefined;
  const first = Math.floor(offset / TOUCHED_BLOCK);
  const end = Math.ceil((offset + length) / TOUCHED_BLOCK);
  return {
    range: { ...touched, offset: touched.offset + first, length: end - first },
    lead: offset - first * TOUCHED_BLOCK,
  };
}

/** A range of gradients, cut where the first block begins that lies within it: each part with the words that tell of it, if there are any. */
export function inBlocks(
  touched: Range | undefined,
  range: Range,
): { readonly offset: number; readonly length: number; readonly words: Range | undefined }[] {
  const { offset, length } = range;
  const lead = touchedBlocks(touched, range)?.lead ?? 0;
  const before = lead === 0 ? 0 : Math.min(length, TOUCHED_BLOCK - lead);
  const rest = { ...range, offset: offset + before, length: length - before };
  const parts = [
    { offset, length: before, words: undefined },
    { offset: rest.offset, length: rest.length, words: touchedBlocks(touched, rest)?.range },
  ];
  return parts.filter((part) => part.length > 0);
}

/** The same places in as few ranges as there can be: neighbours, and those that overlap, are one. */
export function joined(ranges: readonly Range[]): Range[] {
  const found: Range[] = [];
  for (const range of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const last = found.at(-1);
    const end = range.offset + range.length;
    if (last && range.offset <= last.offset + last.length)
      found[found.length - 1] = { ...last, length: Math.max(end - last.offset, last.length) };
    else found.push(range);
  }
  return found;
}
