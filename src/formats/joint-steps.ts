import type { Numbers } from "../compute/machine.ts";
import { soon } from "../platform/turns.ts";
import type { UsageError } from "../shared/errors.ts";
import type { ModelArray, ModelResult, RecordedPlan } from "./plans.ts";
import { replay } from "./replay.ts";
import type { Runnable } from "./runnable.ts";
import type { KeptState, SessionPlans } from "./session-plans.ts";
import { type SequenceAxes, type SessionPorts, sequenceAxes } from "./session-ports.ts";
import { partOf, putPart, stacked, takePart } from "./stacked.ts";

type Arrays = Readonly<Record<string, ModelArray>>;
type Results = Record<string, ModelResult>;

/** Sequences of one run: more gain next to nothing, and each power of two up to it may have a plan. */
const AT_ONCE = 64;

interface Piece {
  readonly state: KeptState;
  readonly inputs: Arrays;
  /** Pieces with the same one can be one run. */
  readonly key: string;
  resolve(results: Results): void;
  reject(error: unknown): void;
}

interface Context {
  readonly ports: SessionPorts;
  readonly plansOf: (batchSize: number) => SessionPlans;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Sessions of one sequence each whose steps are taken together: the pieces that all of them wait for at one moment are one run of the model,
 * with their states as a batch.
 */
export class JointSteps {
  private readonly runnable: Runnable;
  private readonly context: Context;
  /** By the number of sequences, with the state of the batch. */
  private readonly batches = new Map<number, { readonly plans: SessionPlans; readonly state: KeptState }>();
  private waiting: Piece[] = [];
  private axes: SequenceAxes | undefined;
  private busy = false;
  private users = 0;

  constructor(runnable: Runnable, context: Context) {
    this.runnable = runnable;
    this.context = context;
  }

  /** @throws UsageError "no-batch-axis" */
  enter(): void {
    this.axes ??= sequenceAxes(this.runnable, this.context.ports);
    this.users += 1;
  }

  /** Forgets a session: what it waits for is refused. */
  leave(state: KeptState, error: UsageError): void {
    for (const piece of this.waiting) if (piece.state === state) piece.reject(error);
    this.waiting = this.waiting.filter((piece) => piece.state !== state);
    this.users -= 1;
    if (this.users > 0) return;
    for (const batch of this.batches.values()) batch.plans.leave(batch.state);
    this.batches.clear();
  }

  next(state: KeptState, inputs: Arrays): Promise<Results> {
    const key = JSON.stringify(
      this.given(inputs).map(([name, axis]) => {
        const { shape, data } = inputs[name]!;
        return [name, shape, axis === undefined ? Array.from(data) : null];
      }),
    );
    return new Promise((resolve, reject) => {
      this.waiting.push({ state, inputs, key, resolve, reject });
      if (this.busy) return;
      this.busy = true;
      soon(() => void this.work());
    });
  }

  /** Inputs that are not left out, and where each has its sequences. */
  private given(inputs: Arrays): readonly (readonly [name: string, axis: number | undefined])[] {
    return [...this.axes!].filter(([name]) => inputs[name] !== undefined);
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      await this.answer(this.take());
      // Who was answered asks for the next.
      await new Promise<void>(soon);
    }
    this.busy = false;
  }

  /** What can go together with the piece that waited longest: of each session the next one. */
  private take(): Piece[] {
    const [first] = this.waiting;
    const taken: Piece[] = [];
    const seen = new Set<KeptState>();
    this.waiting = this.waiting.filter((piece) => {
      const fits = taken.length < AT_ONCE && piece.key === first!.key && !seen.has(piece.state);
      seen.add(piece.state);
      if (fits) taken.push(piece);
      return !fits;
    });
    return taken;
  }

  private async answer(pieces: readonly Piece[]): Promise<void> {
    try {
      const results = await this.context.inTurn(() => this.run(pieces));
      for (const [k, piece] of pieces.entries()) if (results) piece.resolve(results[k]!);
      if (results) return;
    } catch (error) {
      // One that is refused, for a token that the model does not know say, refuses no other.
      if (pieces.length === 1) return pieces[0]!.reject(error);
    }
    for (const piece of pieces) await this.answer([piece]);
  }

  /** @returns undefined if an output is not one for each sequence, so that they cannot be one run */
  private async run(pieces: readonly Piece[]): Promise<Results[] | undefined> {
    const { ports, plansOf } = this.context;
    const alone = plansOf(1);
    const [{ inputs, state }] = pieces as [Piece];
    const single = await alone.plans.planFor(inputs);
    if (pieces.length === 1) {
      await alone.seat(state);
      return [await replay(single, ports.outputs, inputs)];
    }
    const { plans, state: joint } = this.batchOf(2 ** Math.ceil(Math.log2(pieces.length)));
    const all = Object.fromEntries(
      this.given(inputs).map(([name, axis]) => {
        // In a place that nobody needs is the first piece, and a state of zeros.
        const parts = Array.from({ length: plans.batchSize }, (_, p) => (pieces[p] ?? pieces[0]!).inputs[name]!);
        return [name, axis === undefined ? parts[0]! : stacked(parts, axis)];
      }),
    );
    const plan = await plans.plans.planFor(all);
    const outputAxes = new Map(ports.outputs.map(({ name }) => [name, outputAxis(name, single, plan)]));
    if ([...outputAxes.values()].includes(undefined)) return undefined;
    await plans.seat(joint);
    let own: Numbers[];
    do own = await Promise.all(pieces.map((piece) => alone.take(piece.state)));
    while (pieces.some((piece, p) => piece.state.numbers !== own[p]));
    // From here until the state is asked for nobody else has a turn, so none is set meanwhile.
    const places = plans.states.map((state, k) => ({ ...state, of: plans.place(k), own: alone.place(k) }));
    const before = plans.zeros();
    for (const [p, numbers] of own.entries()) for (const state of places) putPart(before, numbers, p, state);
    plans.replace(joint, before);
    const results = replay(plan, ports.outputs, all);
    const after = plans.whole(joint);
    for (const [p, { state: kept }] of pieces.entries())
      kept.numbers = after.then((numbers) => {
        const own = alone.zeros();
        for (const state of places) takePart(numbers, own, p, state);
        return own;
      });
    const given = Object.entries(await results);
    return pieces.map((_, p) =>
      Object.fromEntries(given.map(([name, result]) => [name, partOf(result, outputAxes.get(name)!, p)])),
    );
  }

  private batchOf(n: number): { readonly plans: SessionPlans; readonly state: KeptState } {
    const known = this.batches.get(n);
    if (known) return known;
    const plans = this.context.plansOf(n);
    const made = { plans, state: { numbers: plans.zeros() } };
    plans.users += 1;
    this.batches.set(n, made);
    return made;
  }
}

/** On which axis an output has the sequences, the one that is longer for more of them; undefined if it is not one for each. */
function outputAxis(name: string, single: RecordedPlan, joint: RecordedPlan): number | undefined {
  const shapeIn = ({ known, executable }: RecordedPlan) => known.get(name)?.shape ?? executable.shape(name);
  const [one, all] = [shapeIn(single), shapeIn(joint)];
  const axes = all.flatMap((n, axis) => (n === one[axis] ? [] : [axis]));
  return axes.length === 1 && one.length === all.length ? axes[0] : undefined;
}
