/** Of states nearer than this in what was read only the one that is most alike is shown. */
export const APART = 8;

/** Tokens of a corpus that are compared. */
export const MAXIMUM_CORPUS = 200_000;

/** Steps beside the one that is asked about: of course they are like it. */
export const nearTo =
  (step: number) =>
  (other: number): boolean =>
    Math.abs(other - step) < APART;
