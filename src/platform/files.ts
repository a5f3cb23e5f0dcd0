import { FailureError } from "../shared/errors.ts";

/**
 * The few operations that durable files are made of. Nothing is durable before it is synced: the content of a file by `sync`, its
 * name (new, changed, gone) by `syncFolder` of its folder. Paths use `/`.
 *
 * @throws from all: FailureError "disk-full", "file-write-failed"; in a browser "not-on-this-platform"
 */
export interface FileLayer {
  /** All bytes of a file. @throws UsageError "file-not-found" and the like, FailureError "file-read-failed" */
  read(path: string): Promise<Uint8Array>;
  /** Bytes of a file; 0 where there is none. */
  size(path: string): Promise<number>;
  /** Makes a file, or replaces its content. */
  write(path: string, content: FileContent): Promise<void>;
  /** Adds to the end of a file, which is made if there is none. */
  append(path: string, content: string): Promise<void>;
  /** Makes a file shorter. */
  truncate(path: string, length: number): Promise<void>;
  /** fsync of a file. */
  sync(path: string): Promise<void>;
  /** Gives a file another name in the same folder; one that has the name already is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; false when something has that name already. */
  link(from: string, to: string): Promise<boolean>;
  /** Removes a file; one that is not there is no mistake. */
  remove(path: string): Promise<void>;
  /** Removes a file when the process ends, or is asked to by a signal, before the returned function is called. */
  removeAtEnd(path: string): () => void;
  /** Names in a folder; none when there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Makes a folder inside one that is there, unless there is one: see `makeDurableFolder`. */
  makeFolder(path: string): Promise<"made" | "there" | "no-parent">;
  /** fsync of a folder: the names in it. */
  syncFolder(path: string): Promise<void>;
}

/** What can be written to a file: bytes, text (UTF-8), or bytes piece by piece. */
export type FileContent = Uint8Array | string | AsyncIterable<Uint8Array>;

const TEMPORARY = /^\..*\.tmp$/;

/**
 * Writes a file so that at every moment, even after a power cut, either the old or the whole new content is there: a temporary
 * file in the same folder, its fsync, a rename, the fsync of the folder.
 */
export async function writeAtomic(files: FileLayer, path: string, content: FileContent): Promise<void> {
  const { folder, name } = split(path);
  // A name of its own, not made of the clock: two processes may write the same file.
  const temporary = `${folder}/.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  const finished = files.removeAtEnd(temporary);
  try {
    await files.write(temporary, content);
    await files.sync(temporary);
    await files.rename(temporary, path);
    await files.syncFolder(folder);
  } catch (error) {
    await files.remove(temporary).catch(() => undefined);
    if (!(error instanceof FailureError && error.message.includes(temporary))) throw error;
    // Who asked for a file knows nothing of the other one.
    throw new FailureError(error.code, error.message.replaceAll(temporary, path), { cause: error.cause });
  } finally {
    finished();
  }
}

/** Makes a folder, with those above it, whose name lasts. @throws FailureError "file-write-failed" */
export async function makeDurableFolder(files: FileLayer, path: string): Promise<void> {
  const { folder: parent } = split(path);
  let result = await files.makeFolder(path);
  if (result === "no-parent" && parent !== path && parent !== ".") {
    await makeDurableFolder(files, parent);
    result = await files.makeFolder(path);
  }
  if (result === "no-parent") throw new FailureError("file-write-failed", `${path}: the folder could not be made`);
  if (result === "made") await files.syncFolder(parent);
}

/** Removes what writes that were killed have left. */
export async function removeTemporary(files: FileLayer, folder: string): Promise<void> {
  for (const name of await files.list(folder)) if (TEMPORARY.test(name)) await files.remove(`${folder}/${name}`);
}

function split(path: string): { readonly folder: string; readonly name: string } {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return { folder: at < 0 ? "." : at === 0 ? "/" : path.slice(0, at), name: path.slice(at + 1) };
}
