import type { Arena, Machine } from "../compute/machine.ts";
import { type Batch, expectBatch } from "../data/batch-source.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { formatShape, sameShape } from "../shared/shapes.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import type { Graph } from "../tensor/graph.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";

export interface PlansOptions {
  readonly machine: Machine;
  /** Arenas shared by all plans, such as the parameters. */
  readonly arenas: Readonly<Record<string, Arena>>;
  /** Records the computation for batches of the shape that this one has. */
  readonly record: (batch: Batch) => Graph;
  /** Records the same computation in less memory, for batches that do not fit otherwise. */
  readonly sparing?: (batch: Batch) => Graph;
}

/**
 * Plans of one computation, one for each shape of batch, compiled when the shape first occurs. They share parameters, carried states
 * (plans that declare the same ones) and scratch memory, so that another shape costs little more than its code.
 */
export class Plans {
  private readonly options: PlansOptions;
  private readonly plans = new Map<string, Executable>();
  /** One arena and one plan that uses it for each set of states. */
  private readonly states = new Map<string, { readonly arena: Arena; readonly plan: Executable }>();
  private readonly scratch: Arena[] = [];
  /** Restored states whose plan does not exist yet. */
  private waiting: ReadonlyMap<string, NamedTensor> = new Map();

  constructor(options: PlansOptions) {
    this.options = options;
  }

  /** The plan for the shape of a batch, with the numbers of the batch written to its inputs. */
  async ready(batch: Batch): Promise<Executable> {
    const plan = await this.of(batch);
    const missing = Object.keys(plan.graph.inputs).filter((name) => !Object.hasOwn(batch.inputs, name));
    if (missing.length > 0)
      throw new UsageError(
        "missing-input",
        `batch: its inputs lack ${missing.join(", ")}; the model reads ${Object.keys(plan.graph.inputs).join(", ")}`,
      );
    for (const name of Object.keys(batch.inputs)) plan.write(name, batch.inputs[name]!);
    if (batch.first) this.zeroStates();
    return plan;
  }

  /** The plan for the shape of a batch. */
  async of(batch: Batch): Promise<Executable> {
    expectBatch(batch);
    const key = shapeOf(batch);
    let plan = this.plans.get(key);
    if (!plan) {
      plan = await this.open(batch);
      this.plans.set(key, plan);
    }
    return plan;
  }

  zeroStates(): void {
    this.waiting = new Map();
    for (const { plan } of this.states.values()) plan.zeroState();
  }

  /** Copies of all carried states. */
  async readStates(): Promise<Map<string, NamedTensor>> {
    const tensors = new Map<string, NamedTensor>(this.waiting);
    for (const [signature, { plan }] of this.states)
      for (const [name, data] of Object.entries(await plan.readAll(Object.keys(plan.graph.states))))
        tensors.set(`${signature}/${name}`, { shape: plan.shape(name), data });
    return tensors;
  }

  /** Writes states as `readStates` gave them, also those of plans that are not made yet. */
  restoreStates(tensors: ReadonlyMap<string, NamedTensor>): void {
    this.waiting = tensors;
    for (const [signature, { plan }] of this.states) this.restore(signature, plan);
  }

  /** Elements of the machine's memory that the plans take, without the arenas that were given. */
  get elements(): number {
    const own = new Set<Arena>();
    for (const plan of this.plans.values()) for (const arena of Object.values(plan.arenas)) own.add(arena);
    for (const arena of Object.values(this.options.arenas)) own.delete(arena);
    return [...own].reduce((sum, arena) => sum + arena.length, 0);
  }

  close(): void {
    for (const plan of [...this.plans.values()].reverse()) plan.close();
    for (const { arena } of this.states.values()) arena.close();
    for (const arena of this.scratch) arena.close();
    this.plans.clear();
    this.states.clear();
    this.scratch.length = 0;
  }

  private async open(batch: Batch): Promise<Executable> {
    const { record, sparing } = this.options;
    try {
      return await this.prepare(record(batch));
    } catch (error) {
      if (!sparing || !(error instanceof FailureError) || error.code !== "out-of-memory") throw error;
      return this.prepare(sparing(batch));
    }
  }

  private async prepare(graph: Graph): Promise<Executable> {
    const { machine, arenas } = this.options;
    const needed = graph.finish().arenas;
    const signature = signatureOf(graph);
    const known = this.states.get(signature);
    const state = known?.arena ?? (needed.state ? machine.arena("state", needed.state) : undefined);
    const before = this.scratch.length;
    try {
      const activations = this.scratchOf(needed.activations ?? 0);
      const shared = { ...(activations && { activations }), ...(state && { state }) };
      const plan = await compile(graph, { machine, arenas: { ...arenas, ...shared } });
      if (state && !known) {
        this.states.set(signature, { arena: state, plan });
        this.restore(signature, plan);
      }
      return plan;
    } catch (error) {
      if (!known) state?.close();
      for (const arena of this.scratch.splice(before)) arena.close();
      throw error;
    }
  }

  /** Scratch memory keeps nothing between runs, so one arena serves all plans that are not larger. */
  private scratchOf(length: number): Arena | undefined {
    if (length === 0) return undefined;
    let arena = this.scratch.find((one) => one.length >= length);
    if (!arena) {
      arena = this.options.machine.arena("activations", length);
      this.scratch.push(arena);
    }
    return arena;
  }

  private restore(signature: string, plan: Executable): void {
    const rest = new Map(this.waiting);
    for (const [name, { shape }] of Object.entries(plan.graph.states)) {
      const key = `${signature}/${name}`;
      const tensor = rest.get(key);
      if (!tensor) continue;
      if (!sameShape(tensor.shape, shape))
        throw new UsageError(
          "shape-mismatch",
          `state "${name}": expected shape ${formatShape(shape)}, got ${formatShape(tensor.shape)}`,
        );
      plan.writeState(name, tensor.data);
      rest.delete(key);
    }
    this.waiting = rest;
  }
}

const shapeOf = ({ rows, steps = 1, inputs }: Batch): string =>
  JSON.stringify([rows, steps, Object.keys(inputs).map((name) => [name, inputs[name]!.length])]);

/** Plans with the same states in the same order share them. */
const signatureOf = (graph: Graph): string =>
  Object.entries(graph.states)
    .map(([name, { shape }]) => `${name}[${shape}]`)
    .join("+");
