import type { Machine } from "../../compute/machine.ts";
import { describe, expectOneOf, ShapeError, UsageError } from "../../shared/errors.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import { compile, type Executable } from "../../tensor/executable.ts";
import { Graph } from "../../tensor/graph.ts";
import type { ParameterStore } from "../../tensor/parameter-store.ts";
import { type OnnxModel, type OnnxPort, readOnnx } from "./model.ts";
import { NeededOnHost } from "./node.ts";
import { expectSupported, recordGraph } from "./record.ts";
import { Recorder } from "./recorder.ts";
import { type DataType, isFloat } from "./tensor-data.ts";
import { type HostValue, hostValue, isHost, type Value } from "./value.ts";
import { OnnxWeights } from "./weights.ts";

/** Numbers with their shape, row-major. */
export interface OnnxArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}
export interface OnnxResult extends OnnxArray {
  readonly type: DataType;
}

export interface OpenOnnxOptions {
  readonly machine: Machine;
  /** Plans for other shapes that are kept; the one that was not used for the longest time goes. Default 8. */
  readonly plans?: number;
}

/** A whole-number input of no more elements may decide over branches and shapes. */
const MAXIMUM_DECIDING = 64;

interface Recorded {
  readonly executable: Executable;
  /** Outputs that were known already when the plan was recorded. */
  readonly known: ReadonlyMap<string, HostValue>;
  readonly types: ReadonlyMap<string, DataType>;
}

/**
 * Opens an ONNX model on a machine, from its bytes or as `readOnnx` gave it.
 *
 * @example
 * ```ts
 * const program = openOnnx(bytes, { machine });
 * const { output, stateN } = await program.run({ input, state, sr });
 * ```
 * @throws UsageError "unsupported-onnx" that names the node; FailureError "damaged-onnx"
 */
export function openOnnx(model: OnnxModel | Uint8Array, options: OpenOnnxOptions): OnnxProgram {
  const read = model instanceof Uint8Array ? readOnnx(model) : model;
  expectSupported(read);
  return new OnnxProgram(read, options);
}

/**
 * An ONNX model that runs on named arrays. For every set of input shapes a plan is recorded once and kept; arithmetic on
 * shapes is done then. Whole numbers reach the machine as float32 where they are computed with, exact up to 2^24.
 */
export class OnnxProgram {
  readonly model: OnnxModel;
  readonly machine: Machine;
  private readonly limit: number;
  private readonly weights = new OnnxWeights();
  private store: ParameterStore | undefined;
  private readonly plans = new Map<string, Recorded>();
  /** Inputs whose numbers, not only shapes, a plan is recorded for. */
  private readonly deciding = new Set<string>();
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(model: OnnxModel, options: OpenOnnxOptions) {
    this.model = model;
    this.machine = options.machine;
    this.limit = options.plans ?? 8;
  }

  get inputs(): readonly OnnxPort[] {
    return this.model.graph.inputs;
  }
  get outputs(): readonly OnnxPort[] {
    return this.model.graph.outputs;
  }

  /**
   * Runs the model. Every input must be given; a state is an input and comes back as an output.
   *
   * @throws UsageError "missing-input", "unsupported-onnx", "out-of-range"; ShapeError "shape-mismatch"
   */
  run(inputs: Readonly<Record<string, OnnxArray>>): Promise<Record<string, OnnxResult>> {
    const result = this.queue.then(() => this.runNow(inputs));
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Frees all plans and the weights. */
  close(): void {
    this.closed = true;
    for (const { executable } of this.plans.values()) executable.close();
    this.plans.clear();
    this.store?.close();
    this.store = undefined;
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private async runNow(inputs: Readonly<Record<string, OnnxArray>>): Promise<Record<string, OnnxResult>> {
    if (this.closed) throw new UsageError("closed", "this program was closed and cannot be used any more");
    this.check(inputs);
    const { executable, known, types } = await this.planFor(inputs);
    for (const name of Object.keys(executable.graph.inputs)) executable.write(name, inputs[name]!.data);
    executable.run();
    const results: Record<string, OnnxResult> = {};
    for (const { name } of this.outputs) {
      const host = known.get(name);
      results[name] = host
        ? { type: host.type, shape: host.shape, data: host.data }
        : { type: types.get(name)!, shape: executable.shape(name), data: await executable.read(name) };
    }
    return results;
  }

  private check(inputs: Readonly<Record<string, OnnxArray>>): void {
    const names = this.inputs.map((port) => port.name);
    for (const name of Object.keys(inputs)) expectOneOf("inputs", name, names);
    for (const port of this.inputs) {
      const given = Object.hasOwn(inputs, port.name) ? inputs[port.name] : undefined;
      if (!given || !Array.isArray(given.shape))
        throw new UsageError(
          "missing-input",
          `input "${port.name}": expected { shape, data } of shape ${portShape(port)}, got ${describe(given)}`,
        );
      const { shape, data } = given;
      const fits =
        port.shape === undefined ||
        (port.shape.length === shape.length &&
          port.shape.every((n, axis) => typeof n !== "number" || n === shape[axis]));
      if (!fits || size(shape) !== data.length)
        throw new ShapeError(
          "shape-mismatch",
          `input "${port.name}": expected shape ${portShape(port)}, got ${formatShape(shape)} with ${data.length} numbers`,
        );
    }
  }

  private async planFor(inputs: Readonly<Record<string, OnnxArray>>): Promise<Recorded> {
    const keyOf = (): string =>
      JSON.stringify(
        this.inputs.map(({ name }) => [
          inputs[name]!.shape,
          this.deciding.has(name) ? Array.from(inputs[name]!.data) : null,
        ]),
      );
    const key = keyOf();
    const found = this.plans.get(key);
    if (found) {
      this.plans.delete(key);
      this.plans.set(key, found);
      return found;
    }
    const recorded = await this.record(inputs);
    this.plans.set(keyOf(), recorded);
    for (const [oldest, plan] of this.plans) {
      if (this.plans.size <= this.limit) break;
      this.plans.delete(oldest);
      plan.executable.close();
    }
    return recorded;
  }

  private async record(inputs: Readonly<Record<string, OnnxArray>>): Promise<Recorded> {
    const graph = new Graph({ machine: this.machine, parameters: this.weights });
    const recorder = new Recorder(graph, this.weights);
    const values = new Map(this.inputs.map((port) => [port.name, this.inputValue(graph, port, inputs[port.name]!)]));
    let outputs: readonly Value[];
    try {
      outputs = recordGraph(this.model, recorder, values);
    } catch (error) {
      if (!(error instanceof NeededOnHost) || !this.decideBy(inputs)) throw error;
      return this.record(inputs);
    }
    const known = new Map<string, HostValue>();
    const types = new Map<string, DataType>();
    this.outputs.forEach(({ name }, k) => {
      const value = outputs[k]!;
      types.set(name, value.type);
      if (isHost(value)) known.set(name, value);
      else graph.output(name, value.tensor);
    });
    return { executable: await this.compile(graph), known, types };
  }

  /** When an operator needs numbers at once, all small whole-number inputs become part of what a plan is made for. */
  private decideBy(inputs: Readonly<Record<string, OnnxArray>>): boolean {
    const before = this.deciding.size;
    for (const { name, type } of this.inputs)
      if (type && !isFloat(type) && inputs[name]!.data.length <= MAXIMUM_DECIDING) this.deciding.add(name);
    return this.deciding.size > before;
  }

  private inputValue(graph: Graph, { name, type = "float32" }: OnnxPort, { shape, data }: OnnxArray): Value {
    if (this.deciding.has(name)) return hostValue(type, shape, Float64Array.from(data), { constant: false });
    const tensor = graph.input(name, shape, { type: isFloat(type) ? "float" : "int" });
    return { type, shape, tensor };
  }

  /** All plans share one store of weights; when a new plan has found more of them, it is made anew and the others go. */
  private async compile(graph: Graph): Promise<Executable> {
    if (!this.store || this.store.layout.length < this.weights.length) {
      const old = this.store;
      this.store = await this.weights.store(this.machine, old);
      for (const { executable } of this.plans.values()) executable.close();
      this.plans.clear();
      old?.close();
    }
    return compile(graph, { machine: this.machine, arenas: this.store.arenas });
  }
}

const portShape = ({ shape }: OnnxPort): string => (shape ? formatShape(shape.map((n) => n ?? "?")) : "any");
