import type { Arena, Machine, Numbers } from "../compute/machine.ts";
import type { Range } from "../compute/plan.ts";
import { UsageError } from "../shared/errors.ts";
import { size } from "../shared/shapes.ts";
import { aligned } from "../tensor/range.ts";
import { Plans, type PlansOptions } from "./plans.ts";
import type { Runnable } from "./runnable.ts";
import type { SharedWeights } from "./shared-weights.ts";

/** The state of one session while it is not in the place of `SessionPlans`: the numbers of all its states, as they lie there. */
export interface KeptState {
  numbers: Numbers | Promise<Numbers>;
}

/**
 * What sessions of one batch size share: their plans, and the one place of a state that these read and write. There lies the state of the
 * session that ran last; it is taken out when another session runs. So hundreds of sessions record and compile once, and one alone copies nothing.
 */
export class SessionPlans {
  readonly plans: Plans;
  /** B */
  readonly batchSize: number;
  /** With the axis of the sequences; −1 where the file leaves none open. */
  readonly states: readonly (NonNullable<PlansOptions["states"]>[number] & { readonly axis: number })[];
  /** Open sessions. */
  users = 0;
  private readonly machine: Machine;
  private readonly arena: Arena;
  private readonly range: Range;
  private seated: KeptState | undefined;

  /** @throws UsageError "no-state", "whole-sequence" */
  constructor(runnable: Runnable, weights: SharedWeights, limit: number, batchSize: number) {
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
    this.batchSize = batchSize;
    this.states = runnable.states.map((pair) => {
      const { shape = [] } = runnable.inputs.find(({ name }) => name === pair.input)!;
      const isOpen = (n: unknown): boolean => typeof n !== "number";
      return { ...pair, shape: shape.map((n) => (isOpen(n) ? batchSize : Number(n))), axis: shape.findIndex(isOpen) };
    });
    this.machine = weights.machine;
    this.range = { arena: "state", offset: 0, length: this.place(this.states.length), type: "float" };
    this.arena = this.machine.arena("state", this.range.length);
    this.plans = new Plans({ runnable, weights, limit, states: this.states, stateArena: this.arena });
  }

  zeros(): Numbers {
    const { length } = this.range;
    return this.machine.limits.float === "float64" ? new Float64Array(length) : new Float32Array(length);
  }

  /** Puts a state where plans read it. One at a time: what is taken out must be whole. */
  async seat(state: KeptState): Promise<void> {
    while (this.seated !== state) {
      const own = await this.take(state);
      // It may have been set meanwhile.
      if (state.numbers !== own) continue;
      if (this.seated) this.seated.numbers = this.machine.read(this.arena, this.range);
      this.machine.write(this.arena, this.range, own);
      this.seated = state;
    }
  }

  /** Takes a state out of the place where plans read it; resolves to its numbers. */
  async take(state: KeptState): Promise<Numbers> {
    if (this.seated === state) {
      state.numbers = this.machine.read(this.arena, this.range);
      this.seated = undefined;
    }
    const { numbers } = state;
    const own = await numbers;
    if (state.numbers === numbers) state.numbers = own;
    return own;
  }

  /** A copy of the numbers of all states, as they are now. */
  async whole(state: KeptState): Promise<Numbers> {
    return this.seated === state ? this.machine.read(this.arena, this.range) : state.numbers;
  }

  /** Copies of the numbers of each state, in their order, as they are now. */
  async read(state: KeptState): Promise<Numbers[]> {
    const all = await this.whole(state);
    return this.states.map(({ shape }, k) => all.slice(this.place(k), this.place(k) + size(shape)));
  }

  /** Replaces the numbers of every state. */
  write(state: KeptState, values: readonly ArrayLike<number>[]): void {
    const numbers = this.zeros();
    for (const [k, data] of values.entries()) numbers.set(data, this.place(k));
    this.replace(state, numbers);
  }

  replace(state: KeptState, numbers: Numbers): void {
    if (this.seated === state) this.machine.write(this.arena, this.range, numbers);
    else state.numbers = numbers;
  }

  /** Forgets the state of a session that is closed. */
  leave(state: KeptState): void {
    if (this.seated === state) this.seated = undefined;
    this.users -= 1;
  }

  close(): void {
    this.plans.close();
    this.arena.close();
  }

  /** Where state `k` begins, as `Graph.state` lays them out. */
  place(k: number): number {
    return this.states.slice(0, k).reduce((sum, { shape }) => sum + aligned(size(shape)), 0);
  }
}
