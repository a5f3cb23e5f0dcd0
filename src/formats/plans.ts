import type { Arena, Numbers } from "../compute/machine.ts";
import { HeldValues } from "../layers/held-values.ts";
import { expectOneOf, FailureError, UsageError } from "../shared/errors.ts";
import { formatBytes, formatShape, size } from "../shared/shapes.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { type DataType, isFloat } from "./data-type.ts";
import type { ModelPort, RecordOutput, Runnable, StatePair, TraceRequest } from "./runnable.ts";
import type { SharedWeights } from "./shared-weights.ts";
import { type HostValue, isHost, tensorOf, type Value } from "./value.ts";

/** Numbers with their shape, row-major. */
export interface ModelArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}
/** An array that a model returned. */
export interface ModelResult extends ModelArray {
  readonly type: DataType;
  readonly data: Numbers;
}

/** Thrown where a number must be known while a plan is recorded but depends on the inputs. */
export class NeededOnHost extends UsageError {}

/** One plan with what was known already when it was recorded. */
export interface RecordedPlan {
  readonly executable: Executable;
  readonly known: ReadonlyMap<string, HostValue>;
  readonly types: ReadonlyMap<string, DataType>;
  /** What is traced, by name; also `trace.NAME` among the outputs. */
  readonly traces: ReadonlyMap<string, Tensor>;
  /** Where values can be held: what is written for it. */
  readonly held: HeldValues | undefined;
  readonly generation: number;
}

export interface PlansOptions {
  readonly runnable: Runnable;
  readonly weights: SharedWeights;
  /** Plans for other shapes that are kept; the one that was not used for the longest time goes. */
  readonly limit: number;
  readonly trace?: TracePlan;
  /** Inputs that stay on the machine from run to run, with their shapes. */
  readonly states?: readonly (StatePair & { readonly shape: readonly number[] })[];
  readonly stateArena?: Arena;
}

/** What a plan writes out beside its outputs. */
export interface TracePlan extends Omit<TraceRequest, "hold"> {
  /** Whether values can be held. */
  readonly holds: boolean;
  /** Outputs whose gradients are given to a run, as inputs `seed.OUTPUT` of the graph. */
  readonly seeds: readonly string[];
  readonly maxBytes: number;
}

/** A whole-number input of no more elements may decide over branches and shapes. */
const MAXIMUM_DECIDING = 64;

type Arrays = Readonly<Record<string, ModelArray>>;

/** For every set of input shapes a plan is recorded once and kept. */
export class Plans {
  private readonly options: PlansOptions;
  private readonly ports: readonly ModelPort[];
  private readonly plans = new Map<string, RecordedPlan>();
  /** Inputs whose numbers, not only shapes, a plan is recorded for. */
  private readonly deciding = new Set<string>();

  constructor(options: PlansOptions) {
    this.options = options;
    const held = new Set(options.states?.map((s) => s.input));
    this.ports = options.runnable.inputs.filter(({ name }) => !held.has(name));
  }

  async planFor(inputs: Arrays): Promise<RecordedPlan> {
    await this.options.weights.notice();
    const key = this.keyOf(inputs);
    const found = this.plans.get(key);
    if (found?.generation === this.options.weights.generation) {
      this.plans.delete(key);
      this.plans.set(key, found);
      return found;
    }
    found?.executable.close();
    const recorded = await this.record(inputs);
    // Recording may find out that more decides what is recorded.
    this.plans.set(this.keyOf(inputs), recorded);
    for (const [oldest, plan] of this.plans) {
      if (this.plans.size <= this.options.limit) break;
      this.plans.delete(oldest);
      plan.executable.close();
    }
    return recorded;
  }

  close(): void {
    for (const { executable } of this.plans.values()) executable.close();
    this.plans.clear();
  }

  private keyOf(inputs: Arrays): string {
    return JSON.stringify(
      this.givenOf(inputs).map(({ port: { name }, array: { shape, data } }) => [
        name,
        shape,
        this.deciding.has(name) ? Array.from(data) : null,
      ]),
    );
  }

  /** An optional input that is left out is no part of a plan. */
  private givenOf(inputs: Arrays): readonly { readonly port: ModelPort; readonly array: ModelArray }[] {
    return this.ports.flatMap((port) => (inputs[port.name] ? [{ port, array: inputs[port.name]! }] : []));
  }

  private async record(inputs: Arrays): Promise<RecordedPlan> {
    const { runnable, weights, states = [], stateArena, trace } = this.options;
    const graph = new Graph({ machine: weights.machine, parameters: weights.layout });
    const values = new Map(
      this.givenOf(inputs).map(({ port, array }) => [port.name, this.inputValue(graph, port, array)]),
    );
    const kept = states.map(({ input, shape }) => ({ input, tensor: graph.state(input, shape) }));
    for (const { input, tensor } of kept) values.set(input, { type: "float32", shape: tensor.shape, tensor });
    const held = trace?.holds ? new HeldValues(graph) : undefined;
    const asked = trace && { ...trace, hold: held?.hold };
    let made: ReturnType<Runnable["record"]>;
    try {
      made = runnable.record({ graph, inputs: values, pieces: states.length > 0, trace: asked, forms: weights.forms });
    } catch (error) {
      if (!(error instanceof NeededOnHost) || !this.decideBy(inputs)) throw error;
      return this.record(inputs);
    }
    const known = new Map<string, HostValue>();
    const types = new Map<string, DataType>();
    for (const [name, value] of made.outputs) {
      types.set(name, value.type);
      const carried = states.some((s) => s.output === name);
      if (isHost(value) && !carried) known.set(name, value);
      else graph.output(name, tensorOf(graph, value));
    }
    if (trace) this.recordTrace(graph, trace, made);
    carry(graph, states);
    const arenas = { ...weights.arenas(), ...(stateArena && { state: stateArena }) };
    const { generation } = weights;
    const executable = await compile(graph, { machine: weights.machine, arenas });
    return { executable, known, types, traces: made.traces, held, generation };
  }

  private recordTrace(graph: Graph, trace: TracePlan, { outputs, traces, traceable }: RecordOutput): void {
    for (const name of trace.names ?? []) expectOneOf("names", name, [...traceable]);
    const elements = [...traces.values()].reduce((n, { shape }) => n + size(shape), 0);
    const needed = elements * graph.machine.limits.elementBytes * (trace.gradients ? 2 : 1);
    if (needed > trace.maxBytes)
      throw new FailureError(
        "trace-too-large",
        `this trace needs ${formatBytes(needed)}, more than maxBytes, ${formatBytes(trace.maxBytes)}: ask for fewer names or give fewer steps`,
      );
    for (const [name, tensor] of traces) graph.output(`trace.${name}`, tensor);
    if (!trace.gradients) return;
    graph.backward(
      trace.seeds.map((name) => {
        const value = outputs.get(name)!;
        if (isHost(value) || !value.tensor.differentiable)
          throw new UsageError(
            "not-differentiable",
            `outputGradients.${name}: this output has no gradient: it depends on no numbers but weights, token numbers and shapes`,
          );
        return [value.tensor, graph.input(`seed.${name}`, value.shape)] as const;
      }),
    );
  }

  /** When an operator needs numbers at once, all small whole-number inputs become part of what a plan is made for. */
  private decideBy(inputs: Arrays): boolean {
    const before = this.deciding.size;
    for (const { port, array } of this.givenOf(inputs))
      if (port.type && !isFloat(port.type) && array.data.length <= MAXIMUM_DECIDING) this.deciding.add(port.name);
    return this.deciding.size > before;
  }

  private inputValue(graph: Graph, { name, type = "float32" }: ModelPort, { shape, data }: ModelArray): Value {
    if (this.deciding.has(name)) return { type, shape, data: Float64Array.from(data), constant: false };
    const float = isFloat(type);
    const differentiable = float && this.options.trace?.gradients === true;
    const tensor = graph.input(name, shape, { type: float ? "float" : "int", differentiable });
    return { type, shape, tensor };
  }
}

/** What the outputs say becomes the state of the next run; one that is another state is set aside first. */
function carry(graph: Graph, states: NonNullable<PlansOptions["states"]>): void {
  const moves = states.map(({ input, output, shape }) => {
    const from = graph.outputs[output]!;
    if (from.range.length !== size(shape))
      throw new UsageError(
        "bad-state",
        `output "${output}" has shape ${formatShape(from.shape)} and cannot be the state "${input}" of shape ${formatShape(shape)}`,
      );
    return { from, to: graph.states[input]! };
  });
  const aside = (tensor: Tensor): Tensor => {
    if (tensor.range.arena !== "state") return tensor;
    const copy = graph.empty(tensor.shape);
    graph.copy(tensor.range, copy.range);
    return copy;
  };
  for (const { from, to } of moves.map(({ from, to }) => ({ from: aside(from), to }))) graph.copy(from.range, to.range);
}
