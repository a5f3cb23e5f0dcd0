import { UsageError } from "../shared/errors.ts";

/** What becomes of rows that cannot be read. */
export interface BadRows {
  /**
   * Called for each row that cannot be read with the error that says where and why; the row is then left out. Default: the first such row
   * ends the reading. A file that is no table at all, or in which a quotation mark is not closed, ends it in any case.
   */
  readonly onBadRow?: ((error: UsageError) => void) | undefined;
}

/** What `read` makes of a row; undefined for one that cannot be read, where somebody hears of it. */
export function readRow<T>(read: () => T, { onBadRow }: BadRows): T | undefined {
  if (!onBadRow) return read();
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    onBadRow(error);
    return undefined;
  }
}

/** Of rows what `read` makes of them, without those that cannot be read. */
export const readRows = <R, T extends object>(rows: readonly R[], read: (row: R) => T, how: BadRows): T[] =>
  rows.flatMap((row) => readRow(() => read(row), how) ?? []);

/** @throws UsageError "table-empty" where no row could be read */
export function expectSome(name: string, read: number): void {
  if (read === 0)
    throw new UsageError("table-empty", `${name}: not one of its rows can be read; is it the right file?`);
}
