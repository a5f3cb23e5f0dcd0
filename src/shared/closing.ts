// Declarations name Symbol.dispose, which a program that is compiled against an older library does not know by itself.
/// <reference lib="esnext.disposable" preserve="true" />

/** Holds memory, threads or files until it is closed, by `close()` or by `using` at the end of the block. */
export interface Closeable extends Disposable {
  /** Releases what it holds. */
  close(): void;
  /** The same as `close`. */
  [Symbol.dispose](): void;
}

/** What is closed with `await`, as files are: by `await close()`, or by `await using` at the end of the block. */
export interface AsyncCloseable extends AsyncDisposable {
  /** Gives back what it holds. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The base of classes with `close`. */
export abstract class Closing implements Closeable {
  abstract close(): void;

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Closes others with what was made of them, after it. */
export function closesWith<T extends Closeable>(one: T, ...others: readonly Closeable[]): T {
  const all = [{ close: one.close.bind(one) }, ...others];
  return Object.assign(one, {
    close() {
      for (const each of all) each.close();
    },
  });
}

/** An object that is no instance of a class, with what `using` calls. */
export function closing<T extends Closeable>(one: Omit<T, typeof Symbol.dispose>): T {
  const whole = one as T;
  return Object.assign(whole, { [Symbol.dispose]: () => whole.close() });
}

/** The same of what is closed with `await`. */
export function closingLater<T extends AsyncCloseable>(one: Omit<T, typeof Symbol.asyncDispose>): T {
  const whole = one as T;
  return Object.assign(whole, { [Symbol.asyncDispose]: () => whole.close() });
}
