import { platform } from "#platform";
import { type DirectFile, type FileSource, isGzip } from "../platform/platform.ts";
import { type ReadHow, readText } from "./text-files.ts";

const PIECE = 1 << 20;
const LINE_END = 0x0a;

/** Whether files have more than `bytes` bytes as they lie there; of what has no size on a disk nothing is known. */
export async function hasMoreThan(bytes: number, sources: readonly FileSource[]): Promise<boolean> {
  let size = 0;
  for (const source of sources) size += await platform.fileSize(source);
  return size > bytes;
}

/**
 * About `bytes` bytes of text from files that have more: from each its share, in pieces of a mebibyte or less that are spread
 * evenly and hold whole lines where there are lines. Of a file that can only be read from its beginning (gzip) the beginning.
 */
export async function* sampleText(
  sources: readonly FileSource[],
  bytes: number,
  how: ReadHow = {},
): AsyncGenerator<string> {
  const sizes: number[] = [];
  for (const source of sources) sizes.push(await platform.fileSize(source));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  for (const [i, source] of sources.entries()) {
    const share = Math.ceil((bytes * sizes[i]!) / total);
    const file = platform.openDirect(source);
    try {
      how.signal?.throwIfAborted();
      if (file && !isGzip(file)) yield* piecesOf(file, share);
      else yield* beginning(readText([source], how), share);
    } finally {
      file?.close();
    }
  }
}

function* piecesOf(file: DirectFile, share: number): Generator<string> {
  const count = Math.ceil(share / PIECE);
  const length = Math.min(file.size, Math.ceil(share / count));
  for (let i = 0; i < count; i++) {
    const piece = new Uint8Array(length);
    const start = count === 1 ? 0 : Math.floor(((file.size - length) * i) / (count - 1));
    file.read(piece, start);
    yield new TextDecoder().decode(piece.subarray(start === 0 ? 0 : firstWhole(piece), lastWhole(piece)));
  }
}

async function* beginning(texts: AsyncIterable<string>, length: number): AsyncGenerator<string> {
  let done = 0;
  for await (const text of texts) {
    yield text;
    done += text.length;
    if (done >= length) return;
  }
}

/** Where the first line begins, or the first character where there is no end of a line. */
function firstWhole(piece: Uint8Array): number {
  const line = piece.indexOf(LINE_END) + 1;
  if (line > 0 && line < piece.length) return line;
  let at = 0;
  while (at < piece.length && (piece[at]! & 0xc0) === 0x80) at++;
  return at;
}

/** Behind the last line, or before the last character, which may be cut. */
function lastWhole(piece: Uint8Array): number {
  const line = piece.lastIndexOf(LINE_END) + 1;
  if (line > 0 && line > firstWhole(piece)) return line;
  let at = piece.length - 1;
  while (at > 0 && (piece[at]! & 0xc0) === 0x80) at--;
  return at;
}
