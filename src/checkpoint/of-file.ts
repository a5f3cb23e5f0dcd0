import { FailureError, LongshortError, UsageError } from "../shared/errors.ts";

/** What is wrong in a file is not the caller's mistake, except that a cell of their own is missing. */
export function ofFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LongshortError) || cause.code === "unknown-cell") throw cause;
    throw cause instanceof UsageError ? new FailureError(cause.code, `${path}: ${cause.message}`, { cause }) : cause;
  }
}
