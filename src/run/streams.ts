import type { Machine, Numbers, SynchronousMachine } from "../compute/machine.ts";
import type { Range } from "../compute/plan.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Closing } from "../shared/closing.ts";
import { countOf, expectInteger, FailureError, ShapeError, UsageError } from "../shared/errors.ts";
import { expectFinite } from "../shared/finite.ts";
import { expectOptions } from "../shared/options.ts";
import { mapValues } from "../shared/records.ts";
import { size } from "../shared/shapes.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { gather, reshape } from "../tensor/operations.ts";
import { expectSameMachine, type ParameterStore } from "../tensor/parameter-store.ts";
import { runOptions } from "./run-options.ts";
import type { SessionState } from "./session.ts";
import { StreamQueue, StreamSession } from "./stream-session.ts";

/** Options of `openStreams`. */
export interface StreamsOptions<M extends Machine = Machine, S extends string = string> {
  readonly model: LanguageModel<S>;
  readonly parameters: ParameterStore;
  readonly machine: M;
  /** Maximum number of open streams. */
  readonly capacity: number;
}

/**
 * Opens room for many sequences of different ages, each with its own state. Any subset of them takes a step together, at the cost of a
 * batch of that size (rounded up to a power of two). The result of a stream does not depend on the others.
 * @example
 * ```ts
 * const streams = await openStreams({ model, parameters, machine, capacity: 8 });
 * const [a, b] = [streams.open(), streams.open()];
 * streams.feed([a], [3]);
 * const logits = await streams.next([b, a], [7, 1]); // [2, V]
 * const copy = streams.fork(a);
 * ```
 * @throws UsageError "wrong-machine", "not-an-integer", "out-of-range"; FailureError "out-of-memory"
 */
export async function openStreams<M extends Machine, S extends string>(
  options: StreamsOptions<M, S>,
): Promise<Streams<M, S>> {
  expectOptions("openStreams", options, { ...runOptions, capacity: "required" });
  const { parameters, machine } = options;
  const capacity = expectInteger("capacity", options.capacity, { min: 1, max: 1e6 });
  expectSameMachine(parameters, machine);
  const owned: Executable<M>[] = [];
  try {
    const copy = await openCopy(options);
    owned.push(copy);
    const arenas = { ...parameters.arenas, state: copy.arenas.state! };
    for (let n = 1; ; n = Math.min(2 * n, capacity)) {
      const graph = recordStep(options, n);
      owned.push(await compile(graph, { machine, arenas }));
      if (n === capacity) break;
    }
    return new Streams(options, copy, owned.slice(1));
  } catch (error) {
    for (const one of owned.reverse()) one.close();
    throw error;
  }
}

/** Two rows of a table belong to no stream: one for unused places of a batch, and one of zeros. */
const EXTRA = 2;
const spare = (capacity: number): number => capacity;
const zeros = (capacity: number): number => capacity + 1;

/** A state of all streams, [L, capacity + 2, W], as rows of one table; declared in the same order by every plan, so that all share it. */
function tables(graph: Graph, { model, capacity }: StreamsOptions): Record<string, Tensor> {
  return mapValues(model.stateShapes(capacity + EXTRA), (shape, name) => graph.state(name, shape));
}

/** The rows of a table that `rows` [L, n] names, and how they are put back. */
function rowsOf(graph: Graph, table: Tensor, rows: Tensor): { state: Tensor; put: (to: Tensor, from: Tensor) => void } {
  const [layers, places, width] = table.shape as [number, number, number];
  const state = gather(rows, reshape(table, [layers * places, width]));
  const put = (to: Tensor, from: Tensor): void => {
    graph.launch(
      { op: "scatter", rows: size(to.shape), vocabulary: layers * places, columns: width },
      { indices: to.range, source: from.range, out: table.range },
    );
  };
  return { state, put };
}

/** A step of n streams: states out of the tables, the model, states back. */
function recordStep(options: StreamsOptions, n: number): Graph {
  const { model, parameters, machine } = options;
  const graph = new Graph({ machine, parameters: parameters.layout });
  const all = tables(graph, options);
  const tokens = graph.input("tokens", [1, n], { type: "int", below: model.config.vocabularySize });
  const rows = graph.input("rows", [layersOf(model), n], { type: "int" });
  const taken = mapValues(all, (table) => rowsOf(graph, table, rows));
  const initial = mapValues(taken, ({ state }) => state);
  const { logits, final } = model.forward(tokens, { initial });
  graph.output("logits", logits);
  for (const [name, { put }] of Object.entries(taken)) put(rows, final[name]!);
  return graph;
}

/** Copies one stream's state over another's. */
async function openCopy<M extends Machine>(options: StreamsOptions<M>): Promise<Executable<M>> {
  const { model, machine, parameters } = options;
  const graph = new Graph({ machine, parameters: parameters.layout });
  const all = tables(graph, options);
  const [from, to] = ["from", "to"].map((name) => graph.input(name, [layersOf(model), 1], { type: "int" })) as [
    Tensor,
    Tensor,
  ];
  for (const table of Object.values(all)) {
    const { state, put } = rowsOf(graph, table, from);
    put(to, state);
  }
  return compile(graph, { machine, arenas: parameters.arenas });
}

const layersOf = (model: LanguageModel): number => Object.values(model.stateShapes(1))[0]![0]!;

/**
 * Many sequences of different ages: see `openStreams`. Close it when done; the parameters stay. `S` are the names of the states, as of a
 * `Session`.
 */
export class Streams<M extends Machine = Machine, S extends string = string> extends Closing {
  readonly model: LanguageModel<S>;
  readonly capacity: number;
  private readonly machine: M;
  private readonly copier: Executable<M>;
  /** By size, ascending. */
  private readonly steps: readonly { readonly executable: Executable<M>; readonly size: number }[];
  private readonly used: boolean[];
  /** By place the number of its open stream, or of the next one there; no number is given twice. */
  private readonly numbers: Float64Array;
  /** By place the last step in which its stream took part. */
  private readonly turns: Float64Array;
  private turn = 0;
  private readonly layers: number;
  /** By plan the inputs of a step, so that none allocates, and for n streams the part of the logits that they fill. */
  private readonly buffers: readonly { readonly rows: Int32Array; readonly tokens: Int32Array }[];
  private readonly parts: Range[][];
  private queue: StreamQueue<S> | undefined;

  constructor(
    { model, machine, capacity }: Pick<StreamsOptions<M, S>, "model" | "machine" | "capacity">,
    copier: Executable<M>,
    steps: readonly Executable<M>[],
  ) {
    super();
    this.model = model;
    this.capacity = capacity;
    this.machine = machine;
    this.copier = copier;
    this.layers = layersOf(model);
    this.steps = steps.map((executable) => ({ executable, size: executable.shape("tokens")[1]! }));
    this.used = new Array<boolean>(capacity).fill(false);
    this.numbers = Float64Array.from(this.used.keys());
    this.turns = new Float64Array(capacity);
    this.buffers = this.steps.map(({ size }) => ({
      rows: new Int32Array(size * this.layers),
      tokens: new Int32Array(size),
    }));
    const classes = model.config.vocabularySize;
    this.parts = this.steps.map(({ executable, size }) => {
      const { range } = executable.graph.outputs.logits!;
      return Array.from({ length: size + 1 }, (_, n) => ({ ...range, length: n * classes }));
    });
  }

  /**
   * Opens a stream with a zero state and returns its number. That of a stream that was released is not given again, so what still holds it
   * meets an error and no other user's stream.
   * @throws FailureError "no-room" when `capacity` streams are open
   */
  open(): number {
    const place = this.used.indexOf(false);
    if (place < 0)
      throw new FailureError(
        "no-room",
        `all ${this.capacity} streams are open: release one, or open with a larger capacity`,
      );
    this.used[place] = true;
    this.copyState(zeros(this.capacity), place);
    return this.numbers[place]!;
  }

  /**
   * Opens a stream as a session of its own, for `generate`, `TextWriter` and `surprisal`: what all such sessions wait for at one moment is
   * one step. Closing it releases the stream.
   * @throws FailureError "no-room" when `capacity` streams are open
   */
  session(): StreamSession<S> {
    this.queue ??= new StreamQueue(this);
    return new StreamSession(this.queue, this.open());
  }

  /**
   * Feeds one token to each of these streams and fills `logits` [n·V] with the scores of the next tokens, in their order, synchronously
   * and without allocation. Only on machines that compute in the caller's thread (wasm, reference).
   * @throws UsageError "unknown-stream", "out-of-range"; ShapeError "shape-mismatch"
   */
  step(
    this: Streams<SynchronousMachine>,
    ids: ArrayLike<number>,
    tokens: ArrayLike<number>,
    logits: { [index: number]: number; readonly length: number },
  ): void {
    const k = this.feedAt(ids, tokens);
    const { executable } = this.steps[k]!;
    this.machine.readInto(executable.arenas.activations!, this.parts[k]![ids.length]!, logits);
  }

  /** Like `step`, on every machine; resolves to a copy of the scores. */
  async next(ids: ArrayLike<number>, tokens: ArrayLike<number>): Promise<Numbers> {
    const k = this.feedAt(ids, tokens);
    return this.machine.read(this.steps[k]!.executable.arenas.activations!, this.parts[k]![ids.length]!);
  }

  /** Like `step`, without reading scores. */
  feed(ids: ArrayLike<number>, tokens: ArrayLike<number>): void {
    this.feedAt(ids, tokens);
  }

  /** Sets the state of a stream to zero. */
  reset(id: number): void {
    this.copyState(zeros(this.capacity), this.placeOf(id));
  }

  /** Opens another stream with a copy of this one's state. */
  fork(id: number): number {
    const place = this.placeOf(id);
    const other = this.open();
    this.copyState(place, this.placeOf(other));
    return other;
  }

  /** A copy of a stream's state by name, each [L, H|P] row-major. */
  async state(id: number): Promise<Record<S, Numbers>> {
    const place = this.placeOf(id);
    const NumberArray = this.machine.limits.float === "float64" ? Float64Array : Float32Array;
    // All is asked for before anything is awaited: no step comes in between.
    const states = this.ranges(place).map(async ([name, ranges]): Promise<[string, Numbers]> => {
      const parts = await Promise.all(ranges.map((range) => this.machine.read(this.copier.arenas.state!, range)));
      return [name, NumberArray.from(parts.flatMap((part) => Array.from(part)))];
    });
    return Object.fromEntries(await Promise.all(states)) as Record<S, Numbers>;
  }

  /**
   * Sets the state of a stream; all states must be given. If something does not fit, nothing changes.
   * @throws UsageError "missing-state", "unknown-state", "not-a-number"; ShapeError "shape-mismatch"
   */
  setState(id: number, state: SessionState<S>): void {
    const places = this.ranges(this.placeOf(id));
    const given: Readonly<Record<string, ArrayLike<number>>> = state;
    const names = places.map(([name]) => name);
    for (const name of Object.keys(state))
      if (!names.includes(name))
        throw new UsageError("unknown-state", `state: there is no "${name}", only ${names.join(", ")}`);
    for (const [name, ranges] of places) {
      const data = given[name];
      const width = ranges[0]!.length;
      if (data === undefined) throw new UsageError("missing-state", `state: expected one called "${name}"`);
      if (data?.length !== width * this.layers)
        throw new ShapeError(
          "shape-mismatch",
          `state.${name}: expected ${this.layers} × ${width} numbers, got ${countOf(data)}`,
        );
      expectFinite("state", name, { shape: [this.layers, width], data });
    }
    for (const [name, ranges] of places)
      ranges.forEach((range, layer) => {
        const part = Array.from({ length: range.length }, (_, k) => given[name]![layer * range.length + k]!);
        this.machine.write(this.copier.arenas.state!, range, part);
      });
  }

  /** Closes a stream, so that another can take its place. */
  release(id: number): void {
    const place = this.placeOf(id);
    this.used[place] = false;
    this.numbers[place] = id + this.capacity;
  }

  /** Frees the plans and all states; the parameters stay. */
  close(): void {
    for (const { executable } of this.steps) executable.close();
    this.copier.close();
  }

  /** @returns the index of the plan that was run */
  private feedAt(ids: ArrayLike<number>, tokens: ArrayLike<number>): number {
    const n = ids.length;
    if (n === 0 || n > this.capacity || tokens.length !== n)
      throw new ShapeError(
        "shape-mismatch",
        `expected from 1 to ${this.capacity} streams and a token for each, got ${n} and ${tokens.length}`,
      );
    const k = this.steps.findIndex((step) => step.size >= n);
    const { executable, size: places } = this.steps[k]!;
    const buffer = this.buffers[k]!;
    const height = this.capacity + EXTRA;
    const turn = ++this.turn;
    for (let i = 0; i < places; i++) {
      const place = i < n ? this.placeOf(ids[i]!) : spare(this.capacity);
      if (i < n) {
        if (this.turns[place] === turn)
          throw new UsageError("unknown-stream", `stream ${ids[i]} is named twice in one step`);
        this.turns[place] = turn;
      }
      buffer.tokens[i] = i < n ? tokens[i]! : 0;
      if (i < n && buffer.tokens[i] !== tokens[i])
        throw new UsageError("out-of-range", `tokens: element ${i} is ${tokens[i]}, expected a whole number`);
      for (let layer = 0; layer < this.layers; layer++) buffer.rows[layer * places + i] = layer * height + place;
    }
    executable.write("tokens", buffer.tokens);
    executable.write("rows", buffer.rows);
    executable.run();
    return k;
  }

  private copyState(from: number, to: number): void {
    const height = this.capacity + EXTRA;
    const rows = (place: number): number[] => Array.from({ length: this.layers }, (_, layer) => layer * height + place);
    this.copier.write("from", rows(from));
    this.copier.write("to", rows(to));
    this.copier.run();
  }

  /** Where the state of the stream in a place lies: a row for each layer, by name. */
  private ranges(place: number): [string, Range[]][] {
    return Object.entries(this.copier.graph.states).map(([name, { range, shape }]) => {
      const [layers, height, width] = shape as [number, number, number];
      const row = (layer: number): Range => ({
        ...range,
        offset: range.offset + (layer * height + place) * width,
        length: width,
      });
      return [name, Array.from({ length: layers }, (_, layer) => row(layer))];
    });
  }

  /** The place of an open stream. */
  private placeOf(id: number): number {
    const place = id % this.capacity;
    if (this.used[place] === true && this.numbers[place] === id) return place;
    throw new UsageError("unknown-stream", `there is no open stream ${id}: \`open()\` gives the number of a new one`);
  }
}
