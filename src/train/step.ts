import type { Machine } from "../compute/machine.ts";
import { abs, add, type Expression, equal, less, lessEqual, mul, select, variable } from "../math/expression.ts";
import type { Optimizer } from "../optimizers/define.ts";
import { createMoments, LARGEST_FINITE, momentArena, updateParameters } from "../optimizers/update.ts";
import { FailureError } from "../shared/errors.ts";
import { formatBytes, size } from "../shared/shapes.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import type { ParameterLayout } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

/** What a training step learns from. */
export interface Objective {
  /** Shape []. */
  readonly loss: Tensor;
  /** Shape []: added to the loss when gradients are taken, but not reported with it. Default none. */
  readonly penalty?: Tensor | undefined;
  /** Tensors that become states for the next step, once the gradients have been taken. */
  readonly carry?: readonly (readonly [from: Tensor, to: Tensor])[];
}

export interface TrainingStepOptions {
  readonly machine: Machine;
  readonly parameters: ParameterStore;
  readonly optimizer: Optimizer;
  /** Gradients are scaled down together when their norm is larger. Default: never. */
  readonly clipNorm?: number | undefined;
  /** Then each element is held within ±clipValue. Default: never. */
  readonly clipValue?: number | undefined;
  /** Of dropout; default 0. */
  readonly seed?: number | undefined;
  /** Records the forward pass and the loss. */
  readonly record: (graph: Graph) => Objective;
}

/** What the machine has noted since the last reading. */
export interface StepReading {
  /** Sum of the losses since the last reading. */
  readonly lossSum: number;
  /** Norm of all gradients at the last step, before clipping. */
  readonly gradientNorm: number;
  /** Updates left out so far because a gradient was not finite. */
  readonly skipped: number;
  /** The first step at which training broke down (a loss or norm that is no number, or many updates in a row left out); 0: none. */
  readonly failedAt: number;
}

/** When so many updates in a row had to be left out, the next one will be too. */
const MOST_SKIPPED_IN_A_ROW = 20;
const NOTES = ["lossSum", "gradientNorm", "skipped", "failedAt", "skippedInARow"] as const;

/**
 * Records one training step as one plan — forward, loss, backward, clipping, update, carried state — and makes it ready to
 * be replayed. Moments of the optimizer begin anew.
 *
 * @throws FailureError "out-of-memory" before anything is allocated
 */
export async function openTrainingStep(options: TrainingStepOptions): Promise<TrainingStep> {
  const { machine, parameters, optimizer, clipNorm, clipValue, seed = 0 } = options;
  const graph = new Graph({ machine, parameters: parameters.layout, training: true });
  const { loss, penalty, carry = [] } = options.record(graph);
  graph.backward(penalty ? [[loss, 1] as const, [penalty, 1] as const] : [[loss, 1]]);
  const update = updateParameters(graph, optimizer, { clipNorm, clipValue });
  for (const [from, to] of carry) graph.copy(from.range, to.range);
  takeNotes(graph, { loss, norm: update.gradientNorm, skip: update.skipped });
  graph.finish();
  resetMoments(parameters, optimizer);
  parameters.arena("gradients");
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  return new TrainingStep(executable, (step, rate) => ({
    ...update.scalars(step, rate),
    ...graph.randomScalars({ seed, update: step }),
    step,
  }));
}

/** One training step, ready to run as often as one likes. */
export class TrainingStep {
  readonly executable: Executable;
  private readonly scalars: (step: number, rate: number) => Record<string, number>;
  private fresh = true;

  constructor(executable: Executable, scalars: (step: number, rate: number) => Record<string, number>) {
    this.executable = executable;
    this.scalars = scalars;
  }

  /** Issues step number `step` (from 1) with a learning rate. Inputs must have been written. */
  run(step: number, rate: number): void {
    this.executable.run({ ...this.scalars(step, rate), fresh: this.fresh ? 1 : 0 });
    this.fresh = false;
  }

  /** What the machine has noted since the last reading. */
  async read(): Promise<StepReading> {
    const notes = await this.executable.read("notes");
    this.fresh = true;
    return Object.fromEntries(NOTES.map((name, k) => [name, notes[k]!])) as unknown as StepReading;
  }

  /** Bytes that the step keeps on the machine, parameters and moments included. */
  get bytes(): number {
    const arenas = Object.values(this.executable.arenas);
    return arenas.reduce((sum, arena) => sum + arena.length, 0) * this.executable.machine.limits.elementBytes;
  }

  /** Frees what belongs to the step; the parameters stay. */
  close(): void {
    this.executable.close();
  }
}

/** Records what `StepReading` says, so that nothing has to be read back at every step. */
function takeNotes(graph: Graph, step: { readonly loss: Tensor; readonly norm: Tensor; readonly skip: Tensor }): void {
  const notes = graph.state("notes", [NOTES.length]).range;
  const place = (k: number) => ({ ...notes, offset: notes.offset + k, length: 1 });
  const numbers = { ...step, step: graph.scalar("step"), fresh: graph.scalar("fresh") };
  const [loss, norm, skip, now, fresh] = ["loss", "norm", "skip", "step", "fresh"].map(variable) as [
    ...[Expression, Expression, Expression, Expression, Expression],
  ];
  const [sum, , skipped, failedAt, inARow] = NOTES.map(variable) as [
    ...[Expression, Expression, Expression, Expression, Expression],
  ];
  const row = mul(skip, add(inARow, 1));
  // An infinite norm may pass (its update is left out); one that is no number comes back at every step.
  const isNumber = lessEqual(norm, Number.POSITIVE_INFINITY);
  const failed = select(
    lessEqual(abs(loss), LARGEST_FINITE),
    select(isNumber, select(less(row, MOST_SKIPPED_IN_A_ROW), 0, now), now),
    now,
  );
  const next: Record<(typeof NOTES)[number], Expression> = {
    lossSum: select(equal(fresh, 1), loss, add(sum, loss)),
    gradientNorm: norm,
    skipped: add(skipped, skip),
    failedAt: select(equal(failedAt, 0), failed, failedAt),
    skippedInARow: row,
  };
  const inputs = { ...Object.fromEntries(Object.entries(numbers).map(([name, t]) => [name, t.range])) };
  graph.launch(
    {
      op: "pointwise",
      shape: [1],
      inputs: Object.fromEntries([...Object.keys(inputs), ...NOTES].map((name) => [name, [1]])),
      outputs: Object.fromEntries(NOTES.map((name) => [`new ${name}`, { value: next[name], strides: [1] }])),
    },
    {
      ...inputs,
      ...Object.fromEntries(NOTES.flatMap((name, k) => [name, `new ${name}`].map((key) => [key, place(k)]))),
    },
  );
}

function resetMoments(store: ParameterStore, optimizer: Optimizer): void {
  const old = Object.entries(optimizer.moments).filter(([moment]) => momentArena(moment) in store.arenas);
  createMoments(store, optimizer);
  for (const [moment, initial] of old)
    for (const name of store.names)
      store.write(name, new Float64Array(size(store.shape(name))).fill(initial), momentArena(moment));
}

/**
 * Refuses a model whose parameters, gradients and moments do not fit into the machine, before anything is allocated.
 * @throws FailureError "out-of-memory"
 */
export function expectRoom(machine: Machine, layout: ParameterLayout, optimizer: Optimizer): void {
  const { bytes, elementBytes } = machine.limits;
  const copies = 2 + Object.keys(optimizer.moments).length;
  const needed = layout.length * elementBytes * copies;
  if (needed <= bytes) return;
  const count = layout.length.toLocaleString("en-US");
  throw new FailureError(
    "out-of-memory",
    `a model of ${count} parameters needs ${formatBytes(needed)} to be trained (parameters, gradients and ${copies - 2} moments of the optimizer), the machine has ${formatBytes(bytes)}: lower hiddenSize, embeddingSize, numLayers or the size of the vocabulary`,
  );
}
