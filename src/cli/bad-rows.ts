import type { BadRows } from "../data/bad-rows.ts";
import type { UsageError } from "../shared/errors.ts";
import { counted, integer } from "./format.ts";
import type { Io } from "./io.ts";

/** Reasons that are told: the first ones show what is wrong, all of them would hide everything else. */
const TOLD = 3;

/** Hears how many rows of a file were left out, and why the first ones were. */
export type TellBadRows = (text: string) => unknown;

/** On standard error, where warnings stand. */
export const toStderr =
  (io: Io): TellBadRows =>
  (text) =>
    io.stderr.write(`${text}\n`);

/**
 * Reads a file of examples, and leaves out what of it cannot be read where that is wanted.
 * @param tell undefined where it was told when the file was read before
 */
export async function withBadRows<T>(
  { skipBadRows = false }: { readonly skipBadRows?: boolean },
  tell: TellBadRows | undefined,
  read: (how: BadRows) => Promise<T>,
): Promise<T> {
  if (!skipBadRows) return read({});
  const first: string[] = [];
  let count = 0;
  const onBadRow = ({ message }: UsageError): void => {
    count += 1;
    if (count <= TOLD) first.push(`  ${message}`);
  };
  try {
    return await read({ onBadRow });
  } finally {
    const more = count > TOLD ? [`  and ${integer(count - TOLD)} more`] : [];
    if (count > 0)
      await tell?.([`Left out, as it cannot be read: ${counted(count, "row")}.`, ...first, ...more].join("\n"));
  }
}
