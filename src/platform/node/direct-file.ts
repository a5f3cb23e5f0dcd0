import { FailureError } from "../../shared/errors.ts";
import { isAddress } from "../download.ts";
import { type DirectFile, type FileSource, sourceName, type TemporaryFile } from "../platform.ts";
import { notRegular, readError, writeError } from "./errors.ts";
import { fs, os, paths, urls } from "./late.ts";

/** See `Platform.openDirect`; for Node. */
export function openDirect(source: FileSource): DirectFile | undefined {
  if (source instanceof Blob || isAddress(source)) return undefined;
  try {
    const path = source instanceof URL ? urls().fileURLToPath(source) : source;
    // Before it is opened: that would wait for the writer of a pipe.
    const stat = fs().statSync(path);
    if (!stat.isFile()) throw notRegular(source, stat);
    return { ...readable(fs().openSync(path, "r"), sourceName(source)), size: stat.size, modified: stat.mtimeMs };
  } catch (error) {
    throw readError(error, source);
  }
}

/** See `Platform.temporaryFile`; for Node. */
export function temporaryFile({ folder = os().tmpdir(), path }: Parameters<Temporary>[0] = {}): TemporaryFile {
  const name = path ?? `temporary file in ${folder}`;
  let own: string | undefined;
  let file: number;
  try {
    if (path === undefined) own = fs().mkdtempSync(paths().join(folder, "longshort-"));
    file =
      own === undefined ? fs().openSync(path!, "w+", 0o600) : fs().openSync(paths().join(own, "scratch"), "wx+", 0o600);
    // Where the system allows it the name goes at once: then not even kill -9 leaves anything behind.
    if (own !== undefined && process.platform !== "win32") fs().rmSync(own, { recursive: true, force: true });
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
      return fs().fstatSync(file).mtimeMs;
    },
    append(bytes) {
      try {
        for (let done = 0; done < bytes.length; )
          done += fs().writeSync(file, bytes, done, bytes.length - done, size + done);
      } catch (error) {
        if (fs().fstatSync(file).size > size) fs().ftruncateSync(file, size);
        throw writeError(error, name);
      }
      size += bytes.length;
    },
    close() {
      close();
      if (own !== undefined) fs().rmSync(own, { recursive: true, force: true });
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
        const count = fs().readSync(file, target, done, target.length - done, position + done);
        if (count === 0) throw new FailureError("file-read-failed", `${name}: it ends too early`);
        done += count;
      }
    },
    close() {
      if (open) fs().closeSync(file);
      open = false;
    },
  };
}
