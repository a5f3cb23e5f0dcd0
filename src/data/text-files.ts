import { platform } from "#platform";
import { type FileSource, sourceName } from "../platform/platform.ts";
import { concatBytes } from "../shared/concat-bytes.ts";
import { UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { firstInvalidUtf8 } from "./utf8.ts";

/** Told while files are read: how many bytes (unpacked) of which file were seen. */
export type ReadProgress = (progress: { readonly file: string; readonly bytes: number }) => void;

/** Who hears of a reading, and who may end it. */
export interface ReadHow extends Abortable {
  readonly onProgress?: ReadProgress | undefined;
}

/**
 * The bytes of files, one after the other, chunk by chunk; gzip is unpacked.
 * @throws UsageError "file-empty", and what `platform.readChunks` throws; the reason of `signal`
 */
export async function* readBytes(
  files: readonly FileSource[],
  { onProgress, signal }: ReadHow = {},
): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    let bytes = 0;
    signal?.throwIfAborted();
    try {
      for await (const chunk of platform.readChunks(file, signal)) {
        bytes += chunk.length;
        yield chunk;
        onProgress?.({ file: sourceName(file), bytes });
        signal?.throwIfAborted();
      }
    } catch (error) {
      // What an abort ends is no file that broke off.
      signal?.throwIfAborted();
      throw error;
    }
    if (bytes === 0)
      throw new UsageError("file-empty", `${sourceName(file)}: the file is empty; give a file with text`);
  }
}

/**
 * The text of files in UTF-8, one after the other as if they were one. A byte order mark at the start of a file is not
 * text and is dropped; line ends are kept as they are.
 *
 * @param anyBytes whether who is told that a file is no text may read it as bytes instead: not where it is a table
 * @throws UsageError "not-text" with the offset of the first byte that is NUL or not UTF-8; and what `readBytes` throws
 */
export async function* readText(
  files: readonly FileSource[],
  { anyBytes = true, ...how }: ReadHow & { readonly anyBytes?: boolean } = {},
): AsyncGenerator<string> {
  const or = anyBytes ? ', or read any bytes with the tokenizer "byte" (--tokenizer byte)' : "";
  for (const file of files) {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const tail = new Tail();
    for await (const chunk of readBytes([file], how)) {
      const zero = chunk.indexOf(0);
      if (zero >= 0) throw notText(file, `byte ${tail.offset + zero} is 0`, startOf(chunk, tail), or);
      try {
        yield decoder.decode(chunk, { stream: true });
      } catch (error) {
        throw invalidUtf8(file, tail, chunk, { final: false, or }, error);
      }
      tail.push(chunk);
    }
    try {
      yield decoder.decode();
    } catch (error) {
      throw invalidUtf8(file, tail, new Uint8Array(0), { final: true, or }, error);
    }
  }
}

/** The text of a table, as `readText`. */
export const readTable = (file: FileSource, how: ReadHow = {}): AsyncGenerator<string> =>
  readText([file], { ...how, anyBytes: false });

/** All lines of a table. */
export async function readLines(file: FileSource, how: ReadHow = {}): Promise<string[]> {
  const parts: string[] = [];
  for await (const part of readTable(file, how)) parts.push(part);
  return parts.join("").split(/\r\n|\n|\r/);
}

/** The last bytes before a chunk: a character may have begun in them. */
class Tail {
  /** How many bytes came before the next chunk. */
  offset = 0;
  bytes: Uint8Array = new Uint8Array(0);

  push(chunk: Uint8Array): void {
    this.offset += chunk.length;
    this.bytes = concatBytes([this.bytes, chunk.subarray(-3)]).slice(-3);
  }
}

function invalidUtf8(
  file: FileSource,
  tail: Tail,
  chunk: Uint8Array,
  { final, or }: { readonly final: boolean; readonly or: string },
  cause: unknown,
): UsageError {
  const bytes = concatBytes([tail.bytes, chunk]);
  // What precedes was valid; the three bytes kept of it may begin within a character, which is not an error.
  let begin = 0;
  while (begin < tail.bytes.length && (bytes[begin]! & 0xc0) === 0x80) begin++;
  const offset = tail.offset - tail.bytes.length + begin + firstInvalidUtf8(bytes.subarray(begin), { final });
  const what = final
    ? `the file ends within the character that begins at byte ${offset}`
    : `byte ${offset} is not UTF-8`;
  return notText(file, what, startOf(chunk, tail), or, cause);
}

function notText(file: FileSource, what: string, start: Uint8Array, or: string, cause?: unknown): UsageError {
  const utf16 =
    (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)
      ? "; it looks like UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"
      : `; save it as UTF-8${or}`;
  const message = `${sourceName(file)}: expected text in UTF-8, but ${what}${utf16}`;
  return new UsageError("not-text", message, { cause });
}

/** The first bytes of the file where the chunk has them. */
function startOf(chunk: Uint8Array, tail: Tail): Uint8Array {
  return tail.offset === 0 ? chunk : new Uint8Array(0);
}
