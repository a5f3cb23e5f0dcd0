import { platform } from "#platform";
import type { Thread } from "../../platform/platform.ts";
import { FailureError } from "../../shared/errors.ts";
import { helper, type Letter, type Words } from "./helper.ts";
import { CONTROL } from "./memory.ts";

/** Seconds that a host may take to start a thread before we go on without. */
const PATIENCE = 10;

const words = Object.fromEntries(
  Object.entries(CONTROL).map(([name, address]) => [name, address / 4]),
) as typeof CONTROL & Words;

type Message<L = Letter> = L extends Letter ? Omit<L, "number"> : never;

/**
 * Threads that perform plans together with the one that issues. They sleep while there is nothing to do, and do not keep a process alive.
 *
 * A plan is sent to all of them once, as a compiled module; a job is then a word in shared memory. Every helper counts the jobs and
 * letters that it has seen, so that none is missed, whatever it was doing when they came.
 */
export class Helpers {
  readonly #threads: readonly Thread[];
  readonly #state: Int32Array;
  readonly #waiting = new Map<number, { left: number; resolve: () => void; reject: (error: unknown) => void }>();
  #numbers = 0;
  #plans = 0;
  #lost: unknown;

  private constructor(threads: readonly Thread[], memory: WebAssembly.Memory) {
    this.#threads = threads;
    this.#state = new Int32Array(memory.buffer, 0, 256);
    for (const thread of threads)
      thread.listen(
        (number) => this.#answered(number as number),
        (error) => this.#fail(error),
      );
  }

  /** Starts `count` helpers; undefined where the host refuses. */
  static async start(count: number, memory: WebAssembly.Memory): Promise<Helpers | undefined> {
    const threads: Thread[] = [];
    try {
      while (threads.length < count) threads.push(platform.startThread(helper.toString()));
      const helpers = new Helpers(threads, memory);
      await helpers.#tell((k) => ({ kind: "open", memory, thread: k + 1, words }));
      return helpers;
    } catch {
      for (const thread of threads) thread.stop();
      return undefined;
    }
  }

  /**
   * Gives a compiled plan to all. @returns its number, by which they `run` it; the next number stands for its `derive`. Rejects when one of them
   * cannot take it: then none can be used any more.
   */
  async add(module: WebAssembly.Module): Promise<number> {
    const plan = this.#plans;
    this.#plans += 2;
    await this.#tell(() => ({ kind: "add", plan, module }));
    return plan;
  }

  /** Forgets a plan. */
  remove(plan: number): void {
    this.#tell(() => ({ kind: "remove", plan })).catch(() => undefined);
  }

  /**
   * Performs a plan, or what it derives, together with `run`, the share of this thread. Throws what `run` throws when any of them was stopped.
   * @throws FailureError "thread-lost" also when one of them has not come for `patience` seconds
   */
  run(plan: number, run: () => void, patience: number): void {
    this.#expectAll();
    const state = this.#state;
    Atomics.store(state, words.plan, plan);
    Atomics.add(state, words.jobs, 1);
    this.#ring();
    try {
      run();
    } catch (error) {
      this.#stop(patience);
      throw error;
    }
  }

  close(): void {
    this.#fail(new Error("the machine was closed"));
  }

  #ring(): void {
    Atomics.add(this.#state, words.bell, 1);
    // Whoever goes to sleep says so first and then looks at the bell once more.
    if (Atomics.load(this.#state, words.idle) > 0) Atomics.notify(this.#state, words.bell);
  }

  #expectAll(): void {
    if (this.#lost === undefined) return;
    throw new FailureError(
      "thread-lost",
      "a thread of this machine has ended; open the machine again, with `threads: 1` if it happens once more",
      { cause: this.#lost },
    );
  }

  /** Stops all that still work on the current job, and makes the barrier as it was at first. */
  #stop(patience: number): void {
    const state = this.#state;
    Atomics.store(state, words.stopped, 1);
    Atomics.add(state, words.generation, 1);
    Atomics.notify(state, words.generation);
    const all = Math.imul(Atomics.load(state, words.jobs), this.#threads.length);
    let seconds = 0;
    for (let done = Atomics.load(state, words.done); done !== all; done = Atomics.load(state, words.done)) {
      if (Atomics.wait(state, words.done, done, 1000) !== "timed-out" || ++seconds < patience) continue;
      this.#fail(new Error(`it has not come for ${patience} seconds`));
      this.#expectAll();
    }
    Atomics.store(state, words.arrived, 0);
    Atomics.store(state, words.stopped, 0);
  }

  /** Sends a letter to each and waits until all have answered. */
  async #tell(letter: (helper: number) => Message): Promise<void> {
    this.#expectAll();
    const number = this.#numbers++;
    const answered = new Promise<void>((resolve, reject) => {
      this.#waiting.set(number, { left: this.#threads.length, resolve, reject });
    });
    for (const thread of this.#threads) thread.hold(true);
    // Counted one by one: if this thread was busy for long, only one has gone by, and what was answered meanwhile is read before the next.
    let seconds = 0;
    const timer = setInterval(() => {
      if (++seconds === PATIENCE) this.#fail(new Error("a thread does not answer"));
    }, 1000);
    try {
      Atomics.add(this.#state, words.letters, 1);
      this.#ring();
      for (const [k, thread] of this.#threads.entries()) thread.post({ ...letter(k), number });
      await answered;
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      clearInterval(timer);
      this.#waiting.delete(number);
      if (this.#waiting.size === 0) for (const thread of this.#threads) thread.hold(false);
    }
  }

  #answered(number: number): void {
    const waiting = this.#waiting.get(number);
    if (waiting && --waiting.left === 0) waiting.resolve();
  }

  #fail(error: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    for (const thread of this.#threads) thread.stop();
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
