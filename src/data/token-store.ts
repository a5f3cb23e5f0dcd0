import { platform } from "#platform";
import type { DirectFile, TemporaryFile } from "../platform/platform.ts";
import { expectInteger } from "../shared/errors.ts";
import { TokenHash } from "../text/token-hash.ts";
import { expectRange, type TokenSequence } from "../text/token-sequence.ts";

/** Tokens of a whole corpus, one, two or four bytes each, in memory or in a temporary file. */
export interface TokenStore extends TokenSequence {
  readonly bytesPerToken: 1 | 2 | 4;
  readonly place: "memory" | "file";
  readonly hash: string;
  /** Releases the memory or the file; reading afterwards is an error. */
  close(): void;
}

export interface TokenStoreOptions {
  readonly vocabularySize: number;
  /** Bytes that are kept in memory; a larger store goes to a temporary file. Default `MEMORY_LIMIT`. */
  readonly memoryLimit?: number | undefined;
  /** Where the temporary file is made. Default: the system's folder for such. */
  readonly folder?: string | undefined;
  /** A file in place of a temporary one, which stays; asked for when it is needed. */
  readonly path?: (() => Promise<string>) | undefined;
}

/** 256 MiB: with it a training on any corpus stays below 500 MB. */
export const MEMORY_LIMIT = 256 * 2 ** 20;

type Packed = Uint8Array | Uint16Array | Int32Array;
type PackedArray = Uint8ArrayConstructor | Uint16ArrayConstructor | Int32ArrayConstructor;

const packedFor = (vocabularySize: number): PackedArray =>
  vocabularySize <= 2 ** 8 ? Uint8Array : vocabularySize <= 2 ** 16 ? Uint16Array : Int32Array;

const SEGMENT = 1 << 20;

/**
 * Stores a stream of tokens, each below `vocabularySize`.
 * @throws FailureError "disk-full", "file-write-failed"; in a browser, above `memoryLimit`, "not-on-this-platform"
 */
export async function storeTokens(
  stream: AsyncIterable<Int32Array> | Iterable<Int32Array>,
  options: TokenStoreOptions,
): Promise<TokenStore> {
  const vocabularySize = expectInteger("vocabularySize", options.vocabularySize, { min: 1 });
  const limit = expectInteger("memoryLimit", options.memoryLimit ?? MEMORY_LIMIT, { min: 0 });
  const packedArray = packedFor(vocabularySize);
  const bytesPerToken = packedArray.BYTES_PER_ELEMENT as 1 | 2 | 4;
  let file: TemporaryFile | undefined;
  /** What is not in the file. */
  const segments: Packed[] = [];
  let bytes = 0;
  let current: Packed = new packedArray(SEGMENT);
  let used = 0;
  const hash = new TokenHash();

  /** Puts the current segment with the others, and all of them into the file once there are more bytes than memory is to hold. */
  const flush = async (): Promise<void> => {
    segments.push(used === SEGMENT ? current : current.slice(0, used));
    bytes += used * bytesPerToken;
    used = 0;
    if (bytes <= limit) {
      current = new packedArray(SEGMENT);
      return;
    }
    file ??= platform.temporaryFile({ folder: options.folder, path: await options.path?.() });
    for (const segment of segments) file.append(bytesOf(segment));
    segments.length = 0;
  };

  try {
    for await (const tokens of stream) {
      hash.add(tokens);
      for (let at = 0; at < tokens.length; ) {
        const count = Math.min(tokens.length - at, SEGMENT - used);
        current.set(tokens.subarray(at, at + count), used);
        at += count;
        used += count;
        if (used === SEGMENT) await flush();
      }
    }
    if (used > 0) await flush();
  } catch (error) {
    file?.close();
    throw error;
  }
  if (file !== undefined) return storeIn(file, { vocabularySize, hash: hash.digest() });
  return memoryStore(segments, bytesPerToken, hash.digest());
}

function memoryStore(segments: Packed[], bytesPerToken: 1 | 2 | 4, hash: string): TokenStore {
  const length = segments.reduce((sum, segment) => sum + segment.length, 0);
  return {
    length,
    bytesPerToken,
    hash,
    place: "memory",
    copyTo(target, at, start, count) {
      expectRange(length, start, count);
      for (let done = 0; done < count; ) {
        const segment = segments[Math.floor((start + done) / SEGMENT)]!;
        const offset = (start + done) % SEGMENT;
        const part = segment.subarray(offset, offset + count - done);
        target.set(part, at + done);
        done += part.length;
      }
    },
    close() {
      segments.length = 0;
    },
  };
}

/** Tokens that lie in a file, each below `vocabularySize`; the file is closed with the store. */
export function storeIn(
  file: Pick<DirectFile, "size" | "read" | "close">,
  { vocabularySize, hash }: { readonly vocabularySize: number; readonly hash: string },
): TokenStore {
  const packedArray = packedFor(vocabularySize);
  const bytesPerToken = packedArray.BYTES_PER_ELEMENT as 1 | 2 | 4;
  const length = file.size / bytesPerToken;
  let window: Packed = new packedArray(1024);
  return {
    length,
    bytesPerToken,
    hash,
    place: "file",
    copyTo(target, at, start, count) {
      expectRange(length, start, count);
      if (window.length < count) window = new packedArray(count);
      const part = window.subarray(0, count);
      file.read(bytesOf(part), start * bytesPerToken);
      target.set(part, at);
    },
    close: () => file.close(),
  };
}

function bytesOf(packed: Packed): Uint8Array {
  return new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
}
