import type { Machine } from "../compute/machine.ts";
import type { HeldPlace } from "../layers/held-values.ts";
import { Closing } from "../shared/closing.ts";
import { expectInteger, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { formatShape, size } from "../shared/shapes.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { JointSteps } from "./joint-steps.ts";
import { completed, expectNamed, withOptional } from "./model-inputs.ts";
import { type ModelArray, type ModelResult, Plans } from "./plans.ts";
import { ProgramSession, type ProgramSessionOptions, type SessionContext } from "./program-session.ts";
import { replay } from "./replay.ts";
import type { ModelPort, Runnable, StatePair } from "./runnable.ts";
import { SessionPlans } from "./session-plans.ts";
import { sessionPorts } from "./session-ports.ts";
import { SharedWeights } from "./shared-weights.ts";
import { tensorOf, type Value } from "./value.ts";

/** Options of opening a model. */
export interface ProgramOptions {
  readonly machine: Machine;
  /** Number of plans for other shapes to keep; the least recently used is dropped. Default 8. */
  readonly plans?: number | undefined;
}

/** Options of `Program.trace`. */
export interface ProgramTraceOptions {
  /**
   * Names of cell values such as "f", "c" or "pre.f" (the pre-activation of the forget gate); layers whose cell lacks a name are left
   * out. Default: all values that the cells name.
   */
  readonly names?: readonly string[] | undefined;
  /** Whether to return ∂L/∂value too, for L = Σ output · `outputGradients`. Default false. */
  readonly gradients?: boolean | undefined;
  /** For gradients: ∂L/∂output by the name of the output. Outputs left out have the gradient 0. */
  readonly outputGradients?: Readonly<Record<string, ArrayLike<number>>> | undefined;
  /**
   * Values to replace by numbers, by the names of the trace: `{ name: "lstm.h", unit: 3 }` ablates a unit, `{ name: "lstm.f", value: 1
   * }` holds all forget gates open. One plan serves all; pass an empty list for the unchanged model.
   */
  readonly hold?: readonly HeldPlace[] | undefined;
  /** Maximum size of the trace in bytes. Default 512 MiB. */
  readonly maxBytes?: number | undefined;
}

/** What `Program.trace` gives. */
export interface ProgramTrace {
  /** The outputs of the run. */
  readonly outputs: Readonly<Record<string, ModelResult>>;
  /** `LAYER.VALUE` ("lstm.f", "encoder.c_reverse") → [T, B, H]: every named value of the cell at every step. */
  readonly values: Readonly<Record<string, ModelResult>>;
  /** ∂L/∂value under the same names; empty unless asked for. */
  readonly gradients: Readonly<Record<string, ModelResult>>;
}

type Arrays = Readonly<Record<string, ModelArray>>;
type Results = Record<string, ModelResult>;

/**
 * A model on a machine that runs on named arrays, whatever its format. A plan is recorded for each set of input shapes and kept.
 * Integers are computed with as float32, exact up to 2^24.
 */
export class Program extends Closing {
  readonly machine: Machine;
  private readonly runnable: Runnable;
  private readonly limit: number;
  private readonly weights: SharedWeights;
  private readonly plans: Plans;
  private readonly sessions = new Set<ProgramSession>();
  private readonly context: SessionContext;
  /** By batch size. */
  private readonly sessionPlans = new Map<number, SessionPlans>();
  private tracing: { readonly key: string; readonly plans: Plans } | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(runnable: Runnable, { machine, plans = 8 }: ProgramOptions) {
    super();
    this.runnable = runnable;
    this.machine = machine;
    this.limit = expectInteger("plans", plans, { min: 1 });
    this.weights = new SharedWeights(runnable, machine);
    this.plans = new Plans({ runnable, weights: this.weights, limit: plans });
    const shared = {
      ports: sessionPorts(runnable),
      inTurn: <T>(work: () => Promise<T>) => this.inTurn(work),
      plansOf: (batchSize: number) => this.plansOf(batchSize),
    };
    this.context = { ...shared, sessions: this.sessions, joint: new JointSteps(runnable, shared) };
  }

  /** Inputs of `run`, including states. */
  get inputs(): readonly ModelPort[] {
    return this.runnable.inputs;
  }
  get outputs(): readonly ModelPort[] {
    return this.runnable.outputs;
  }
  /** Which inputs take the next value of which outputs: see `openSession`. */
  get states(): readonly StatePair[] {
    return this.runnable.states;
  }

  /**
   * Runs the model. All inputs must be given except `optional` ones; a state is an input and is returned as an output.
   * @throws UsageError "missing-input", "unknown-choice", "out-of-range", "unsupported-onnx"; ShapeError "shape-mismatch"
   */
  run(inputs: Arrays): Promise<Results> {
    return this.inTurn(async () => {
      const given = completed(this.runnable, inputs);
      const plan = await this.plans.planFor(given);
      return replay(plan, this.outputs, given);
    });
  }

  /**
   * Runs the model and returns the gates and states of its recurrent layers at every step, optionally with their gradients.
   * @example
   * ```ts
   * const { values, gradients } = await model.trace({ input }, { gradients: true, outputGradients: { output: onlyTheLast } });
   * ```
   * @throws what `run` throws; UsageError "unknown-choice" for a name that no cell has or a place that cannot be held, "missing-output-gradients"; ShapeError
   *   "shape-mismatch" for a gradient of another length; FailureError "trace-too-large" with its size, before anything is allocated
   */
  trace(inputs: Arrays, options: ProgramTraceOptions = {}): Promise<ProgramTrace> {
    expectOptions("Program.trace", options, { names: 1, gradients: 1, outputGradients: 1, maxBytes: 1, hold: 1 });
    return this.inTurn(async () => {
      const given = completed(this.runnable, inputs);
      const plan = await this.tracingPlans(options).planFor(given);
      const seeds = Object.entries(options.gradients ? options.outputGradients! : {}).flatMap(([name, data]) => {
        const input = plan.executable.graph.inputs[`seed.${name}`];
        if (input && input.range.length !== data.length)
          throw new ShapeError(
            "shape-mismatch",
            `outputGradients.${name}: expected ∂L/∂output, ${input.range.length} numbers (${formatShape(input.shape)}), got ${data.length}`,
          );
        return input ? [[`seed.${name}`, { shape: input.shape, data }] as const] : [];
      });
      const held = [...(plan.held?.inputs(options.hold ?? []) ?? [])].map(
        ([name, data]) => [name, { shape: [data.length], data }] as const,
      );
      const outputs = await replay(plan, this.outputs, { ...given, ...Object.fromEntries([...seeds, ...held]) });
      const [values, gradients]: [Results, Results] = [{}, {}];
      for (const [name, tensor] of plan.traces) {
        const { shape } = tensor;
        values[name] = { type: "float32", shape, data: await plan.executable.read(`trace.${name}`) };
        if (!options.gradients) continue;
        // What no gradient reached does not bear on the outputs that count.
        const reached = plan.executable.graph.adjoint(tensor);
        const data = reached ? await plan.executable.readAdjoint(tensor) : new Float32Array(size(shape));
        gradients[name] = { type: "float32", shape, data };
      }
      return { outputs, values, gradients };
    });
  }

  /** Plans that trace these values; those of other values are dropped. */
  private tracingPlans({
    names,
    gradients = false,
    outputGradients = {},
    hold,
    maxBytes = 2 ** 29,
  }: ProgramTraceOptions): Plans {
    const seeds = gradients ? Object.keys(outputGradients) : [];
    const known = this.outputs.map(({ name }) => name);
    for (const name of seeds) expectOneOf("outputGradients", name, known);
    if (gradients && seeds.length === 0)
      throw new UsageError(
        "missing-output-gradients",
        `trace: gradients are those of L = Σ output · outputGradients; give ∂L/∂output for some of ${known.join(", ")}`,
      );
    const holds = hold !== undefined;
    const key = JSON.stringify([names, gradients, seeds, holds, maxBytes]);
    if (this.tracing?.key !== key) {
      this.tracing?.plans.close();
      const trace = { names, gradients, seeds, holds, maxBytes };
      this.tracing = { key, plans: new Plans({ runnable: this.runnable, weights: this.weights, limit: 1, trace }) };
    }
    return this.tracing.plans;
  }

  /** Upper bounds of integer inputs, where the model implies them. Errors as `run`. */
  bounds(inputs: Arrays): Promise<Readonly<Record<string, number>>> {
    return this.inTurn(async () => {
      const { executable } = await this.plans.planFor(completed(this.runnable, inputs));
      return executable.graph.bounds.smallest();
    });
  }

  /**
   * Opens streamed inference: states stay on the machine from call to call. Sessions of one batch size share their plans, so hundreds of
   * them take little more than their states. Layers with windows over steps (convolution, pooling) see one piece at a time.
   * @example
   * ```ts
   * const session = await program.openSession();
   * const { output } = await session.next({ input: chunk, sr });
   * ```
   * @throws UsageError "no-state" when the model has no input that carries an output on; "whole-sequence" when one of its layers reads from the
   *   end to the beginning, which in pieces gives something else than the whole: use `run` (layers that Keras calls `stateful` carry it as there)
   */
  async openSession(options: ProgramSessionOptions = {}): Promise<ProgramSession> {
    expectOptions("Program.openSession", options, { batchSize: 1, together: 1 });
    this.expectOpen();
    return new ProgramSession(this.context, options);
  }

  /** What sessions of a batch size share. That of a size of which none is open goes when there is another size. */
  private plansOf(batchSize: number): SessionPlans {
    const found = this.sessionPlans.get(batchSize);
    if (found) return found;
    const made = new SessionPlans(this.runnable, this.weights, this.limit, batchSize);
    for (const [size, plans] of this.sessionPlans) {
      if (plans.users > 0) continue;
      this.sessionPlans.delete(size);
      plans.close();
    }
    this.sessionPlans.set(batchSize, made);
    return made;
  }

  /** The weights on the machine under the names of the file, to be read, replaced or trained. `run` uses their current values. */
  get parameters(): ParameterStore {
    this.expectOpen();
    return this.weights.handOut();
  }

  /**
   * Rounds the matrices of recurrent and dense layers to 8 bits, with one scale per row, as `quantize` does. `save` writes the numbers
   * that the 8 bits stand for; quantizing those again gives the same 8 bits.
   * @throws UsageError "not-quantizable" for a graph of operators, as ONNX files hold; "already-quantized"
   */
  quantize(): Promise<void> {
    return this.inTurn(async () => {
      const { layers } = this.runnable;
      if (!layers)
        throw new UsageError(
          "not-quantizable",
          "quantize: this model is a graph of operators, which does not say which of its weights are matrices of layers; open it from the format that it was made in (Keras, PyTorch, TensorFlow.js)",
        );
      await this.weights.quantize(layers);
    });
  }

  /**
   * Records the model into a graph with the layout of `parameters`, to train it further.
   * @param inputs a tensor for every input; whole numbers as tensors of type "int", or plain arrays for inputs that decide
   *   over shapes or branches
   * @throws UsageError "missing-input", "unknown-choice"; "not-differentiable" with the node that has no gradient, in a graph for training
   */
  forward(graph: Graph, inputs: Readonly<Record<string, Tensor | ModelArray>>): Record<string, Tensor> {
    expectNamed(this.inputs, inputs);
    const names = this.inputs.map(({ name }) => name);
    for (const name of Object.keys(inputs)) expectOneOf("inputs", name, names);
    const values = new Map<string, Value>();
    const all = withOptional(this.runnable, inputs);
    for (const { name, type = "float32", optional } of this.inputs) {
      const given = Object.hasOwn(all, name) ? all[name] : undefined;
      if (!given && optional) continue;
      if (!given) throw new UsageError("missing-input", `inputs: expected a tensor for "${name}"`);
      const { shape } = given;
      values.set(
        name,
        "data" in given ? { type, shape, data: given.data, constant: false } : { type, shape, tensor: given },
      );
    }
    const { outputs } = this.runnable.record({ graph, inputs: values });
    return Object.fromEntries([...outputs].map(([name, value]) => [name, tensorOf(graph, value)]));
  }

  /** Frees all plans, sessions and the weights. */
  close(): void {
    this.closed = true;
    for (const session of this.sessions) session.close();
    for (const plans of this.sessionPlans.values()) plans.close();
    this.plans.close();
    this.tracing?.plans.close();
    this.weights.close();
  }

  /** One after the other: plans share inputs and activations from writing to reading. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(() => {
      this.expectOpen();
      return work();
    });
    this.queue = result.catch(() => undefined);
    return result;
  }

  private expectOpen(): void {
    if (this.closed) throw new UsageError("closed", "this program was closed and cannot be used any more");
  }
}
