import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

/**
 * Reference data that came out of other people's repositories is not part of this one. Tests that measure against it read
 * it from the folder that the environment variable LONGSHORT_REFERENCE_DATA names (default: ../shared/data beside the
 * repository) and are skipped, with the reason in their title, where it is absent.
 */
const repository = new URL("../../", import.meta.url);
const folder = process.env.LONGSHORT_REFERENCE_DATA ?? fileURLToPath(new URL("../shared/data", repository));

/** Where PATH of the reference data lies, or undefined when it is absent. */
export function referenceData(path: string): string | undefined {
  const file = `${folder}/${path}`;
  return existsSync(file) ? file : undefined;
}

/**
 * `describe` for tests that need PATH of the reference data: `body` gets its place. Absent, one skipped test says why.
 */
export function describeWithReferenceData(title: string, path: string, body: (file: string) => void): void {
  const file = referenceData(path);
  if (file !== undefined) {
    describe(title, () => body(file));
    return;
  }
  const reason = `skipped: ${path} is not in the reference data (set LONGSHORT_REFERENCE_DATA)`;
  console.warn(`${title}: ${reason}`);
  describe.skip(title, (): void => {
    test(reason, () => undefined);
  });
}
