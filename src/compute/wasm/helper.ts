/** What a helper is told. Each message is answered by its number when it has been seen to. */
export type Letter = { readonly number: number } & (
  | { readonly kind: "open"; readonly memory: WebAssembly.Memory; readonly thread: number; readonly words: Words }
  | { readonly kind: "add"; readonly plan: number; readonly module: WebAssembly.Module }
  | { readonly kind: "remove"; readonly plan: number }
);

/** Numbers of words in the shared memory (`CONTROL` in memory.ts, by fours). */
export type Words = Readonly<
  Record<"generation" | "stopped" | "jobs" | "letters" | "bell" | "idle" | "done" | "plan", number>
>;

/**
 * The program of a thread that helps: it receives plans as messages and performs jobs that it hears of through shared memory.
 *
 * Only its text is given to the thread, so it uses nothing from outside of itself, and no syntax that a compiler would help with.
 */
export function helper(send: (answer: number) => void): (letter: Letter) => void {
  /** How often it looks for a job before it goes to sleep, some 50 µs. */
  const looks = 10000;
  const runs = new Map<number, () => void>();
  let memory: WebAssembly.Memory;
  let words: Words;
  let state: Int32Array;
  let thread = 0;
  let jobs = 0;
  let letters = 0;

  function perform(): void {
    jobs = Atomics.load(state, words.jobs);
    try {
      runs.get(Atomics.load(state, words.plan))!();
    } catch {
      // An error of its own, or of another thread: all are to stop, also those that wait for this one.
      Atomics.store(state, words.stopped, 1);
      Atomics.add(state, words.generation, 1);
      Atomics.notify(state, words.generation);
    }
    Atomics.add(state, words.done, 1);
    Atomics.notify(state, words.done);
  }

  /** Performs jobs until there is a letter to be read. */
  function serve(): void {
    for (;;) {
      const bell = Atomics.load(state, words.bell);
      if (Atomics.load(state, words.jobs) !== jobs) perform();
      else if (Atomics.load(state, words.letters) !== letters) return;
      else {
        let left = looks;
        while (left > 0 && Atomics.load(state, words.bell) === bell) left--;
        if (left === 0) {
          Atomics.add(state, words.idle, 1);
          Atomics.wait(state, words.bell, bell);
          Atomics.sub(state, words.idle, 1);
        }
      }
    }
  }

  return (letter) => {
    if (letter.kind === "open") {
      memory = letter.memory;
      words = letter.words;
      thread = letter.thread;
      state = new Int32Array(memory.buffer, 0, 256);
    } else if (letter.kind === "add") {
      const instance = new WebAssembly.Instance(letter.module, { env: { memory, thread } });
      runs.set(letter.plan, instance.exports.run as () => void);
      runs.set(letter.plan + 1, instance.exports.derive as () => void);
    } else {
      runs.delete(letter.plan);
      runs.delete(letter.plan + 1);
    }
    letters++;
    send(letter.number);
    serve();
  };
}
