import { type Closeable, closing } from "../shared/closing.ts";
import { FailureError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import type { AbortMessage, CallMessage, CallName, Calls, TrainingProgress, WorkerMessage } from "./protocol.ts";

/** Options of `WorkerClient.call`. */
export interface CallOptions extends Abortable {}

/** A page's connection to `serveWorker`. */
export interface WorkerClient extends Closeable {
  /**
   * Calls the worker and resolves to its answer.
   * @param options `signal`: the call rejects at once, and the worker ends what it was asked for: a model that was to be opened is closed, a
   *   training that was begun stops.
   * @throws FailureError with the code that the worker gave, or "worker-failed" when it did not start or broke down; the reason of `signal`
   */
  call<K extends CallName>(name: K, given: Calls[K]["given"], options?: CallOptions): Promise<Calls[K]["back"]>;
  /** Called with the progress of the training. */
  onProgress: (progress: TrainingProgress) => void;
  /** Called when the training ends, with an error if it failed. */
  onEnd: (error: FailureError | undefined) => void;
  /** Ends the worker; pending calls fail. */
  close(): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What a worker is to its page: a `Worker`, or anything like it. */
export interface WorkerHandle {
  /** Sends to the worker. */
  postMessage(message: unknown): void;
  /** Hears from the worker. */
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** Hears that it broke down. */
  addEventListener(type: "error", listener: (event: { readonly message: string }) => void): void;
  /** Hears that an answer could not be read. */
  addEventListener(type: "messageerror", listener: () => void): void;
  /** Ends the worker. */
  terminate(): void;
}

/**
 * Connects a page to a worker that runs `serveWorker`.
 * @example
 * ```ts
 * const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
 * const client = connectWorker(worker);
 * const { id } = await client.call("open", { file, name: file.name });
 * const { values } = await client.call("read", { id, text: "The end." });
 * ```
 */
export function connectWorker(worker: WorkerHandle): WorkerClient {
  const waiting = new Map<number, Waiting>();
  let number = 0;
  /** Whether it has answered anything: one that breaks down before never started. */
  let heard = false;
  /** Why no answer will come any more. */
  let dead: FailureError | undefined;
  const failAll = (why: string): FailureError => {
    const error = new FailureError("worker-failed", `the worker ${why}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    return error;
  };
  const client = closing<WorkerClient>({
    onProgress: () => undefined,
    onEnd: () => undefined,
    // What checks the names of options elsewhere is twice as large as all of this.
    call: <K extends CallName>(call: K, given: Calls[K]["given"], { signal }: CallOptions = {}) =>
      new Promise<Calls[K]["back"]>((resolve, reject) => {
        signal?.throwIfAborted();
        if (dead) throw dead;
        const own = ++number;
        worker.postMessage({ call, number: own, given } satisfies CallMessage);
        const abort = (): void => {
          waiting.delete(own);
          worker.postMessage({ abort: own } satisfies AbortMessage);
          reject(signal!.reason);
        };
        signal?.addEventListener("abort", abort);
        const settling =
          <T>(settle: (value: T) => void) =>
          (value: T): void => {
            signal?.removeEventListener("abort", abort);
            settle(value);
          };
        waiting.set(own, { resolve: settling(resolve as (value: unknown) => void), reject: settling(reject) });
      }),
    close() {
      worker.terminate();
      dead = failAll("was closed");
    },
  });
  worker.addEventListener("message", (event) => {
    const data = event.data as WorkerMessage;
    heard = true;
    if ("progress" in data) return client.onProgress(data.progress);
    if ("ended" in data) return client.onEnd(data.ended && new FailureError(data.ended.code, data.ended.message));
    const one = waiting.get(data.number);
    waiting.delete(data.number);
    if ("error" in data) one?.reject(new FailureError(data.error.code, data.error.message));
    else one?.resolve(data.back);
  });
  worker.addEventListener("error", (event) => {
    const error = failAll(`broke down: ${event.message || "this host refuses workers"}`);
    if (!heard) dead = error;
  });
  // Which call it answers cannot be read either.
  worker.addEventListener("messageerror", () => failAll("gave an answer that this page has no room for"));
  return client;
}
