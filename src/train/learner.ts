import type { Arena, Machine, Numbers } from "../compute/machine.ts";
import { type Batch, weightOf } from "../data/batch-source.ts";
import { add, equal, mul, select, variable } from "../math/expression.ts";
import { AVERAGE } from "../optimizers/averaged.ts";
import { leavesParameters, momentsOf, type OptimizerChoice, optimizerOf } from "../optimizers/by-parameter.ts";
import { createMoments, momentArena, updateParameters } from "../optimizers/update.ts";
import { expectInteger, FailureError, UsageError } from "../shared/errors.ts";
import { unprefixed, zipRecord } from "../shared/records.ts";
import { formatBytes } from "../shared/shapes.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { expectTrainable, type Parameter, type ParameterLayout } from "../tensor/parameter.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";
import { NOTES, NOTES_ARENA, reserveNotes, type StepReading, takeNotes } from "./notes.ts";
import { Plans } from "./plans.ts";
import { carryStates, expectNumber } from "./recorded.ts";

/** What `record` returns: the loss of a training step. */
export interface Objective {
  /** The loss, shape []. */
  readonly loss: Tensor;
  /** A penalty of shape [] that is added to the loss for the gradients, but not to the reported loss. Default none. */
  readonly penalty?: Tensor | undefined;
  /** Tensors that become states of the next step. */
  readonly carry?: readonly (readonly [from: Tensor, to: Tensor])[] | undefined;
}

export interface LearnerOptions {
  readonly machine: Machine;
  readonly parameters: ParameterStore;
  /** The optimizer, or with `byParameter` one for each parameter. */
  readonly optimizer: OptimizerChoice;
  /** Gradients are scaled down together when their norm is larger. Default: never. */
  readonly clipNorm?: number | undefined;
  /** Then each element is held within ±clipValue. Default: never. */
  readonly clipValue?: number | undefined;
  /** Seed of dropout. Default 0. */
  readonly seed?: number | undefined;
  /** Whether gradients of several batches make one update. */
  readonly accumulates?: boolean;
  /**
   * Parts that recurrent layers divide a sequence into to save memory; see `TrainingOptions.recompute`.
   */
  readonly recompute?: number | undefined;
  /** Records the forward pass and the loss for batches of the shape that this one has; called again for each shape. */
  readonly record: (graph: Graph, batch: Batch) => Objective;
}

/** Parts of a sequence that does not fit whole. More would save little: the outputs of layers are kept in any case. */
const PARTS = 8;

const SUM_ARENA = "gradient sum";

/**
 * Updates of parameters from batches of any shape: a plan of gradients for each shape (forward, loss, backward) and one plan
 * of the update (clipping, optimizer, notes). Moments of the optimizer begin anew.
 *
 * @throws FailureError "out-of-memory" before anything is allocated
 */
export async function openLearner(options: LearnerOptions): Promise<Learner> {
  const { machine, parameters, optimizer, clipNorm, clipValue, recompute, accumulates = false } = options;
  if (recompute !== undefined) expectInteger("recompute", recompute, { min: 1 });
  expectRoom(machine, parameters.layout, optimizer, accumulates);
  const graph = new Graph({ machine, parameters: parameters.layout, training: true, touched: !accumulates });
  const notes = reserveNotes(graph);
  const update = updateParameters(graph, optimizer, { clipNorm, clipValue });
  takeNotes(graph, notes, { norm: update.gradientNorm, skip: update.skipped });
  const needed = graph.finish().arenas;
  createMoments(parameters, optimizer);
  const own: Record<string, Arena> = {};
  try {
    // An arena that no other plan writes to, so that the record of which gradients are zero stays valid.
    own.gradients = machine.arena("gradients", parameters.layout.length);
    own[NOTES_ARENA] = machine.arena(NOTES_ARENA, needed[NOTES_ARENA]!);
    if (graph.touched) {
      own[graph.touched.arena] = machine.arena(graph.touched.arena, needed[graph.touched.arena]!);
      machine.write(own[graph.touched.arena]!, graph.touched, new Int32Array(graph.touched.length).fill(1));
    }
    if (accumulates) own[SUM_ARENA] = machine.arena(SUM_ARENA, parameters.layout.length);
    const arenas = { ...parameters.arenas, ...own, gradients: own[SUM_ARENA] ?? own.gradients };
    const exchange = momentsOf(optimizer, parameters.layout).includes(AVERAGE)
      ? await compile(exchangeOf(options), { machine, arenas })
      : undefined;
    return new Learner(options, await compile(graph, { machine, arenas }), own, update.scalars, exchange);
  } catch (error) {
    for (const arena of Object.values(own)) arena.close();
    throw error;
  }
}

/** See `openLearner`. */
export class Learner {
  private readonly options: LearnerOptions;
  private readonly gradients: Plans;
  private readonly update: Executable;
  /** Swaps parameters and their averages; undefined if no average is kept. */
  private readonly exchange: Executable | undefined;
  private readonly own: Readonly<Record<string, Arena>>;
  private readonly scalars: (step: number, rate: number) => Record<string, number>;
  /** Parameters of which no gradient is taken. */
  private readonly frozen: ReadonlySet<Parameter>;
  private fresh = true;
  /** Whether parameters and their averages are swapped. */
  private exchanged = false;
  /** Updates known to have been skipped: they do not count for the bias correction of the optimizer. */
  private skipped = 0;

  constructor(
    options: LearnerOptions,
    update: Executable,
    own: Readonly<Record<string, Arena>>,
    scalars: (step: number, rate: number) => Record<string, number>,
    exchange: Executable | undefined,
  ) {
    const { machine, parameters } = options;
    this.options = options;
    this.update = update;
    this.exchange = exchange;
    this.own = own;
    this.scalars = scalars;
    const still = ([name]: readonly [string, Parameter]) => leavesParameters(optimizerOf(options.optimizer, name));
    this.frozen = new Set([...parameters.layout.names].filter(still).map(([, parameter]) => parameter));
    this.gradients = new Plans({
      machine,
      arenas: { ...parameters.arenas, ...own },
      record: (batch) => this.recordGradients(batch, options.recompute),
      ...(options.recompute === undefined && { sparing: (batch) => this.recordGradients(batch, PARTS) }),
    });
  }

  /** The plan that takes the gradient of batches of this shape. */
  plan(batch: Batch): Promise<Executable> {
    return this.gradients.of(batch);
  }

  /**
   * Makes update number `step` (from 1) from one batch, or from several whose gradients are added up, each weighed by its
   * share of all weights, in their order.
   */
  async learn(batches: readonly Batch[], step: number, rate: number): Promise<StepReading> {
    const all = batches.reduce((sum, batch) => sum + weightOf(batch), 0);
    let rows = 0;
    for (const batch of batches) {
      const plan = await this.gradients.ready(batch);
      this.addGradient(plan, step, { share: weightOf(batch) / all, firstExample: rows });
      rows += batch.rows;
    }
    this.applyUpdate(step, rate);
    return this.read();
  }

  /** Runs a plan of gradients, on inputs that have been written; the first one of an update has `firstExample` 0. */
  addGradient(plan: Executable, step: number, { share, firstExample }: { share: number; firstExample: number }): void {
    const { parameters, seed = 0, accumulates } = this.options;
    // An update would change the numbers and leave the 8 bits, which are what is saved.
    expectTrainable(parameters.layout);
    plan.run({
      ...plan.graph.randomScalars({ seed, update: step, firstExample }),
      ...(accumulates && { share, anew: firstExample === 0 ? 1 : 0 }),
    });
  }

  applyUpdate(step: number, rate: number): void {
    // A step that was skipped may be made again under its number, the first one too.
    this.update.run({ ...this.scalars(Math.max(1, step - this.skipped), rate), step, fresh: this.fresh ? 1 : 0 });
    this.fresh = false;
  }

  /**
   * Puts the averaged weights in the place of the parameters, or the weights back, which `learn` needs. Does nothing if no average is kept.
   */
  showAverage(shown: boolean): void {
    if (!this.exchange || shown === this.exchanged) return;
    this.exchange.run();
    this.exchanged = shown;
  }

  /** Reads the notes since the last reading. */
  async read(): Promise<StepReading> {
    const notes = await this.update.read(NOTES_ARENA);
    this.fresh = true;
    const reading = zipRecord(NOTES, notes) as unknown as StepReading;
    this.skipped = reading.skipped;
    return reading;
  }

  /** Copies of the gradients of the last update by name, before clipping; frozen parameters have none. */
  async readGradients(): Promise<Map<string, { shape: readonly number[]; data: Numbers }>> {
    const { parameters } = this.options;
    const { names } = parameters.layout;
    const all = await parameters.toTensors(this.own[SUM_ARENA] ?? this.own.gradients!);
    return new Map([...all].filter(([name]) => !this.frozen.has(names.get(name)!)));
  }

  /** Copies of all that learning changes: parameters, moments, carried states, notes. */
  async readTensors(): Promise<Map<string, NamedTensor>> {
    const { parameters } = this.options;
    const tensors = new Map<string, NamedTensor>();
    for (const arena of this.learned)
      for (const [name, tensor] of await parameters.toTensors(this.placeOf(arena)))
        tensors.set(`${arena}/${name}`, tensor);
    for (const [name, tensor] of await this.gradients.readStates()) tensors.set(`state/${name}`, tensor);
    tensors.set(NOTES_ARENA, { shape: [NOTES.length], data: await this.update.read(NOTES_ARENA) });
    return tensors;
  }

  /** Puts back what `readTensors` gave. @throws UsageError "missing-parameter", "unexpected-parameter"; ShapeError */
  async restoreTensors(tensors: ReadonlyMap<string, NamedTensor>): Promise<void> {
    const { parameters, machine } = this.options;
    const below = (prefix: string): Map<string, NamedTensor> => new Map(unprefixed(prefix, tensors));
    for (const arena of this.learned) parameters.loadTensors(below(`${arena}/`), { arena });
    this.exchanged = false;
    this.gradients.restoreStates(below("state/"));
    const notes = tensors.get(NOTES_ARENA);
    if (notes?.data.length === NOTES.length)
      machine.write(this.own[NOTES_ARENA]!, this.update.graph.outputs[NOTES_ARENA]!.range, notes.data);
    await this.read();
  }

  /** Arenas of parameters that updates change. */
  private get learned(): readonly string[] {
    const { optimizer, parameters } = this.options;
    return ["parameters", ...momentsOf(optimizer, parameters.layout).map(momentArena)];
  }

  /** The arena that currently holds the values of an arena: they may be swapped. */
  private placeOf(arena: string): string {
    const pair = ["parameters", momentArena(AVERAGE)];
    return this.exchanged && pair.includes(arena) ? pair[1 - pair.indexOf(arena)]! : arena;
  }

  /** Bytes that learning keeps on the machine, parameters and moments included. */
  get bytes(): number {
    const { parameters, machine } = this.options;
    const arenas = new Set([
      ...Object.values(parameters.arenas),
      ...Object.values(this.own),
      ...Object.values(this.update.arenas),
    ]);
    const elements = [...arenas].reduce((sum, { length }) => sum + length, this.gradients.elements);
    return elements * machine.limits.elementBytes;
  }

  /** Frees what belongs to learning; the parameters stay. */
  close(): void {
    this.gradients.close();
    this.update.close();
    this.exchange?.close();
    for (const arena of Object.values(this.own)) arena.close();
  }

  private recordGradients(batch: Batch, recompute: number | undefined): Graph {
    const { machine, parameters, accumulates } = this.options;
    const touched = !accumulates;
    const { frozen } = this;
    const graph = new Graph({ machine, parameters: parameters.layout, training: true, recompute, touched, frozen });
    const { loss: note } = reserveNotes(graph);
    const recorded = this.options.record(graph, batch);
    const loss = expectNumber("loss", recorded?.loss, recorded);
    const { penalty, carry } = recorded;
    const all = penalty ? [loss, expectNumber("penalty", penalty)] : [loss];
    // One of layers that are frozen changes nothing.
    const objectives = all.filter(({ differentiable }) => differentiable);
    if (objectives.length === 0)
      throw new UsageError(
        "not-differentiable",
        "record: loss: it depends on no parameter that is trained, so nothing would be learned; compute it from the layers of this model, without `stopGradient` on the way, and not from frozen parameters alone",
      );
    if (accumulates) {
      const share = graph.scalar("share");
      graph.backward(objectives.map((one) => [one, share] as const));
      const { length } = parameters.layout;
      const part = { arena: "gradients", offset: 0, length, type: "float" } as const;
      addUp(graph, { part, sum: graph.reserve(SUM_ARENA, length) });
      const weighted = graph.empty([]);
      const [l, s] = [variable("loss"), variable("share")];
      graph.launch(
        {
          op: "pointwise",
          shape: [1],
          inputs: { loss: [1], share: [1] },
          outputs: { weighted: { value: mul(l, s), strides: [1] } },
        },
        { loss: loss.range, share: share.range, weighted: weighted.range },
      );
      addUp(graph, { part: weighted.range, sum: note });
    } else {
      graph.backward(objectives.map((one) => [one, 1] as const));
      graph.copy(loss.range, note);
    }
    carryStates(graph, carry);
    return graph;
  }
}

/** Swaps parameters and their averages: both are read before either is written. */
function exchangeOf({ machine, parameters: { layout } }: LearnerOptions): Graph {
  const graph = new Graph({ machine, parameters: layout });
  const p = { arena: "parameters", offset: 0, length: layout.length, type: "float" } as const;
  const mean = graph.reserve(momentArena(AVERAGE), layout.length);
  const write = (name: string) => ({ value: variable(name), strides: [1] });
  graph.launch(
    {
      ...{ op: "pointwise", shape: [layout.length], inputs: { p: [1], mean: [1] } },
      outputs: { "new p": write("mean"), "new mean": write("p") },
    },
    { p, mean, "new p": p, "new mean": mean },
  );
  return graph;
}

/** `sum = part` for the first batch of an update, `sum = sum + part` for the others. */
function addUp(graph: Graph, ranges: { readonly part: Tensor["range"]; readonly sum: Tensor["range"] }): void {
  const [part, sum, anew] = [variable("part"), variable("sum"), variable("anew")];
  graph.launch(
    {
      op: "pointwise",
      shape: [ranges.part.length],
      inputs: { part: [1], sum: [1], anew: [0] },
      outputs: { out: { value: select(equal(anew, 1), part, add(sum, part)), strides: [1] } },
    },
    { ...ranges, anew: graph.scalar("anew").range, out: ranges.sum },
  );
}

/**
 * Refuses a model whose parameters, gradients and moments do not fit into the machine, before anything is allocated.
 * @throws FailureError "out-of-memory"
 */
export function expectRoom(
  machine: Machine,
  layout: ParameterLayout,
  optimizer: OptimizerChoice,
  accumulates: boolean,
): void {
  const { bytes, elementBytes } = machine.limits;
  const moments = momentsOf(optimizer, layout).length;
  const copies = 2 + moments + (accumulates ? 1 : 0);
  const needed = layout.length * elementBytes * copies;
  if (needed <= bytes) return;
  const count = layout.length.toLocaleString("en-US");
  throw new FailureError(
    "out-of-memory",
    `a model of ${count} parameters needs ${formatBytes(needed)} to be trained (parameters, gradients${accumulates ? ", their sum" : ""} and ${moments} moments of the optimizer), the machine has ${formatBytes(bytes)}: lower hiddenSize, embeddingSize, numLayers or the size of the vocabulary`,
  );
}
