import { platform } from "#platform";
import { type DirectFile, expectInside, type FileSource, sourceName } from "../platform/platform.ts";
import { FailureError } from "../shared/errors.ts";

/** So much is read at a time: it stays in the processor's cache on its way. A whole number of elements of every type. */
const PART_BYTES = 1 << 18;

type OpenFile = Pick<DirectFile, "read" | "close">;

/** Bytes that lie in a file and are read whenever they are needed; whoever needs them waits for the disk. */
export class StoredBytes {
  readonly name: string;
  readonly size: number;
  private readonly open: () => OpenFile;

  constructor(name: string, size: number, open: () => OpenFile) {
    this.name = name;
    this.size = size;
    this.open = open;
  }

  /** A copy. @throws FailureError "file-read-failed" */
  read(offset: number, length: number): Uint8Array {
    expectInside(this.name, this.size, offset, length);
    const target = new Uint8Array(length);
    const file = this.open();
    try {
      file.read(target, offset);
    } finally {
      file.close();
    }
    return target;
  }

  /** The same in parts, each good until the next is asked for. Errors as in `read`. */
  *parts(offset: number, length: number): Generator<Uint8Array> {
    expectInside(this.name, this.size, offset, length);
    const scratch = new Uint8Array(Math.min(PART_BYTES, length));
    const file = this.open();
    try {
      for (let done = 0; done < length; done += scratch.length) {
        const part = scratch.subarray(0, length - done);
        file.read(part, offset + done);
        yield part;
      }
    } finally {
      file.close();
    }
  }
}

/**
 * A file whose bytes stay where they are; undefined where none can be read without waiting for a promise (`Platform.openDirect`).
 * What is read later is refused when the file was written to in between.
 *
 * @param onRead Called with the number of bytes that were read.
 * @throws what `Platform.openDirect` throws; later FailureError "file-read-failed"
 */
export function storedFile(source: FileSource, onRead?: (bytes: number) => void): StoredBytes | undefined {
  const first = platform.openDirect(source);
  if (!first) return undefined;
  const { size, modified } = first;
  first.close();
  const name = sourceName(source);
  return new StoredBytes(name, size, () => {
    const file = platform.openDirect(source)!;
    if (file.size === size && file.modified === modified) return onRead === undefined ? file : watched(file, onRead);
    file.close();
    throw new FailureError(
      "file-read-failed",
      `${name}: the file was written to after it was opened, and its numbers are read when they are needed; open it again`,
    );
  });
}

const watched = ({ read, close }: DirectFile, onRead: (bytes: number) => void): OpenFile => ({
  close,
  read(target, position) {
    read(target, position);
    onRead(target.length);
  },
});

/** Bytes at hand as if they lay in a file. */
export const bytesAtHand = (name: string, bytes: Uint8Array): StoredBytes =>
  new StoredBytes(name, bytes.length, () => ({
    read: (target, position) => target.set(bytes.subarray(position, position + target.length)),
    close: () => undefined,
  }));
