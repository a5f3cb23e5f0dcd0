import { cellByName } from "../cells/registry.ts";
import type { Machine } from "../compute/machine.ts";
import { openMachine } from "../compute/open.ts";
import { gradientFlow } from "../explain/gradient-flow.ts";
import { describe, LongshortError, UsageError } from "../shared/errors.ts";
import { choiceOf } from "./choice.ts";
import { type OpenedModel, openModel } from "./opened-model.ts";
import type { AbortMessage, CallMessage, CallName, Calls, TrainingProgress, WorkerMessage } from "./protocol.ts";
import { LiveTraining } from "./training.ts";

/** What a worker is to us: `self` in one, or anything like it. */
export interface WorkerScope {
  /** Sends to the page. */
  postMessage(message: unknown): void;
  /** Hears from the page. */
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/**
 * Serves a page's calls from inside a worker: models are opened, read and trained there, so that the page never blocks.
 * @param scope `self` in a worker
 * @throws UsageError "bad-option" for anything else
 * @example
 * ```ts
 * // worker.ts
 * import { serveWorker } from "longshort/worker";
 * serveWorker(self);
 * ```
 */
export function serveWorker(scope: WorkerScope): void {
  if (typeof scope?.addEventListener !== "function" || typeof scope.postMessage !== "function")
    throw new UsageError(
      "bad-option",
      `scope: expected the worker's own self, serveWorker(self), got ${describe(scope)}`,
    );
  const served = new Served((message) => scope.postMessage(message));
  scope.addEventListener("message", ({ data }) => {
    const message = data as Partial<CallMessage & AbortMessage> | undefined;
    if (typeof message?.call === "string") served.answer(message as CallMessage);
    else if (typeof message?.abort === "number") served.abort(message.abort);
  });
}

/** The number of a call, and what says that the page does not wait for its answer any more. */
interface Asked {
  readonly number: number;
  readonly signal: AbortSignal;
}
type Answers = {
  [K in CallName]: (given: Calls[K]["given"], asked: Asked) => Calls[K]["back"] | Promise<Calls[K]["back"]>;
};

class Served {
  private readonly post: (message: WorkerMessage) => void;
  /** By the number of the call that opened it. */
  private readonly models = new Map<number, OpenedModel>();
  /** What ends the calls under way. */
  private readonly running = new Map<number, AbortController>();
  private machine: Promise<Machine> | undefined;
  private training: LiveTraining | undefined;
  /** The call that asked for the training, also while it is being opened: meanwhile the page may have changed its mind. */
  private wanted: number | undefined;

  constructor(post: (message: WorkerMessage) => void) {
    this.post = post;
  }

  async answer({ call, number, given }: CallMessage): Promise<void> {
    const controller = new AbortController();
    this.running.set(number, controller);
    try {
      const answer = this.answers[call] as (given: unknown, asked: Asked) => unknown;
      if (!Object.hasOwn(this.answers, call))
        throw new UsageError("unknown-choice", `this worker knows no call "${call}"`);
      this.post({ number, back: await answer(given, { number, signal: controller.signal }) });
    } catch (error) {
      this.post({ number, error: said(error) });
    } finally {
      this.running.delete(number);
    }
  }

  /** Ends a call. Where its answer is on its way, what it brought about is undone: the page will not know of it. */
  abort(number: number): void {
    this.running.get(number)?.abort();
    this.close(number);
    if (this.wanted === number) this.stop();
  }

  private readonly answers: Answers = {
    open: async (given, { number, signal }) => {
      const model = await openModel(given, await this.opened(), signal);
      this.models.set(number, model);
      if (signal.aborted) this.close(number);
      return { id: number, ...model.facts };
    },
    close: ({ id }) => this.close(id) as undefined,
    read: ({ id, text, names }) => this.model(id).read(text, names),
    readSeries: ({ id, data, names }) => this.model(id).readSeries(data, names),
    cut: (given) => this.model(given.id).cut(given),
    nearest: (given, { signal }) => this.model(given.id).nearest(given, signal),
    flow: async ({ cells, hiddenSize, steps, scale, forgetBias, seed }, { signal }) => {
      const machine = await this.opened();
      const found: Record<string, Float64Array> = {};
      for (const name of cells) {
        const cell = cellByName(name);
        // What keeps: the forget gate of an LSTM, the update gate z of a GRU.
        const bias = Object.fromEntries(["f", "z"].map((gate) => [gate, forgetBias]));
        found[name] = await gradientFlow({ machine, cell, hiddenSize, steps, scale, bias, seed, signal });
      }
      return found;
    },
    train: async ({ from, ...request }, { number }) => {
      const choice = choiceOf(request);
      this.stop();
      this.wanted = number;
      // What an earlier training still says is nothing that the page asked for.
      const post = (message: WorkerMessage) => this.wanted === number && this.post(message);
      const tell = (progress: TrainingProgress) => post({ progress });
      const training = await LiveTraining.open(await this.opened(), choice, tell, from);
      const { facts } = training;
      if (this.wanted !== number) training.stop();
      else this.training = training;
      const ran = training.run().then(
        () => post({ ended: undefined }),
        (error: unknown) => post({ ended: said(error) }),
      );
      if (this.wanted === number) return facts;
      await ran;
      throw new UsageError("closed", "this training was stopped, or another one begun, before it was ready");
    },
    pause: () => this.live().allow(0) as undefined,
    resume: () => this.live().allow(Number.POSITIVE_INFINITY) as undefined,
    step: () => this.live().allow(1) as undefined,
    rewind: ({ step }) => this.live().rewind(step) as undefined,
    stop: () => this.stop() as undefined,
    snapshot: () => this.live().snapshot(),
    save: () => this.live().save(),
  };

  private stop(): void {
    this.training?.stop();
    this.training = undefined;
    this.wanted = undefined;
  }

  private close(id: number): void {
    this.models.get(id)?.close();
    this.models.delete(id);
  }

  private opened(): Promise<Machine> {
    this.machine ??= openMachine("wasm", { threads: 1 }).catch((error: unknown) => {
      // What a host has no memory for now it may have it for later.
      this.machine = undefined;
      throw error;
    });
    return this.machine;
  }

  private model(id: number): OpenedModel {
    const found = this.models.get(id);
    if (!found) throw new UsageError("closed", `model ${id} is not open`);
    return found;
  }

  private live(): LiveTraining {
    if (!this.training) throw new UsageError("no-training", "no training is under way");
    return this.training;
  }
}

const said = (error: unknown): { message: string; code: string } => ({
  message: error instanceof Error ? error.message : String(error),
  code: error instanceof LongshortError ? error.code : "unexpected",
});
