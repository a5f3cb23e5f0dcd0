/**
 * Turns the callbacks of an asynchronous task into a sequence; its result is the generator's return value. The task waits until each event
 * has been handled. Leaving the loop aborts `signal` and waits for the task to end; `outer` hands on its reason.
 */
export async function* relay<E, R>(
  work: (tell: (event: E) => Promise<void>, signal: AbortSignal) => Promise<R>,
  outer?: AbortSignal,
): AsyncGenerator<E, R> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort);
  let told: { readonly event: E; readonly handled: () => void } | undefined;
  let wake: () => void = () => undefined;
  const nextTold = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  let woken = nextTold();
  let left = false;
  const done = work(
    (event) =>
      new Promise((handled) => {
        if (left) return handled();
        told = { event, handled };
        wake();
      }),
    controller.signal,
  );
  try {
    for (;;) {
      await Promise.race([woken, done]);
      if (!told) return await done;
      const { event, handled } = told;
      told = undefined;
      woken = nextTold();
      try {
        yield event;
      } finally {
        handled();
      }
    }
  } finally {
    left = true;
    abort();
    outer?.removeEventListener("abort", abort);
    // Its error has been thrown by the race, or nobody listens any more.
    await done.catch(() => undefined);
  }
}
