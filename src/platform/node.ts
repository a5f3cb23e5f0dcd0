import type { FileHandle } from "node:fs/promises";
import { FailureError, LongshortError, UsageError } from "../shared/errors.ts";
import { download, downloadBytes, get, isAddress, readAll, unreadable } from "./download.ts";
import { makeDurableFolder, writeAtomic } from "./files.ts";
import { openDirect, temporaryFile } from "./node/direct-file.ts";
import { messageOf, notRegular, readError } from "./node/errors.ts";
import { nodeFiles } from "./node/files.ts";
import { findFiles } from "./node/find-files.ts";
import { fs, hashes, os, streams, threads, urls, zlib } from "./node/late.ts";
import { openParquet } from "./node/parquet.ts";
import { isRunning, processIdentity } from "./node/process.ts";
import {
  type ByteSource,
  blobSource,
  canWait,
  type DownloadOptions,
  expectInside,
  type FileSource,
  looksLikeGzip,
  type PartsHash,
  type Platform,
  peek,
  sourceName,
  type Thread,
} from "./platform.ts";

const CHUNK_BYTES = 1 << 18;
/** Linux reads at most about 2 GiB in one call. */
const READ_BYTES = 1 << 30;
/** A long read is made of parts of at least so many bytes, as many at a time as the threads that Node reads files with. */
const PART_BYTES = 1 << 20;
const PARTS = 4;

export const platform: Platform = {
  name: "node",
  readChunks,
  readFile,
  openFile,
  fileSize,
  writeFileAtomic: (path, content) => writeAtomic(nodeFiles, pathOf(path), content),
  makeFolder,
  files: nodeFiles,
  processIdentity,
  isRunning,
  openDirect,
  temporaryFile,
  sha256,
  findFiles,
  openParquet,
  now: () => performance.now(),
  variable,
  processors: () => (canWait() ? os().availableParallelism() : undefined),
  startThread,
};

async function* readChunks(source: FileSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(rawChunks(source, signal), 2);
  if (looksLikeGzip(head)) yield* gunzip(all, sourceName(source));
  else yield* all;
}

async function* rawChunks(source: FileSource, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (source instanceof Blob) {
    yield* source.stream() as unknown as AsyncIterable<Uint8Array>;
    return;
  }
  if (isAddress(source)) {
    const { body } = await get(source, signal);
    if (body !== null) yield* readAll(body as ReadableStream<Uint8Array>, unreadable(source));
    return;
  }
  const file = await openToRead(source);
  try {
    for (;;) {
      // A chunk belongs to whoever receives it, so every turn has a buffer of its own.
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw readError(error, source);
  } finally {
    await file.close();
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const { pipeline, Readable } = streams();
  const unpacked = pipeline(
    Readable.from(chunks, { objectMode: false }),
    zlib().createGunzip({ chunkSize: CHUNK_BYTES }),
    () => {
      // The error also arrives at the reader below.
    },
  );
  try {
    yield* unpacked as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof LongshortError) throw error;
    throw new UsageError(
      "gzip-damaged",
      `${name}: the file begins like gzip but cannot be unpacked (${messageOf(error)}); get it again, or check it with gzip -t`,
      { cause: error },
    );
  }
}

async function readFile(source: FileSource, signal?: AbortSignal): Promise<Uint8Array> {
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (isAddress(source)) return downloadBytes(source, signal);
  const file = await openToRead(source);
  try {
    const bytes = await file.readFile({ signal });
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    signal?.throwIfAborted();
    throw readError(error, source);
  } finally {
    await file.close();
  }
}

async function openFile(source: FileSource, options: DownloadOptions = {}): Promise<ByteSource> {
  const name = sourceName(source);
  if (source instanceof Blob) return blobSource(source, name);
  if (isAddress(source)) return blobSource(await download(source, options), name);
  const file = await openToRead(source);
  const { size } = await file.stat();
  let open = true;
  return {
    name,
    size,
    async read(offset, length) {
      if (!open) throw new UsageError("closed", `${name}: the file was closed and cannot be read any more`);
      expectInside(name, size, offset, length);
      const target = new Uint8Array(length);
      const fill = async (start: number, end: number): Promise<void> => {
        for (let done = start; done < end; ) {
          const { bytesRead } = await file.read(target, done, Math.min(end - done, READ_BYTES), offset + done);
          if (bytesRead === 0) throw new FailureError("file-read-failed", `${name}: the file became shorter`);
          done += bytesRead;
        }
      };
      // The system hands over new memory page by page at its first touch, which can take far longer than copying: parts share it.
      const parts = Math.max(1, Math.min(PARTS, Math.floor(length / PART_BYTES)));
      const edge = (part: number): number => Math.floor((part * length) / parts);
      try {
        await Promise.all(Array.from({ length: parts }, (_, part) => fill(edge(part), edge(part + 1))));
      } catch (error) {
        throw readError(error, source);
      }
      return target;
    },
    async close() {
      if (!open) return;
      open = false;
      await file.close();
    },
  };
}

async function fileSize(source: FileSource): Promise<number> {
  if (source instanceof Blob) return source.size;
  if (isAddress(source)) return (await (await get(source)).blob()).size;
  const file = await openToRead(source);
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function openToRead(source: string | URL): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    if (source instanceof URL) urls().fileURLToPath(source); // a URL of another kind is refused here
    file = await fs().promises.open(source, "r");
    const stat = await file.stat();
    if (stat.isFile()) return file;
    throw notRegular(source, stat);
  } catch (error) {
    await file?.close();
    throw readError(error, source);
  }
}

const pathOf = (target: string | URL): string => (target instanceof URL ? urls().fileURLToPath(target) : target);

async function makeFolder(target: string | URL): Promise<void> {
  await makeDurableFolder(nodeFiles, pathOf(target));
}

function sha256(): PartsHash {
  const hash = hashes().createHash("sha256");
  return { update: (part) => void hash.update(part), digest: () => hash.digest("hex") };
}

function startThread(source: string): Thread {
  const script = `const { parentPort } = require("node:worker_threads");
parentPort.on("message", (${source})((message) => parentPort.postMessage(message)));`;
  // Without the options of this process: they may load things that a thread of kernels has no use for.
  const worker = new (threads().Worker)(script, { eval: true, execArgv: [], name: "longshort" });
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onError) {
      worker.on("message", onMessage);
      worker.on("error", onError);
      worker.on("exit", (code) => onError(new Error(`the thread ended with code ${code}`)));
    },
    hold: (on) => (on ? worker.ref() : worker.unref()),
    stop: () => void worker.terminate(),
  };
}

/** A host that asks before it shows its environment (Deno) is taken to have none. */
function variable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
}
