import { FailureError, LongshortError, UsageError } from "../../shared/errors.ts";
import { type FileSource, sourceName } from "../platform.ts";

/** A folder, a pipe or a device where text was expected. */
export function notRegular(source: FileSource, stat: { isDirectory(): boolean }): Error {
  if (stat.isDirectory()) return Object.assign(new Error("is a folder"), { code: "EISDIR" });
  return new UsageError(
    "file-not-regular",
    `${sourceName(source)}: expected a file, this is a pipe or a device; the text is read more than once, so save it in a file first`,
  );
}

/** What the operating system said, in our words. */
export function readError(error: unknown, source: FileSource): LongshortError {
  if (error instanceof LongshortError) return error;
  const name = sourceName(source);
  const cause = { cause: error };
  switch ((error as { code?: unknown }).code) {
    case "ENOENT":
    case "ENOTDIR":
      return new UsageError("file-not-found", `${name}: there is no such file; check the path`, cause);
    case "EISDIR":
      return new UsageError(
        "file-is-folder",
        `${name}: expected a file, this is a folder; name the files in it`,
        cause,
      );
    case "EACCES":
    case "EPERM":
      return new UsageError(
        "file-unreadable",
        `${name}: this user may not read the file; change its permissions`,
        cause,
      );
    case "ERR_INVALID_URL_SCHEME":
    case "ERR_INVALID_FILE_URL_HOST":
    case "ERR_INVALID_ARG_VALUE":
      return new UsageError(
        "file-not-found",
        `${JSON.stringify(name)}: expected the path of a file or a file: URL`,
        cause,
      );
    default:
      return new FailureError("file-read-failed", `${name}: could not be read (${messageOf(error)})`, cause);
  }
}

/** The same for writing. */
export function writeError(error: unknown, name: string): LongshortError {
  if (error instanceof LongshortError) return error;
  const cause = { cause: error };
  if ((error as { code?: unknown }).code === "ENOSPC") {
    return new FailureError("disk-full", `${name}: no space left on the disk; free some or write elsewhere`, cause);
  }
  if (["EACCES", "EPERM", "EROFS"].includes(String((error as { code?: unknown }).code)))
    return new FailureError(
      "file-write-failed",
      `${name}: this user may not write there, or it is read-only (${messageOf(error)}); change its permissions or write elsewhere`,
      cause,
    );
  if ((error as { code?: unknown }).code === "ENOENT")
    return new FailureError(
      "file-write-failed",
      `${name}: there is no such folder to write into; make it first`,
      cause,
    );
  return new FailureError("file-write-failed", `${name}: could not be written (${messageOf(error)})`, cause);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
