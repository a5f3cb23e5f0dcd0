import { concatBytes } from "../shared/concat-bytes.ts";
import { FailureError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import type { FileContent, FileLayer } from "./files.ts";

/**
 * What the rest of the package asks of the place it runs in: files and a clock. `#platform` in package.json "imports"
 * resolves to node.ts or browser.ts, and both export one value of this type as `platform`.
 */
export interface Platform {
  readonly name: "node" | "browser";

  /**
   * The bytes of a file, chunk by chunk, so that it may be larger than memory. A gzip file, known by its first two
   * bytes and not by its name, is unpacked on the way.
   * @throws UsageError "file-not-found", "file-is-folder", "file-not-regular", "file-unreadable", "gzip-damaged";
   *   FailureError "file-read-failed". All of them when the first chunk is asked for, or later.
   * @param signal Ends waiting for a server; whoever gave it looks at it where there is an error.
   */
  readChunks(source: FileSource, signal?: AbortSignal): AsyncIterable<Uint8Array>;

  /** All bytes of a file as they are: gzip is not unpacked. Errors as in `readChunks`; so with `signal`. */
  readFile(source: FileSource, signal?: AbortSignal): Promise<Uint8Array>;

  /**
   * A file whose parts are read on request, so that it may be larger than memory. The caller closes it. A URL of
   * a server is fetched once, into a Blob; `onDownload` hears how much of it is there.
   * Errors as in `readChunks`; so with `signal`.
   */
  openFile(source: FileSource, options?: DownloadOptions): Promise<ByteSource>;

  /** Size of a file in bytes as it lies there (packed, if it is packed). Errors as in `readChunks`. */
  fileSize(source: FileSource): Promise<number>;

  /**
   * Writes a file so that at every moment, even after a power cut, either the old or the whole new content is there:
   * a temporary file in the same folder, fsync, rename, fsync of the folder.
   * @throws FailureError "file-write-failed", "disk-full"; in a browser "not-on-this-platform"
   */
  writeFileAtomic(path: string | URL, content: FileContent): Promise<void>;

  /**
   * Makes a folder and those above it; one that is there already is left alone.
   * @throws FailureError "file-write-failed", "disk-full"; in a browser "not-on-this-platform"
   */
  makeFolder(path: string | URL): Promise<void>;

  /**
   * The files that a path means: itself; all files in a folder and its folders, without hidden ones; or what a pattern with
   * wildcards (`data/*.txt`, `**` for any folders) matches. In the order of their names. In a browser the path, which is a URL.
   * @throws UsageError "no-files" when a folder is empty or nothing matches
   */
  findFiles(path: string): Promise<string[]>;

  /**
   * A file that is read at any place without waiting for a promise; undefined where that cannot be: of a Blob, and in a
   * browser. Errors as in `readChunks`.
   */
  openDirect(source: FileSource): DirectFile | undefined;

  /**
   * An empty file of the caller's own that is gone after `close()` or the end of the process, however it ends; or, with
   * `path`, an empty file there, which stays.
   * @throws FailureError "file-write-failed"; in a browser "not-on-this-platform"
   */
  temporaryFile(options?: { readonly folder?: string | undefined; readonly path?: string | undefined }): TemporaryFile;

  /** SHA-256 of bytes that come in parts; undefined where the host has none that takes parts (a browser). */
  sha256(): PartsHash | undefined;

  /** The operations that files which must survive a crash are made of. */
  readonly files: FileLayer;

  /** Who this process is, for locks. @throws in a browser FailureError "not-on-this-platform" */
  processIdentity(): ProcessIdentity;

  /** Whether a process is still there; undefined where it cannot be known. @throws as `processIdentity` */
  isRunning(identity: ProcessIdentity): boolean | undefined;

  /** A table in Parquet; what is wrong with it is an error of any kind. @throws in a browser FailureError "not-on-this-platform" */
  openParquet(source: ByteSource): Promise<ParquetTable>;

  /** Milliseconds of a clock that never runs backwards; only differences mean anything. */
  now(): number;

  /** Value of an environment variable; undefined where it is not set, and in a browser. */
  variable(name: string): string | undefined;

  /**
   * Processors that threads of this process can run on at once; undefined where threads cannot share memory (a page without
   * cross-origin isolation) or this one may not wait for another (a page's own thread).
   */
  processors(): number | undefined;

  /**
   * Starts a thread that runs `source`: the text of a function that is given a function to send messages with and returns the one
   * that receives them. It sees nothing else of this program. A host that refuses threads says so by an error, here or later.
   */
  startThread(source: string): Thread;
}

/** A hash of bytes that come in parts. */
export interface PartsHash {
  update(part: Uint8Array): void;
  /** In hexadecimal digits; nothing can be added afterwards. */
  digest(): string;
}

/** Another thread. It does not keep the process from ending unless it is held. */
export interface Thread {
  post(message: unknown): void;
  /** What is called with every message from it, and with the error that ends it. */
  listen(onMessage: (message: unknown) => void, onError: (error: unknown) => void): void;
  /** Whether the process waits for it, as long as a message is expected. */
  hold(on: boolean): void;
  /** Ends it, whatever it does. */
  stop(): void;
}

/** Whether this thread may share memory with others and sleep until one of them wakes it. */
export function canWait(): boolean {
  try {
    // The word is not 1, so that this returns at once where it is allowed at all.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}

/** A table in Parquet, read in parts. */
export interface ParquetTable {
  readonly columns: readonly string[];
  /** Those whose times are what clocks somewhere show, as if it were UTC; others are moments. */
  readonly local: ReadonlySet<string>;
  /** How many rows stand together: what is read of them at once costs least. */
  readonly groups: readonly number[];
  /** Values of rows `begin` to before `end`, by column. */
  rows(columns: readonly string[], begin: number, end: number): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** A process, told from those that have had its number before or will have it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system words it. */
  readonly started: string;
  readonly host: string;
}

/** Bytes that are read in parts, from any place. */
export interface ByteSource {
  /** Name for messages. */
  readonly name: string;
  readonly size: number;
  /**
   * Reads `length` bytes from `offset` on. The result may be a view of the source; do not change it.
   * @throws FailureError "file-read-failed" when the range is not inside the source
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Closes the source. Closing twice is harmless. */
  close(): Promise<void>;
}

/** Bytes of a URL that are there; `total` is undefined where the server does not say it, or packs what it sends. */
export type OnDownload = (progress: { readonly read: number; readonly total: number | undefined }) => void;

/** How a URL is fetched. */
export interface DownloadOptions extends Abortable {
  readonly onDownload?: OnDownload | undefined;
}

/** A path (Node), a URL, or a Blob or File. A string that begins with http:// or https:// is a URL; in a browser any, relative to the page. */
export type FileSource = string | URL | Blob;

/** Reads wait for the disk: this is for data of which a step reads a few kilobytes. */
export interface DirectFile {
  readonly size: number;
  /** When it was last written to, in milliseconds since 1970. */
  readonly modified: number;
  /** Fills `target` from byte `position` on. @throws FailureError "file-read-failed" where the file ends before */
  read(target: Uint8Array, position: number): void;
  close(): void;
}

/** Scratch data, written once from its beginning to its end. */
export interface TemporaryFile extends DirectFile {
  append(bytes: Uint8Array): void;
}

/** A Blob as a source of bytes. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, length) {
      expectInside(name, blob.size, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new FailureError("file-read-failed", `${name}: could not be read`, { cause });
      }
    },
    close: async () => undefined,
  };
}

/** @throws FailureError "file-read-failed" */
export function expectInside(name: string, size: number, offset: number, length: number): void {
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= size
  )
    return;
  throw new FailureError(
    "file-read-failed",
    `${name}: ${length} bytes from byte ${offset} on were asked for, but it has ${size}; the file is cut short or damaged`,
  );
}

/** How a source is called in messages. */
export function sourceName(source: FileSource): string {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.protocol === "file:" ? decodeURIComponent(source.pathname) : source.href;
  return "name" in source ? String(source.name) : "the given Blob";
}

/** Whether a file that starts with `bytes` is gzip (RFC 1952, section 2.3.1: 1f 8b). */
export function looksLikeGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The same of an open file. */
export function isGzip(file: DirectFile): boolean {
  const head = new Uint8Array(Math.min(2, file.size));
  file.read(head, 0);
  return looksLikeGzip(head);
}

/**
 * Looks at the first `count` bytes (fewer where there are no more) and gives all chunks back. When the reader leaves
 * `all` early, `chunks` is ended too and closes its file.
 */
export async function peek(
  chunks: AsyncGenerator<Uint8Array>,
  count: number,
): Promise<{ readonly head: Uint8Array; readonly all: AsyncGenerator<Uint8Array> }> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < count) {
    const { done, value } = await chunks.next();
    if (done) break;
    head = concatBytes([head, value]);
  }
  return { head, all: allOf(head, chunks) };
}

async function* allOf(head: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
