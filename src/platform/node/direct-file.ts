import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FailureError } from "../../shared/errors.ts";
import { type DirectFile, type FileSource, sourceName, type TemporaryFile } from "../platform.ts";
import { notRegular, readError, writeError } from "./errors.ts";

/** See `Platform.openDirect`; for Node. */
export function openDirect(source: FileSource): DirectFile | undefined {
  if (source instanceof Blob) return undefined;
  try {
    const path = source instanceof URL ? fileURLToPath(source) : source;
    // Before it is opened: that would wait for the writer of a pipe.
    const stat = statSync(path);
    if (!stat.isFile()) throw notRegular(source, stat);
    return { ...readable(openSync(path, "r"), sourceName(source)), size: stat.size, modified: stat.mtimeMs };
  } catch (error) {
    throw readError(error, source);
  }
}

/** See `Platform.temporaryFile`; for Node. */
export function temporaryFile({ folder = tmpdir(), path }: Parameters<Temporary>[0] = {}): TemporaryFile {
  const name = path ?? `temporary file in ${folder}`;
  let own: string | undefined;
  let file: number;
  try {
    if (path === undefined) own = mkdtempSync(join(folder, "longshort-"));
    file = own === undefined ? openSync(path!, "w+", 0o600) : openSync(join(own, "scratch"), "wx+", 0o600);
    // Where the system allows it the name goes at once: then not even kill -9 leaves anything behind.
    if (own !== undefined && process.platform !== "win32") rmSync(own, { recursive: true, force: true });
  } catch (error) {
    throw writeError(error, path ?? folder);
  }
  const { read, close } = readable(file, name);
  let size = 0;
  return {
    read,
    get size() {
      return size;
    },
    get modified() {
      return fstatSync(file).mtimeMs;
    },
    append(bytes) {
      try {
        for (let done = 0; done < bytes.length; )
          done += writeSync(file, bytes, done, bytes.length - done, size + done);
      } catch (error) {
        if (fstatSync(file).size > size) ftruncateSync(file, size);
        throw writeError(error, name);
      }
      size += bytes.length;
    },
    close() {
      close();
      if (own !== undefined) rmSync(own, { recursive: true, force: true });
    },
  };
}

type Temporary = (options?: {
  readonly folder?: string | undefined;
  readonly path?: string | undefined;
}) => TemporaryFile;

function readable(file: number, name: string): Pick<DirectFile, "read" | "close"> {
  let open = true;
  return {
    read(target, position) {
      for (let done = 0; done < target.length; ) {
        const count = readSync(file, target, done, target.length - done, position + done);
        if (count === 0) throw new FailureError("file-read-failed", `${name}: it ends too early`);
        done += count;
      }
    },
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}
