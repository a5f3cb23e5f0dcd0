import { FailureError, LongshortError } from "../shared/errors.ts";

/** Names the file in what its reader finds wrong. That is not the caller's mistake, except that a cell of their own is missing. */
export function ofFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LongshortError) || cause.code === "unknown-cell") throw cause;
    const { code, message } = cause;
    throw new FailureError(code, message.startsWith(`${path}: `) ? message : `${path}: ${message}`, { cause });
  }
}
