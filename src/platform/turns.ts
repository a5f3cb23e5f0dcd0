import { platform } from "#platform";

/** Often enough for a progress line, a key press or a page; seldom enough to cost nothing. */
const TURN_MS = 50;

/**
 * Machines that compute in the caller's thread never let anyone else have a turn: no signal would arrive, no page would be
 * drawn. The function that is returned, awaited before each step, gives one every 50 ms. With a signal that is
 * aborted, both throw its reason: the rule of whatever takes long (docs/guide/concepts.md).
 */
export function takeTurns(signal?: AbortSignal): () => Promise<void> {
  signal?.throwIfAborted();
  let last = platform.now();
  return async () => {
    signal?.throwIfAborted();
    if (platform.now() - last < TURN_MS) return;
    await new Promise<void>(soon);
    last = platform.now();
    signal?.throwIfAborted();
  };
}

/** Calls a function once everything that is ready to run has run, and others had a turn. */
export function soon(work: () => void): void {
  const { setImmediate } = globalThis as { readonly setImmediate?: (work: () => void) => unknown };
  if (setImmediate) setImmediate(work);
  else setTimeout(work, 0);
}
