import { FailureError } from "../shared/errors.ts";

/** The error of a file of a run that does not hold what it should. */
export const damaged = (path: string, why: string, cause?: unknown): FailureError =>
  new FailureError("bad-run", `${path}: ${why}; the file is damaged or from another program`, { cause });

/** Parses a file of a run. @throws FailureError "bad-run" */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(path, `not valid JSON (${(cause as Error).message})`, cause);
  }
}

/**
 * Parses a file with one JSON object a line. What stands behind the last line break was being written when the power went, or is being
 * written now: it counts if it is whole, and is passed over if not.
 * @throws FailureError "bad-run" where another line is no JSON
 */
export function parseJsonLines(path: string, text: string): unknown[] {
  const lines = text.split("\n");
  const last = lines.pop()!;
  const whole = lines.filter((line) => line !== "").map((line) => parseJson(path, line));
  try {
    return last === "" ? whole : [...whole, JSON.parse(last)];
  } catch {
    return whole;
  }
}
