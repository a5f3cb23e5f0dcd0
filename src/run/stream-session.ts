import type { Machine, Numbers } from "../compute/machine.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { soon } from "../platform/turns.ts";
import { Closing } from "../shared/closing.ts";
import { describe, ShapeError, UsageError } from "../shared/errors.ts";
import type { SessionState, TokenReader } from "./session.ts";
import type { Streams } from "./streams.ts";

/** A pending request of a stream: to feed a token (`answer`: and return the logits), or to act on its state in between. */
type Job =
  | { readonly token: number; readonly answer?: Waiting<Numbers> }
  | { readonly act: () => void; readonly answer: Waiting<never> };
interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Pending requests of all streams. Those that wait for a step take it together, once all ready code has had a turn to ask for one. */
export class StreamQueue<S extends string = string> {
  readonly streams: Streams<Machine, S>;
  private readonly jobs = new Map<number, Job[]>();
  private due = false;

  constructor(streams: Streams<Machine, S>) {
    this.streams = streams;
  }

  add(id: number, job: Job): void {
    const own = this.jobs.get(id);
    if (own) own.push(job);
    else this.jobs.set(id, [job]);
    this.schedule();
  }

  /** Rejects the pending requests of a stream. */
  drop(id: number, error: UsageError): void {
    for (const { answer } of this.jobs.get(id) ?? []) answer?.reject(error);
    this.jobs.delete(id);
  }

  private schedule(): void {
    if (this.due) return;
    this.due = true;
    soon(() => {
      this.due = false;
      void this.step();
    });
  }

  /** Feeds one token of each waiting stream. */
  private async step(): Promise<void> {
    const taken: [id: number, job: Extract<Job, { token: number }>][] = [];
    for (const [id, jobs] of [...this.jobs]) {
      let job = jobs.shift();
      for (; job && "act" in job; job = jobs.shift()) job.act();
      if (jobs.length === 0) this.jobs.delete(id);
      if (job) taken.push([id, job]);
    }
    if (this.jobs.size > 0) this.schedule();
    if (taken.length === 0) return;
    const [ids, tokens] = [taken.map(([id]) => id), taken.map(([, { token }]) => token)];
    try {
      if (taken.every(([, { answer }]) => !answer)) return this.streams.feed(ids, tokens);
      const logits = await this.streams.next(ids, tokens);
      const classes = logits.length / ids.length;
      for (const [k, [, { answer }]] of taken.entries()) answer?.resolve(logits.slice(k * classes, (k + 1) * classes));
    } catch (error) {
      for (const [, { answer }] of taken) answer?.reject(error);
    }
  }
}

/**
 * One stream as a session, from `Streams.session`: what it is asked for happens in order, together with what other streams wait for. So
 * `generate`, `TextWriter` and `surprisal` of many users share their steps without knowing of one another. `S` are the names of its states.
 */
export class StreamSession<S extends string = string> extends Closing implements TokenReader {
  readonly model: LanguageModel<S>;
  readonly batchSize = 1;
  private readonly queue: StreamQueue<S>;
  private readonly id: number;
  private taken = 0;
  private closed = false;

  constructor(queue: StreamQueue<S>, id: number) {
    super();
    this.model = queue.streams.model;
    this.queue = queue;
    this.id = id;
  }

  /** Number of tokens fed so far. */
  get steps(): number {
    return this.taken;
  }

  /** Feeds one token and resolves to a copy of the scores of the next token, [V]. @throws UsageError "out-of-range", ShapeError "shape-mismatch" */
  next(tokens: ArrayLike<number>): Promise<Numbers> {
    const token = this.tokenOf(tokens);
    return new Promise((resolve, reject) => this.queue.add(this.id, { token, answer: { resolve, reject } }));
  }

  /** Feeds one token without reading scores. */
  feed(tokens: ArrayLike<number>): void {
    this.queue.add(this.id, { token: this.tokenOf(tokens) });
  }

  /** Sets the state to zero, after what was asked for before. */
  reset(): void {
    this.inOrder((streams) => streams.reset(this.id)).catch(() => undefined);
  }

  /** A copy of the state by name, after what was asked for before. */
  async state(): Promise<Record<S, Numbers>> {
    return (await this.inOrder((streams) => ({ state: streams.state(this.id) }))).state;
  }

  /** Sets the state, after what was asked for before. Rejects as `Streams.setState` throws. */
  setState(value: SessionState<S>): Promise<void> {
    return this.inOrder((streams) => streams.setState(this.id, value));
  }

  /** Opens another stream that continues from the same state. */
  fork(): Promise<StreamSession<S>> {
    return this.inOrder((streams) => new StreamSession(this.queue, streams.fork(this.id)));
  }

  /** Closes the stream, so that another can take its place. What it still waits for is refused. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue.drop(this.id, closedError());
    this.queue.streams.release(this.id);
  }

  private tokenOf(tokens: ArrayLike<number>): number {
    this.expectOpen();
    if (tokens === null || typeof tokens !== "object" || tokens.length !== 1)
      throw new ShapeError("shape-mismatch", `tokens: expected an array of one whole number, got ${describe(tokens)}`);
    const [token] = Array.from(tokens);
    const { vocabularySize } = this.model.config;
    if (!Number.isInteger(token) || token! < 0 || token! >= vocabularySize)
      throw new UsageError(
        "out-of-range",
        `tokens: expected a whole number from 0 to ${vocabularySize - 1}, got ${describe(token)}`,
      );
    this.taken += 1;
    return token!;
  }

  private inOrder<T>(work: (streams: Streams<Machine, S>) => T): Promise<T> {
    this.expectOpen();
    return new Promise<T>((resolve, reject) => {
      const act = (): void => {
        try {
          resolve(work(this.queue.streams));
        } catch (error) {
          reject(error);
        }
      };
      this.queue.add(this.id, { act, answer: { resolve, reject } });
    });
  }

  private expectOpen(): void {
    if (this.closed) throw closedError();
  }
}

const closedError = (): UsageError =>
  new UsageError("closed", "this stream was closed and cannot be used any more; open another one");
