/** Where the data sets of the recipes lie. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const beside = fileURLToPath(new URL("../../../shared/data", import.meta.url));
const root = resolve(process.env.LONGSHORT_REFERENCE_DATA ?? beside);

/** Paths of files below `datasets/`, by their names. @param {Readonly<Record<string, string>>} files */
export const pathsOf = (files) =>
  Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(root, "datasets", file)]));

/** What is to be said when a file is not there. @param {Readonly<Record<string, string>>} files */
export function missingData(files) {
  const missing = Object.values(pathsOf(files)).find((file) => !existsSync(file));
  return (
    missing &&
    `its data are not here: ${missing} does not exist; set LONGSHORT_REFERENCE_DATA to the folder that holds datasets/`
  );
}
