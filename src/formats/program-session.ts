import { Closing } from "../shared/closing.ts";
import { countOf, expectInteger, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { expectFinite } from "../shared/finite.ts";
import { formatShape, sameShape, size } from "../shared/shapes.ts";
import type { JointSteps } from "./joint-steps.ts";
import { checkInputs } from "./model-inputs.ts";
import type { ModelArray, ModelResult } from "./plans.ts";
import { replay } from "./replay.ts";
import type { ModelPort } from "./runnable.ts";
import type { KeptState, SessionPlans } from "./session-plans.ts";
import type { SessionPorts } from "./session-ports.ts";

/** Options of `Program.openSession`. */
export interface ProgramSessionOptions {
  /** Sequences that run together: the size of the axes of states that the file leaves open. Default 1. */
  readonly batchSize?: number | undefined;
  /**
   * Whether what this session and others like it wait for at one moment is one run of the model, at the cost of a batch of so many
   * sequences (rounded up to a power of two, at most 64). Their pieces must have one shape; others have runs of their own. For models
   * whose file names the axis of the sequences in states and inputs. Default false.
   */
  readonly together?: boolean | undefined;
}

export interface SessionContext {
  readonly ports: SessionPorts;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly plansOf: (batchSize: number) => SessionPlans;
  /** The steps of sessions that take them together. */
  readonly joint: JointSteps;
  /** All that are open. */
  readonly sessions: Set<ProgramSession>;
}

/** State by the name of the input that carries it, row-major. */
export type ProgramState = Readonly<Record<string, ModelArray>>;

/** Streamed inference with a model that has states: see `Program.openSession`. Close it when done. */
export class ProgramSession extends Closing {
  readonly batchSize: number;
  private readonly context: SessionContext;
  private readonly shared: SessionPlans;
  private readonly own: KeptState;
  private readonly joint: JointSteps | undefined;

  constructor(context: SessionContext, { batchSize = 1, together = false }: ProgramSessionOptions) {
    super();
    if (together && batchSize !== 1)
      throw new UsageError(
        "bad-option",
        `batchSize: ${batchSize}, together: sessions that take their steps together are of one sequence each; leave one of them out`,
      );
    this.context = context;
    this.batchSize = expectInteger("batchSize", batchSize, { min: 1 });
    this.shared = context.plansOf(batchSize);
    this.own = { numbers: this.shared.zeros() };
    this.joint = together ? context.joint : undefined;
    this.joint?.enter();
    this.shared.users += 1;
    context.sessions.add(this);
  }

  /** Inputs of `next`: those of the model without its states. */
  get inputs(): readonly ModelPort[] {
    return this.context.ports.inputs;
  }
  get outputs(): readonly ModelPort[] {
    return this.context.ports.outputs;
  }

  /**
   * Feeds the next piece of each sequence and resolves to the outputs, states left out.
   * @throws UsageError "missing-input", "unknown-choice", "out-of-range", "not-a-number", "bad-state"; ShapeError "shape-mismatch". The
   *   state is then as it was
   */
  next(inputs: Readonly<Record<string, ModelArray>>): Promise<Record<string, ModelResult>> {
    if (this.joint) return this.nextTogether(this.joint, inputs);
    return this.context.inTurn(async () => {
      this.expectFit(inputs);
      const plan = await this.shared.plans.planFor(inputs);
      await this.shared.seat(this.own);
      return replay(plan, this.outputs, inputs);
    });
  }

  private async nextTogether(
    joint: JointSteps,
    inputs: Readonly<Record<string, ModelArray>>,
  ): Promise<Record<string, ModelResult>> {
    this.expectFit(inputs);
    return joint.next(this.own, inputs);
  }

  private expectFit(inputs: Readonly<Record<string, ModelArray>>): void {
    this.expectOpen();
    const { ports } = this.context;
    checkInputs(ports.inputs, inputs);
    for (const { name, shape } of ports.inputs) if (inputs[name]) expectFinite("input", name, inputs[name], shape);
    for (const { name, axis, n } of ports.batched)
      if (inputs[name] && inputs[name].shape[axis] !== this.batchSize)
        throw new ShapeError(
          "shape-mismatch",
          `input "${name}": expected ${this.batchSize} on axis ${axis} (${n}), the batchSize of openSession, got shape ${formatShape(inputs[name].shape)}`,
        );
  }

  /** Resolves to a copy of the state, for `setState` or `writeArrays`. */
  async state(): Promise<Record<string, ModelResult>> {
    this.expectOpen();
    const numbers = await this.shared.read(this.own);
    return Object.fromEntries(
      this.shared.states.map(({ input, shape }, k) => {
        const data = numbers[k]!;
        return [input, { type: data instanceof Float64Array ? "float64" : "float32", shape, data }];
      }),
    );
  }

  /**
   * Sets the state; every one must be given.
   * @throws UsageError "missing-state", "unknown-choice", "not-a-number"; ShapeError "shape-mismatch"
   */
  setState(value: ProgramState): void {
    this.expectOpen();
    const names = this.shared.states.map((s) => s.input);
    for (const name of Object.keys(value)) expectOneOf("state", name, names);
    const missing = names.filter((name) => !Object.hasOwn(value, name));
    if (missing.length > 0)
      throw new UsageError("missing-state", `state: expected ${names.join(", ")}, ${missing.join(", ")} missing`);
    for (const { input, shape } of this.shared.states) {
      const given = value[input]!;
      if (given?.data?.length !== size(shape) || !Array.isArray(given.shape) || !sameShape(given.shape, shape))
        throw new ShapeError(
          "shape-mismatch",
          `state "${input}": expected shape ${formatShape(shape)} as { shape, data }, got ${Array.isArray(given?.shape) ? `${formatShape(given.shape)} with ${countOf(given.data)} numbers` : countOf(given)}`,
        );
      expectFinite("state", input, given);
    }
    this.shared.write(
      this.own,
      this.shared.states.map(({ input }) => value[input]!.data),
    );
  }

  /** Sets the state to zero. */
  reset(): void {
    this.expectOpen();
    this.shared.write(this.own, []);
  }

  /** Opens another session of the same model with a copy of this state. */
  async fork(): Promise<ProgramSession> {
    const other = new ProgramSession(this.context, { batchSize: this.batchSize, together: this.joint !== undefined });
    other.setState(await this.state());
    return other;
  }

  /** Frees the state; the weights, and the plans that other sessions use, stay. */
  close(): void {
    if (!this.context.sessions.delete(this)) return;
    this.joint?.leave(this.own, closedError());
    this.shared.leave(this.own);
  }

  private expectOpen(): void {
    if (!this.context.sessions.has(this)) throw closedError();
  }
}

const closedError = (): UsageError =>
  new UsageError("closed", "this session was closed and cannot be used any more; open another one");
