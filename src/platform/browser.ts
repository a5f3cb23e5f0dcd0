import { FailureError, UsageError } from "../shared/errors.ts";
import { download, downloadBytes, get, readAll, unreadable } from "./download.ts";
import type { FileLayer } from "./files.ts";
import {
  blobSource,
  canWait,
  type FileSource,
  looksLikeGzip,
  type Platform,
  peek,
  sourceName,
  type Thread,
} from "./platform.ts";

export const platform: Platform = {
  name: "browser",
  readChunks,
  async readFile(source, signal) {
    return source instanceof Blob ? new Uint8Array(await source.arrayBuffer()) : downloadBytes(source, signal);
  },
  async openFile(source, options = {}) {
    return blobSource(source instanceof Blob ? source : await download(source, options), sourceName(source));
  },
  async fileSize(source) {
    return (source instanceof Blob ? source : await (await get(source)).blob()).size;
  },
  async writeFileAtomic(path) {
    throw unavailable(`writing the file ${String(path)}`, "offer the bytes as a download instead");
  },
  async makeFolder(path) {
    throw unavailable(`making the folder ${String(path)}`, "offer the files as downloads instead");
  },
  findFiles: async (path) => [path],
  openDirect: () => undefined,
  sha256: () => undefined,
  temporaryFile() {
    throw unavailable("a temporary file", "use less data, or give a larger memoryLimit");
  },
  files: unavailableFiles(),
  processIdentity() {
    throw unavailable("a lock on a folder", "nothing else writes there");
  },
  isRunning() {
    throw unavailable("a lock on a folder", "nothing else writes there");
  },
  async openParquet() {
    throw unavailable("reading Parquet", "write the table as CSV or JSON lines");
  },
  now: () => performance.now(),
  variable: () => undefined,
  processors: () => (globalThis.crossOriginIsolated && canWait() ? navigator.hardwareConcurrency : undefined),
  startThread,
};

function unavailableFiles(): FileLayer {
  const refuse = async (path: string): Promise<never> => {
    throw unavailable(
      `reaching the file ${path}`,
      "keep what `packRun` gives of a model, or `snapshot()` of a training, in IndexedDB or as a download",
    );
  };
  return {
    ...{ read: refuse, size: refuse, write: refuse, append: refuse, truncate: refuse, sync: refuse, rename: refuse },
    ...{ link: refuse, remove: refuse, list: refuse, makeFolder: refuse, syncFolder: refuse },
    removeAtEnd: () => () => undefined,
  };
}

function unavailable(what: string, instead: string): FailureError {
  return new FailureError("not-on-this-platform", `${what} is not possible in a browser; ${instead}`);
}

async function* readChunks(source: FileSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = source instanceof Blob ? source.stream() : (await get(source, signal)).body;
  if (stream === null) return;
  const { head, all } = await peek(readAll(stream, unreadable(source)), 2);
  if (looksLikeGzip(head)) yield* gunzip(all, sourceName(source));
  else yield* all;
}

async function* gunzip(chunks: AsyncGenerator<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const packed = new ReadableStream<BufferSource>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
  yield* readAll<Uint8Array>(
    packed.pipeThrough(new DecompressionStream("gzip")),
    (cause) =>
      new UsageError(
        "gzip-damaged",
        `${name}: the file begins like gzip but cannot be unpacked; get it again, or give the unpacked text`,
        { cause },
      ),
  );
}

function startThread(source: string): Thread {
  const script = `onmessage = ({ data }) => receive(data); const receive = (${source})((message) => postMessage(message));`;
  // A Blob: a file of its own would have to be found again after whatever a bundler did to this one.
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "longshort" });
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onError) {
      worker.onmessage = ({ data }) => onMessage(data);
      worker.onerror = (event) => onError(event.error ?? new Error(event.message || "the host refuses a worker"));
    },
    hold: () => undefined,
    stop() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
