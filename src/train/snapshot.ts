import type { Limits } from "../compute/machine.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { TrainerOptions, TrainingPlan } from "./trainer-options.ts";
import { firstState, type TrainerState } from "./trainer-state.ts";

/** All that the rest of a training depends on; apart from the numbers of the tensors JSON holds it. */
export interface TrainingSnapshot {
  /** Parameters, moments of the optimizer, carried states, what the machine noted. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly state: TrainerState;
  /** What must be the same when it goes on, or it would be another training. */
  readonly setup: TrainingSetup;
  /** How numbers were computed. */
  readonly arithmetic: Pick<Limits, "float" | "family">;
}

type Setup = string | number | boolean | null;
export type TrainingSetup = Readonly<Record<string, Setup | Readonly<Record<string, Setup>>>>;

export interface RestoreOptions {
  /** Goes on with another family of arithmetic, and then with other bits. Default false. */
  readonly allowDifferentArithmetic?: boolean | undefined;
}

export function snapshotOf(
  options: TrainerOptions,
  plan: TrainingPlan,
  state: TrainerState,
  tensors: ReadonlyMap<string, NamedTensor>,
): TrainingSnapshot {
  for (const [name, { data }] of tensors) {
    const wrong = name.startsWith("parameters/") ? firstNotFinite(data) : -1;
    if (wrong >= 0)
      throw new FailureError(
        "not-finite",
        `"${name}": element ${wrong} is ${data[wrong]}; training has broken down (a lower learning rate helps), and what was saved before stays`,
      );
  }
  const { float, family } = options.machine.limits;
  return { tensors, state: structuredClone(state), setup: setupOf(options, plan), arithmetic: { float, family } };
}

function firstNotFinite(data: ArrayLike<number>): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

function setupOf({ batches }: TrainerOptions, plan: TrainingPlan): TrainingSetup {
  const { optimizer, seed, accumulate, clipNorm = null, clipValue = null } = plan;
  return {
    ...{ optimizer: optimizer.name, seed, accumulate, clipNorm, clipValue },
    batchesPerEpoch: batches.batchesPerEpoch,
    data: batches.identity ?? {},
  };
}

/** The state of a snapshot, for a training that may go on from it. @throws UsageError "other-training", "different-arithmetic" */
export function usable<F extends object>(
  snapshot: TrainingSnapshot,
  options: TrainerOptions<F>,
  plan: TrainingPlan,
  { allowDifferentArithmetic = false }: RestoreOptions,
): TrainerState<F> {
  const differences = [...differing(snapshot.setup, setupOf(options, plan))];
  if (differences.length > 0)
    throw new UsageError(
      "other-training",
      `the checkpoint is of another training: ${differences.join("; ")}. Go on with what it was made with, or begin a new run`,
    );
  const { float, family } = snapshot.arithmetic;
  const here = options.machine.limits;
  if (!allowDifferentArithmetic && (float !== here.float || family !== here.family))
    throw new UsageError(
      "different-arithmetic",
      `the checkpoint was computed in ${float}, ${family} arithmetic, this machine computes in ${here.float}, ${here.family}: the bits would differ from there on. Resume where ${family} is available (portable: anywhere, by the machine's own option; fused: Node ≥ 22, or Node 20 with --experimental-wasm-relaxed-simd), or accept other bits with allowDifferentArithmetic (--allow-different-arithmetic)`,
    );
  const first = firstState<F>(plan);
  const state = structuredClone(snapshot.state) as TrainerState<F>;
  return { ...state, plateau: first.plateau && (state.plateau ?? first.plateau), stopped: plan.best.stops(state.best) };
}

function* differing(then: TrainingSetup, now: TrainingSetup, path = ""): Generator<string> {
  for (const name of new Set([...Object.keys(then), ...Object.keys(now)])) {
    const [a, b] = [then[name], now[name]];
    if (typeof a === "object" && typeof b === "object" && a !== null && b !== null)
      yield* differing(a, b, `${path}${name}.`);
    else if (a !== b)
      yield `${path}${name} was ${JSON.stringify(a) ?? "not there"}, now it is ${JSON.stringify(b) ?? "not there"}`;
  }
}
