import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { runPaths } from "../checkpoint/run-folder.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { dayOf } from "./format.ts";

/** A folder that does not exist yet: runs/2026-11-23-NAME, with -2, -3 … when there is one. */
export function newRunFolder(name: string, today: Date): string {
  const first = join("runs", `${dayOf(today)}-${name}`);
  let folder = first;
  for (let count = 2; existsSync(folder); count++) folder = `${first}-${count}`;
  return folder;
}

/** The name of a file without folders and endings, as part of the name of a folder. */
export function nameOf(file: string): string {
  const bare = basename(file)
    .replace(/\.gz$/i, "")
    .replace(/(?<=.)\.[^.]*$/, "");
  return bare.replace(/[^\p{L}\p{N}_.-]+/gu, "-") || "text";
}

/** What stands beside a folder and is called like it, with an ending; `.` is called as its folder is. */
export function beside(folder: string, ending: string): string {
  const bare = folder.replace(/[/\\]+$/, "");
  return `${/(^|[/\\])\.{0,2}$/.test(bare) ? resolve(folder) : bare}${ending}`;
}

/**
 * Makes the folder of a run before hours go into it, works, and takes the folder away again where an error leaves it empty. What
 * was there before stays.
 * @throws UsageError "run-exists" when it holds something and `force` is not set; FailureError "folder-not-made"
 */
export async function inRunFolder<T>(
  folder: string,
  options: { readonly force: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const made: string[] = [];
  try {
    claimRunFolder(folder, options, made);
    return await work();
  } catch (error) {
    for (const one of made.reverse()) removeEmpty(one);
    throw error;
  }
}

function claimRunFolder(folder: string, { force }: { readonly force: boolean }, made: string[]): void {
  const names = makeOutput(folder, made);
  // A training that was killed before it had anything leaves its lock, which holds no more.
  const lock = basename(runPaths(folder).lock);
  if (names.some((name) => name !== lock) && !force)
    throw new UsageError(
      "run-exists",
      `--output ${folder}: the folder is not empty; choose another one, or give --force to write over the run in it`,
    );
}

/**
 * Makes the folder of `--output`, where there is none.
 * @param made what was made is added to it, parents first
 * @returns names of what is in it
 * @throws UsageError "run-exists" for a file; FailureError "folder-not-made"
 */
export function makeOutput(folder: string, made: string[] = []): string[] {
  try {
    if (existsSync(folder) && !statSync(folder).isDirectory())
      throw new UsageError("run-exists", `--output ${folder}: expected a folder, this is a file; choose another name`);
    makeFolder(resolve(folder), made);
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FailureError("folder-not-made", `--output ${folder}: the folder cannot be used (${reason})`, {
      cause: error,
    });
  }
}

/** With its parents, told in `made`. Node's own `recursive` never ends where the system refuses a new folder with ENOENT, as in /proc. */
function makeFolder(folder: string, made: string[]): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent, made);
  mkdirSync(folder);
  made.push(folder);
}

export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It holds something, or is gone: either is as it should be.
  }
}
