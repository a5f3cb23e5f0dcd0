import { stateNames } from "../cells/define.ts";
import type { Machine, Numbers, SynchronousMachine } from "../compute/machine.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Closing } from "../shared/closing.ts";
import { describe, expectInteger, ShapeError, UsageError } from "../shared/errors.ts";
import { expectFinite } from "../shared/finite.ts";
import { expectOptions } from "../shared/options.ts";
import { entriesOf, mapValues } from "../shared/records.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph } from "../tensor/graph.ts";
import { expectSameMachine, type ParameterStore } from "../tensor/parameter-store.ts";
import { runOptions } from "./run-options.ts";

/** Options of `openSession`. */
export interface SessionOptions<M extends Machine = Machine, S extends string = string> {
  readonly model: LanguageModel<S>;
  readonly parameters: ParameterStore;
  readonly machine: M;
  /** B: sequences that run together. Default 1. */
  readonly batchSize?: number | undefined;
}

/** State by name, each [L, B, H|P] row-major. */
export type SessionState<S extends string = string> = Readonly<Record<S, ArrayLike<number>>>;

/** What reads one token after the other and says what comes next: a session, or a stream as one (`Streams.session`). */
export interface TokenReader {
  readonly model: LanguageModel;
  /** B: sequences that run together. */
  readonly batchSize: number;
  /** Number of steps so far. */
  readonly steps: number;
  /** Feeds one token of each sequence [B] and resolves to a copy of the scores of the next token, [B·V]. */
  next(tokens: ArrayLike<number>): Promise<Numbers>;
  /** Feeds one token of each sequence [B] without reading scores. */
  feed(tokens: ArrayLike<number>): void;
  /** Sets the state to zero. */
  reset(): void;
}

/**
 * Opens streamed inference: one token of each sequence at a time, with the state on the machine. The session uses the parameters in
 * place: training them further changes its predictions.
 * @example
 * ```ts
 * const session = await openSession({ model, parameters, machine });
 * const logits = await session.next([tokenizer.encode("a")[0]]); // [1, V]
 * ```
 * @throws UsageError "wrong-machine", "not-an-integer", "out-of-range"; FailureError "out-of-memory"
 */
export async function openSession<M extends Machine, S extends string>(
  options: SessionOptions<M, S>,
): Promise<Session<M, S>> {
  expectOptions("openSession", options, { ...runOptions, batchSize: 1 });
  const { model, parameters, machine } = options;
  const batchSize = expectInteger("batchSize", options.batchSize ?? 1, { min: 1 });
  expectSameMachine(parameters, machine);
  const graph = new Graph({ machine, parameters: parameters.layout });
  const tokens = graph.input("tokens", [1, batchSize], { type: "int", below: model.config.vocabularySize });
  const initial = mapValues(model.stateShapes(batchSize), (shape, name) => graph.state(name, shape));
  const { logits, final } = model.forward(tokens, { initial });
  graph.output("logits", logits);
  for (const [name, tensor] of entriesOf(final)) graph.copy(tensor.range, initial[name].range);
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  return new Session({ model, parameters, machine, batchSize }, executable);
}

/**
 * Streamed inference with a language model: see `openSession`. Close it when done; the parameters stay. `S` are the names of the states:
 * `Session<Machine, "h" | "c">` of an LSTM.
 */
export class Session<M extends Machine = Machine, S extends string = string> extends Closing implements TokenReader {
  readonly model: LanguageModel<S>;
  readonly batchSize: number;
  private readonly options: SessionOptions<M, S> & { readonly batchSize: number };
  private readonly executable: Executable<M>;
  private taken = 0;

  constructor(options: SessionOptions<M, S> & { readonly batchSize: number }, executable: Executable<M>) {
    super();
    this.options = options;
    this.model = options.model;
    this.batchSize = options.batchSize;
    this.executable = executable;
  }

  /**
   * Feeds one token of each sequence [B] and fills `logits` [B·V] with the scores of the next token, synchronously and without
   * allocation. Only on machines that compute in the caller's thread (wasm, reference).
   * @throws UsageError "out-of-range" for tokens outside [0, V); ShapeError "shape-mismatch"
   */
  step(
    this: Session<SynchronousMachine>,
    tokens: ArrayLike<number>,
    logits: { [index: number]: number; readonly length: number },
  ): void {
    this.feed(tokens);
    this.executable.readInto("logits", logits);
  }

  /** Feeds one token of each sequence [B] and resolves to a copy of the scores of the next token, [B·V]. Errors as `step`. */
  next(tokens: ArrayLike<number>): Promise<Numbers> {
    this.feed(tokens);
    return this.executable.read("logits");
  }

  /** Feeds one token of each sequence [B] without reading scores. */
  feed(tokens: ArrayLike<number>): void {
    if (tokens === null || typeof tokens !== "object" || tokens.length !== this.batchSize)
      throw new ShapeError(
        "shape-mismatch",
        `tokens: expected an array of ${this.batchSize}, a whole number for each sequence of the batch, got ${describe(tokens)}`,
      );
    this.executable.write("tokens", tokens);
    this.executable.run();
    this.taken += 1;
  }

  /** Number of steps so far. Setting or resetting the state is not a step. */
  get steps(): number {
    return this.taken;
  }

  /** A copy of the state by name, each [L, B, H|P] row-major. */
  state(): Promise<Record<S, Numbers>> {
    return this.executable.readAll(stateNames(this.model.cell));
  }

  /**
   * Sets the state; all states must be given. If something does not fit, nothing changes.
   * @throws UsageError "missing-state", "unknown-state", "not-a-number"; ShapeError "shape-mismatch"
   */
  setState(value: SessionState<S>): void {
    const names = stateNames(this.model.cell);
    const missing = names.filter((name) => !(name in value));
    if (missing.length > 0)
      throw new UsageError("missing-state", `state: expected ${names.join(", ")}, ${missing.join(", ")} missing`);
    for (const name of names) expectFinite("state", name, { shape: this.executable.shape(name), data: value[name] });
    this.executable.writeStates(value);
  }

  /** Sets the state to zero. */
  reset(): void {
    this.executable.zeroState();
  }

  /** Opens another session with the same parameters and a copy of the state. */
  async fork(): Promise<Session<M, S>> {
    const state = await this.state();
    const other = await openSession(this.options);
    other.setState(state);
    return other;
  }

  /** Frees the plan and the state; the parameters stay. */
  close(): void {
    this.executable.close();
  }
}
