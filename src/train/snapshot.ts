import type { Limits } from "../compute/machine.ts";
import { evaluate } from "../math/evaluate.ts";
import { type Expression, variable } from "../math/expression.ts";
import { optimizerOf } from "../optimizers/by-parameter.ts";
import type { Optimizer } from "../optimizers/define.ts";
import { describe, FailureError, UsageError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import { effectAlike, type ScheduleEffect, scheduleEffect } from "./schedule-effect.ts";
import type { TrainerOptions, TrainingPlan } from "./trainer-options.ts";
import { firstState, type TrainerState } from "./trainer-state.ts";

/** Everything that the rest of a training depends on. Except for the tensors it can be stored as JSON. */
export interface TrainingSnapshot {
  /** Parameters, moments of the optimizer, carried states, what the machine noted. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly state: TrainerState;
  /** What must be the same when it goes on, or it would be another training. */
  readonly setup: TrainingSetup;
  /** How numbers were computed. */
  readonly arithmetic: Pick<Limits, "float" | "family">;
}

export type Setup = string | number | boolean | null;
/** What a training was told, as its snapshot keeps it; a training that continues it must have been told the same. */
export type TrainingSetup = Readonly<Record<string, Setup | Readonly<Record<string, Setup>>>>;

/** What may differ from the snapshot. */
export interface RestoreOptions {
  /** Whether to continue with another arithmetic, and so with other bits. Default false. */
  readonly allowDifferentArithmetic?: boolean | undefined;
  /** Whether to continue with another learning rate or schedule. Default false. */
  readonly allowDifferentSchedule?: boolean | undefined;
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
  const setup = { ...setupOf(options, plan), schedule: scheduleEffect(plan.rate, plan.totalSteps) };
  return { tensors, state: structuredClone(state), setup, arithmetic: { float, family } };
}

function setupOf({ batches, evaluator, parameters }: TrainerOptions, plan: TrainingPlan): TrainingSetup {
  const { optimizer, seed, accumulate, clipNorm = null, clipValue = null } = plan;
  const chosen = (name: string): Optimizer => optimizerOf(optimizer, name);
  const of = (what: (one: Optimizer) => string) => descriptionOf(parameters.names, chosen, what);
  return {
    ...{ optimizer: of(({ name }) => name), optimizerOptions: of(effectOf), seed, accumulate, clipNorm, clipValue },
    batchesPerEpoch: batches.batchesPerEpoch,
    data: batches.identity ?? {},
    best: evaluator ? plan.best.name : `${plan.best.name} of training`,
  };
}

/** One description if all optimizers share it, else one for each parameter by name. */
function descriptionOf(
  names: readonly string[],
  of: (name: string) => Optimizer,
  describe: (one: Optimizer) => string,
): TrainingSetup[string] {
  const known = new Map([...new Set(names.map(of))].map((one) => [one, describe(one)]));
  const [first, ...others] = new Set(known.values());
  return others.length === 0 ? first! : Object.fromEntries(names.map((name) => [name, known.get(of(name))!]));
}

/**
 * What distinguishes an optimizer from one of the same name with other options: its updates of test values, one of them with gradient 0.
 * Rounded, because Math functions differ in the last digits between engines.
 */
function effectOf({ moments, scalars, update }: Optimizer): string {
  const names = Object.keys(moments);
  const numbers = scalars(5, 0.01);
  // In the last one the epsilon of divisions shows.
  const examples = [
    { p: 0.5, g: 0.25, moment: 0.3 },
    { p: 0.5, g: 0, moment: 0.3 },
    { p: 0, g: 1e-6, moment: 1e-12 },
  ];
  const results = examples.flatMap(({ p, g, moment }) => {
    const values: Readonly<Record<string, number>> = { ...Object.fromEntries(names.map((m) => [m, moment])), p, g };
    const next = update(symbols(values) as Parameters<typeof update>[0], symbols(numbers));
    const roots = ["p", ...names].map((name) => (next as Readonly<Record<string, Expression>>)[name]!);
    return evaluate(roots, (name) => values[name] ?? numbers[name]!);
  });
  return results.map((value) => value.toPrecision(6)).join(" ");
}

const symbols = (numbers: object): Record<string, Expression> =>
  Object.fromEntries(Object.keys(numbers).map((name) => [name, variable(name)]));

/** The state of a snapshot, for a training that may go on from it. @throws UsageError "bad-option", "other-training", "different-schedule", "different-arithmetic" */
export function usable<F extends object>(
  snapshot: TrainingSnapshot,
  options: TrainerOptions<F>,
  plan: TrainingPlan,
  { allowDifferentArithmetic = false, allowDifferentSchedule = false }: RestoreOptions,
): TrainerState<F> {
  if (!snapshot?.setup || !snapshot.state || !(snapshot.tensors instanceof Map))
    throw new UsageError(
      "bad-option",
      `Trainer.restore: expected what Trainer.snapshot gives, got ${describe(snapshot)}; JSON does not hold its tensors, openRun saves all of it`,
    );
  // Checkpoints of earlier versions lack the schedule and the monitored metric.
  const { schedule, ...setup } = snapshot.setup as TrainingSetup & { readonly schedule?: ScheduleEffect };
  const here = setupOf(options, plan);
  const differences = [...differing({ best: here.best!, ...setup }, here)];
  if (differences.length > 0)
    throw new UsageError(
      "other-training",
      `the checkpoint is of another training: ${differences.slice(0, 5).join("; ")}${differences.length > 5 ? `; and ${differences.length - 5} more` : ""}. Go on with what it was made with, or begin a new run`,
    );
  const now = schedule && effectAlike(schedule, plan.rate, plan.totalSteps);
  const rates = now && !allowDifferentSchedule ? [...differing(schedule, now)] : [];
  if (rates.length > 0)
    throw new UsageError(
      "different-schedule",
      `the checkpoint was made with another schedule of the learning rate: ${rates.slice(0, 3).join("; ")}. Go on with the one that it was made with, or say that it is meant with allowDifferentSchedule`,
    );
  const { float, family } = snapshot.arithmetic;
  const machine = options.machine.limits;
  if (!allowDifferentArithmetic && (float !== machine.float || family !== machine.family))
    throw new UsageError(
      "different-arithmetic",
      `the checkpoint was computed in ${float}, ${family} arithmetic, this machine computes in ${machine.float}, ${machine.family}: the bits would differ from there on. Resume where ${family} is available (portable: anywhere, on a machine opened with fused: false; fused: Node ≥ 22, or Node 20 with --experimental-wasm-relaxed-simd), or accept other bits with allowDifferentArithmetic (--allow-different-arithmetic)`,
    );
  const first = firstState<F>(plan);
  const state = structuredClone(snapshot.state) as TrainerState<F>;
  return { ...state, plateau: first.plateau && (state.plateau ?? first.plateau), stopped: plan.best.stops(state.best) };
}

const isRecord = (value: unknown): value is Readonly<Record<string, Setup>> =>
  typeof value === "object" && value !== null;

/** One description of all parameters as one for each. */
const eachOf = (
  all: TrainingSetup[string] | undefined,
  description: unknown,
): Readonly<Record<string, Setup>> | undefined =>
  isRecord(all) && typeof description === "string"
    ? Object.fromEntries(Object.keys(all).map((name) => [name, description]))
    : undefined;

function* differing(then: TrainingSetup, now: TrainingSetup, path = ""): Generator<string> {
  for (const name of new Set([...Object.keys(then), ...Object.keys(now)])) {
    const [a, b] = [then[name], now[name]];
    const [x, y] = [isRecord(a) ? a : eachOf(b, a), isRecord(b) ? b : eachOf(a, b)];
    if (x && y) yield* differing(x, y, `${path}${name}.`);
    else if (a !== b)
      yield `${path}${name} was ${JSON.stringify(a) ?? "not there"}, now it is ${JSON.stringify(b) ?? "not there"}`;
  }
}
