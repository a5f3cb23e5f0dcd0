import { UsageError } from "../../shared/errors.ts";
import { isAddress } from "../download.ts";
import { folderOfGlob, globExpression, isGlob } from "../glob.ts";
import { fs } from "./late.ts";

/** See `Platform.findFiles`; for Node. */
export async function findFiles(path: string): Promise<string[]> {
  if (isAddress(path)) return [path];
  const found = await fs()
    .promises.stat(path)
    .catch(() => undefined);
  if (found?.isDirectory()) {
    const files = await filesBelow(path);
    if (files.length === 0) throw new UsageError("no-files", `${path}: there is no file in this folder`);
    return files;
  }
  if (found || !isGlob(path)) return [path];
  const pattern = globExpression(path.replace(/^\.\//, ""));
  const all = await filesBelow(folderOfGlob(path), ".").catch(() => []);
  const matches = all.map((file) => file.replace(/^\.\//, "")).filter((file) => pattern.test(file));
  if (matches.length === 0)
    throw new UsageError(
      "no-files",
      `${path}: no file matches this pattern; * stands for a part of a name, ** for folders`,
    );
  return matches;
}

/** Files in a folder and its folders, in the order of their names; without those whose names begin with "." unless `hidden`. */
async function filesBelow(folder: string, hidden?: "."): Promise<string[]> {
  const entries = await fs().promises.readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".") && !hidden) continue;
    const path = folder === "/" ? `/${entry.name}` : `${folder.replace(/\/+$/, "")}/${entry.name}`;
    // A link to a folder may lead in a circle, so only links to files are followed.
    if (entry.isDirectory()) files.push(...(await filesBelow(path, hidden)));
    else if (
      entry.isFile() ||
      (
        await fs()
          .promises.stat(path)
          .catch(() => undefined)
      )?.isFile()
    )
      files.push(path);
  }
  return files;
}
