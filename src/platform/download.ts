import { FailureError, LongshortError, UsageError } from "../shared/errors.ts";
import { type DownloadOptions, type FileSource, sourceName } from "./platform.ts";

/** Whether something lies on a server, where the host has files of its own. */
export function isAddress(source: FileSource): boolean {
  if (source instanceof URL) return source.protocol === "https:" || source.protocol === "http:";
  return typeof source === "string" && /^https?:\/\//i.test(source);
}

/** What a server answers. @throws UsageError "file-not-found", "file-unreadable"; the reason of `signal` */
export async function get(source: string | URL, signal?: AbortSignal): Promise<Response> {
  const name = sourceName(source);
  let response: Response;
  try {
    response = await fetch(source, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new UsageError(
      "file-not-found",
      `${name}: could not be fetched; check the address, and in a page whether its server allows requests from there (CORS)`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  const found = response.status !== 404 && response.status !== 410;
  throw new UsageError(
    found ? "file-unreadable" : "file-not-found",
    `${name}: the server answered ${response.status} ${response.statusText}`,
  );
}

/** The same for what is no page: many servers answer with their own page, and without complaint, where there is nothing. */
export async function getFile(source: string | URL, signal?: AbortSignal): Promise<Response> {
  const response = await get(source, signal);
  if (!response.headers.get("content-type")?.startsWith("text/html")) return response;
  throw new UsageError(
    "file-not-found",
    `${sourceName(source)}: expected a file, the server answered with a page of HTML, as many do where there is no such file; check the address`,
  );
}

/** The bytes of a file of a server. Errors as in `getFile`; FailureError "file-read-failed" */
export async function downloadBytes(source: string | URL, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await getFile(source, signal);
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreadable(source)(cause);
  }
}

/** A file of a server, whole. */
export async function download(source: string | URL, { signal, onDownload }: DownloadOptions): Promise<Blob> {
  const response = await getFile(source, signal);
  if (!onDownload || response.body === null) return response.blob();
  // What a packed response says is its packed length, and what is read is not packed.
  const length = response.headers.get("content-encoding") === null ? response.headers.get("content-length") : null;
  const total = length === null ? undefined : Number(length);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let read = 0;
  onDownload({ read, total });
  for await (const chunk of readAll(response.body, unreadable(source))) {
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
    read += chunk.length;
    onDownload({ read, total });
  }
  return new Blob(chunks);
}

/** Chunks of a stream by its reader: Safari's streams are not async iterable. @param failed what to say where it breaks off */
export async function* readAll<T>(
  stream: ReadableStream<T>,
  failed: (cause: unknown) => LongshortError,
): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw error instanceof LongshortError ? error : failed(error);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export const unreadable =
  (source: FileSource) =>
  (cause: unknown): LongshortError =>
    new FailureError("file-read-failed", `${sourceName(source)}: could not be read`, { cause });
