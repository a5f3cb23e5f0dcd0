import type { Machine, Numbers } from "../../compute/machine.ts";
import { describe, expectOneOf, ShapeError, UsageError } from "../../shared/errors.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import { compile, type Executable } from "../../tensor/executable.ts";
import { Graph } from "../../tensor/graph.ts";
import { layoutParameters } from "../../tensor/parameter.ts";
import { createParameters, type NamedTensor, type ParameterStore } from "../../tensor/parameter-store.ts";
import type { CanonicalInput, CanonicalModel } from "../canonical.ts";
import { Network } from "./network.ts";

/** Numbers with their shape, row-major. */
export interface NetworkArray {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

export interface NetworkRunOptions {
  /** State before the first step, `NODE.STATE`, each [B, W]; one left out is zero, or carried in a stateful layer. */
  readonly state?: Readonly<Record<string, NamedTensor>>;
  /** Named values of the cells to write out, e.g. ["i", "f", "c"]. */
  readonly trace?: readonly string[];
}

export interface NetworkResult {
  readonly outputs: Readonly<Record<string, NetworkArray>>;
  /** State after the last step; give it to the next run to go on from there. */
  readonly state: Readonly<Record<string, NetworkArray>>;
  readonly traces: Readonly<Record<string, NetworkArray>>;
}

export interface OpenNetworkOptions {
  readonly machine: Machine;
  /** Plans for other shapes that are kept; the one that was not used for the longest time goes. Default 8. */
  readonly plans?: number;
}

/**
 * Opens a canonical model on a machine.
 *
 * @example
 * ```ts
 * const { model } = await readKeras("model.keras");
 * const program = await openNetwork(model, { machine });
 * const { outputs, state } = await program.run({ input: { shape: [1, 12, 24], data } });
 * ```
 * @throws what `Network` throws
 */
export async function openNetwork(model: CanonicalModel, options: OpenNetworkOptions): Promise<NetworkProgram> {
  const network = new Network(model);
  const parameters = await createParameters({
    machine: options.machine,
    layout: layoutParameters(network),
    initialize: false,
  });
  network.load(parameters);
  return new NetworkProgram(network, parameters, options);
}

/** A canonical model that runs on named arrays. For every set of shapes a plan is recorded once and kept. */
export class NetworkProgram {
  readonly network: Network;
  /** May be changed between runs, as by training. */
  readonly parameters: ParameterStore;
  private readonly limit: number;
  private readonly plans = new Map<string, Executable>();
  private carried: Readonly<Record<string, NetworkArray>> = {};
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(network: Network, parameters: ParameterStore, options: OpenNetworkOptions) {
    this.network = network;
    this.parameters = parameters;
    this.limit = options.plans ?? 8;
  }

  get inputs(): readonly CanonicalInput[] {
    return this.network.model.inputs;
  }
  get outputs(): readonly string[] {
    return this.network.model.outputs.map(({ name }) => name);
  }

  /**
   * Runs the model. Every input must be given, its batch first.
   *
   * @throws UsageError "missing-input", "unknown-state", "out-of-range"; ShapeError "shape-mismatch"
   */
  run(inputs: Readonly<Record<string, NamedTensor>>, options: NetworkRunOptions = {}): Promise<NetworkResult> {
    const result = this.queue.then(() => this.runNow(inputs, options));
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Forgets the states that stateful layers carry. */
  reset(): void {
    this.carried = {};
  }

  /** Frees all plans and the parameters. */
  close(): void {
    this.closed = true;
    for (const executable of this.plans.values()) executable.close();
    this.plans.clear();
    this.parameters.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private async runNow(
    inputs: Readonly<Record<string, NamedTensor>>,
    { state = {}, trace = [] }: NetworkRunOptions,
  ): Promise<NetworkResult> {
    if (this.closed) throw new UsageError("closed", "this program was closed and cannot be used any more");
    for (const name of Object.keys(inputs))
      expectOneOf(
        "inputs",
        name,
        this.inputs.map((port) => port.name),
      );
    for (const input of this.inputs)
      expectInput(input, Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined);
    const before = { ...this.carried, ...state };
    const executable = await this.planFor(inputs, Object.keys(before), trace);
    for (const { name } of this.inputs) executable.write(name, inputs[name]!.data);
    for (const [name, { data }] of Object.entries(before)) executable.write(`initial ${name}`, data);
    executable.run();
    const read = async (prefix: string): Promise<Record<string, NetworkArray>> => {
      const found: Record<string, NetworkArray> = {};
      for (const name of Object.keys(executable.graph.outputs))
        if (name.startsWith(prefix))
          found[name.slice(prefix.length)] = { shape: executable.shape(name), data: await executable.read(name) };
      return found;
    };
    const result = { outputs: await read("output "), state: await read("final "), traces: await read("trace ") };
    this.carried = Object.fromEntries(
      Object.keys(this.network.carried).map((name): [string, NetworkArray] => [name, result.state[name]!]),
    );
    return result;
  }

  private async planFor(
    inputs: Readonly<Record<string, NamedTensor>>,
    states: readonly string[],
    trace: readonly string[],
  ): Promise<Executable> {
    const key = JSON.stringify([this.inputs.map(({ name }) => inputs[name]!.shape), states, trace]);
    const found = this.plans.get(key);
    if (found) this.plans.delete(key);
    const executable = found ?? (await this.record(inputs, states, trace));
    this.plans.set(key, executable);
    for (const [oldest, plan] of this.plans) {
      if (this.plans.size <= this.limit) break;
      this.plans.delete(oldest);
      plan.close();
    }
    return executable;
  }

  private async record(
    inputs: Readonly<Record<string, NamedTensor>>,
    states: readonly string[],
    trace: readonly string[],
  ): Promise<Executable> {
    const { machine, layout, arenas } = this.parameters;
    const graph = new Graph({ machine, parameters: layout });
    const tensors = Object.fromEntries(
      this.inputs.map(({ name, type }) => [name, graph.input(name, inputs[name]!.shape, { type })]),
    );
    const batch = inputs[this.inputs[0]!.name]!.shape[0]!;
    const widths = this.network.states;
    const initial = Object.fromEntries(
      states.map((name) => [name, graph.input(`initial ${name}`, [batch, widths[name] ?? 0])]),
    );
    const { outputs, final, traces } = this.network.forward(tensors, { initial, trace });
    const all = [
      ["output ", outputs],
      ["final ", final],
      ["trace ", traces],
    ] as const;
    for (const [prefix, values] of all)
      for (const [name, tensor] of Object.entries(values)) graph.output(prefix + name, tensor);
    return compile(graph, { machine, arenas });
  }
}

function expectInput({ name, shape }: CanonicalInput, given: NamedTensor | undefined): void {
  const wanted = formatShape(["B", ...shape.map((n) => n ?? "?")]);
  if (!given || !Array.isArray(given.shape))
    throw new UsageError(
      "missing-input",
      `input "${name}": expected { shape, data } of shape ${wanted}, got ${describe(given)}`,
    );
  const fits =
    given.shape.length === shape.length + 1 && shape.every((n, axis) => n === null || n === given.shape[axis + 1]);
  if (!fits || size(given.shape) !== given.data.length)
    throw new ShapeError(
      "shape-mismatch",
      `input "${name}": expected shape ${wanted}, got ${formatShape(given.shape)} with ${given.data.length} numbers`,
    );
}
