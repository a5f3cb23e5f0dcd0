/** Options of whatever takes long. */
export interface Abortable {
  /** Aborts the call: it rejects with the signal's reason, and leaves nothing behind ("Aborting" in the guide, "How it works"). */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether an error is that of an abort by this signal. What others are called with may wrap the reason in an error of its own, as Node's
 * functions do.
 */
export const wasAborted = (error: unknown, signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true &&
  (error === signal.reason || (error as { readonly name?: unknown } | null | undefined)?.name === "AbortError");
