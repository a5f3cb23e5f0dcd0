import type { Arena } from "../compute/machine.ts";
import { Closing } from "../shared/closing.ts";
import { countOf, expectInteger, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { formatShape, size } from "../shared/shapes.ts";
import { type ModelArray, type ModelResult, Plans, type PlansOptions } from "./plans.ts";
import { checkInputs, replay } from "./replay.ts";
import type { ModelPort, Runnable } from "./runnable.ts";
import type { SharedWeights } from "./shared-weights.ts";

/** Options of `Program.openSession`. */
export interface ProgramSessionOptions {
  /** Sequences that run together: the size of the axes of states that the file leaves open. Default 1. */
  readonly batchSize?: number;
}

interface SessionContext {
  readonly runnable: Runnable;
  readonly weights: SharedWeights;
  readonly limit: number;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** State by the name of the input that carries it, row-major. */
export type ProgramState = Readonly<Record<string, ModelArray>>;

/** Streamed inference with a model that has states: see `Program.openSession`. Close it when done. */
export class ProgramSession extends Closing {
  readonly batchSize: number;
  private readonly context: SessionContext;
  private readonly plans: Plans;
  private readonly states: NonNullable<PlansOptions["states"]>;
  private readonly arena: Arena;
  private readonly ports: { readonly inputs: readonly ModelPort[]; readonly outputs: readonly ModelPort[] };

  constructor(context: SessionContext, { batchSize = 1 }: ProgramSessionOptions) {
    super();
    const { runnable, weights, limit } = context;
    this.context = context;
    this.batchSize = expectInteger("batchSize", batchSize, { min: 1 });
    if (runnable.states.length === 0)
      throw new UsageError(
        "no-state",
        "this model has no state to carry from call to call: none of its inputs takes the value of an output; use run()",
      );
    const backward = runnable.states.find((pair) => pair.backward);
    if (backward)
      throw new UsageError(
        "whole-sequence",
        `openSession: the state "${backward.input}" goes from the end of a sequence to its beginning, so it cannot be carried from piece to piece; give whole sequences to run()`,
      );
    this.states = runnable.states.map((pair) => {
      const { shape = [] } = runnable.inputs.find(({ name }) => name === pair.input)!;
      return { ...pair, shape: shape.map((n) => (typeof n === "number" ? n : batchSize)) };
    });
    const carried = { inputs: this.states.map((s) => s.input), outputs: this.states.map((s) => s.output) };
    this.ports = {
      inputs: runnable.inputs.filter(({ name }) => !carried.inputs.includes(name)),
      outputs: runnable.outputs.filter(({ name }) => !carried.outputs.includes(name)),
    };
    this.arena = weights.machine.arena("state", this.place(this.states.length));
    this.plans = new Plans({ runnable, weights, limit, states: this.states, stateArena: this.arena });
  }

  /** Inputs of `next`: those of the model without its states. */
  get inputs(): readonly ModelPort[] {
    return this.ports.inputs;
  }
  get outputs(): readonly ModelPort[] {
    return this.ports.outputs;
  }

  /**
   * Feeds the next piece of each sequence and resolves to the outputs, states left out.
   * @throws UsageError "missing-input", "unknown-choice", "out-of-range", "bad-state"; ShapeError "shape-mismatch"
   */
  next(inputs: Readonly<Record<string, ModelArray>>): Promise<Record<string, ModelResult>> {
    return this.context.inTurn(async () => {
      checkInputs(this.ports.inputs, inputs);
      return replay(await this.plans.planFor(inputs), this.ports.outputs, inputs);
    });
  }

  /** Resolves to a copy of the state, for `setState` or `writeArrays`. */
  async state(): Promise<Record<string, ModelResult>> {
    const state: Record<string, ModelResult> = {};
    const { machine } = this.context.weights;
    for (const [k, { input, shape }] of this.states.entries())
      state[input] = { type: machine.limits.float, shape, data: await machine.read(this.arena, this.range(k)) };
    return state;
  }

  /**
   * Sets the state; every one must be given.
   * @throws UsageError "missing-state", "unknown-choice"; ShapeError "shape-mismatch"
   */
  setState(value: ProgramState): void {
    const names = this.states.map((s) => s.input);
    for (const name of Object.keys(value)) expectOneOf("state", name, names);
    const missing = names.filter((name) => !Object.hasOwn(value, name));
    if (missing.length > 0)
      throw new UsageError("missing-state", `state: expected ${names.join(", ")}, ${missing.join(", ")} missing`);
    for (const { input, shape } of this.states) {
      const given = value[input]!;
      if (
        given?.data?.length !== size(shape) ||
        !Array.isArray(given.shape) ||
        formatShape(given.shape) !== formatShape(shape)
      )
        throw new ShapeError(
          "shape-mismatch",
          `state "${input}": expected shape ${formatShape(shape)} as { shape, data }, got ${Array.isArray(given?.shape) ? `${formatShape(given.shape)} with ${countOf(given.data)} numbers` : countOf(given)}`,
        );
    }
    for (const [k, { input }] of this.states.entries())
      this.context.weights.machine.write(this.arena, this.range(k), value[input]!.data);
  }

  /** Sets the state to zero. */
  reset(): void {
    for (const k of this.states.keys())
      this.context.weights.machine.write(this.arena, this.range(k), new Float32Array(this.range(k).length));
  }

  /** Opens another session of the same model with a copy of this state. */
  async fork(): Promise<ProgramSession> {
    const other = new ProgramSession(this.context, { batchSize: this.batchSize });
    other.setState(await this.state());
    return other;
  }

  /** Frees the plans and the state; the weights stay. */
  close(): void {
    this.plans.close();
    this.arena.close();
  }

  /** Where state `k` begins, as `Graph.state` lays them out. */
  private place(k: number): number {
    return this.states.slice(0, k).reduce((sum, { shape }) => sum + Math.ceil(size(shape) / 16) * 16, 0);
  }

  private range(k: number): { arena: string; offset: number; length: number; type: "float" } {
    return { arena: "state", offset: this.place(k), length: size(this.states[k]!.shape), type: "float" };
  }
}
