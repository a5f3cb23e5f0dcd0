import { platform } from "#platform";
import { type DirectFile, type FileSource, isGzip, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { TokenHash } from "../text/token-hash.ts";
import { lastAtMost } from "./ascending.ts";
import { storeIn, type TokenStore } from "./token-store.ts";

/** Files that are held open at once: a corpus may have more than a process may open. */
const MOST_OPEN = 64;
/** What is read for the hash: so many pieces of so many bytes, evenly spread. */
const PIECES = 256;
const PIECE = 4096;

/**
 * Bytes of files as tokens, read where they lie: a place in a file is a place in the tokens, so nothing is read before it is
 * asked for. Undefined where that cannot be (gzip, a Blob, a browser) or where the files have no more than `above` bytes.
 *
 * Their hash is one of their size and of a megabyte of samples: it knows other, longer and shifted files, but not every byte that
 * was changed in place.
 *
 * @throws UsageError "file-empty", and what `platform.readChunks` throws
 */
export function bytesInPlace(sources: readonly FileSource[], above: number): TokenStore | undefined {
  const places = new Float64Array(sources.length + 1);
  for (const [i, source] of sources.entries()) {
    const size = plainSize(source);
    if (size === undefined) return undefined;
    places[i + 1] = places[i]! + size;
  }
  const size = places[sources.length]!;
  if (size <= above) return undefined;
  const file = joined(sources, places);
  try {
    return storeIn({ ...file, size }, { vocabularySize: 256, hash: sampleHash(file.read, size) });
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Bytes of a file that is not packed. */
function plainSize(source: FileSource): number | undefined {
  const file = platform.openDirect(source);
  if (file === undefined) return undefined;
  try {
    if (file.size === 0)
      throw new UsageError("file-empty", `${sourceName(source)}: the file is empty; give a file with text`);
    return isGzip(file) ? undefined : file.size;
  } finally {
    file.close();
  }
}

/** Files one after the other as if they were one; `places` says where each begins, and where the last one ends. */
function joined(sources: readonly FileSource[], places: Float64Array): Pick<DirectFile, "read" | "close"> {
  const open = new Map<number, DirectFile>();
  const fileAt = (index: number): DirectFile => {
    const known = open.get(index);
    if (known) return known;
    if (open.size === MOST_OPEN) {
      const [oldest, file] = open.entries().next().value!;
      file.close();
      open.delete(oldest);
    }
    const file = platform.openDirect(sources[index]!)!;
    open.set(index, file);
    return file;
  };
  return {
    read(target, position) {
      for (let i = lastAtMost(places, position), done = 0; done < target.length; i++) {
        const within = position + done - places[i]!;
        const part = target.subarray(done, done + places[i + 1]! - places[i]! - within);
        fileAt(i).read(part, within);
        done += part.length;
      }
    },
    close() {
      for (const file of open.values()) file.close();
      open.clear();
    },
  };
}

function sampleHash(read: DirectFile["read"], size: number): string {
  const hash = new TokenHash();
  hash.add(Int32Array.of(size % 2 ** 31, Math.floor(size / 2 ** 31)));
  const piece = new Uint8Array(Math.min(PIECE, size));
  for (let i = 0; i < PIECES; i++) {
    read(piece, Math.floor(((size - piece.length) * i) / (PIECES - 1)));
    hash.add(Int32Array.from(piece));
  }
  return `sampled ${hash.digest()}`;
}
