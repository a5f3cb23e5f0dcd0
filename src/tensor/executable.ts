import type { Arena, Machine, Numbers, PreparedPlan, SynchronousMachine } from "../compute/machine.ts";
import { Closing } from "../shared/closing.ts";
import { countOf, describe, nearest, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { zipRecord } from "../shared/records.ts";
import { formatShape } from "../shared/shapes.ts";
import type { Graph, Tensor } from "./graph.ts";
import { QUANTIZED } from "./parameter.ts";

/** Options of `compile`. */
export interface CompileOptions<M extends Machine = Machine> {
  readonly machine: M;
  /** Arenas of others to use (parameters, gradients, moments, a shared state); they are not closed with the executable. */
  readonly arenas?: Readonly<Record<string, Arena>> | undefined;
}

/**
 * Compiles a recorded graph: allocates missing arenas, prepares the plan and writes the constants. Recording more afterwards is an
 * error.
 * @example
 * ```ts
 * const graph = new Graph({ machine });
 * const x = graph.input("x", [3]);
 * graph.output("twice", add(x, x));
 * const executable = await compile(graph, { machine });
 * executable.write("x", [1, 2, 3]);
 * executable.run();
 * await executable.read("twice"); // 2, 4, 6
 * ```
 */
export async function compile<M extends Machine>(graph: Graph, options: CompileOptions<M>): Promise<Executable<M>> {
  expectOptions("compile", options, { machine: "required", arenas: 1 });
  const { machine, arenas: given = {} } = options;
  const plan = graph.finish();
  const owned: Arena[] = [];
  const arenas: Record<string, Arena> = {};
  try {
    for (const [name, length] of Object.entries(plan.arenas)) {
      if (given[name]) arenas[name] = given[name];
      else if (length > 0 && (name === "parameters" || name === QUANTIZED))
        throw new UsageError(
          "missing-option",
          "compile: arenas: the graph has parameters, whose numbers lie elsewhere; give all that they have, `parameters.arenas`",
        );
      else {
        arenas[name] = machine.arena(name, length);
        owned.push(arenas[name]);
      }
    }
    const prepared = await machine.prepare(plan, arenas);
    for (const { range, data } of graph.constants) machine.write(arenas[range.arena]!, range, data);
    return new Executable(graph, machine, prepared, arenas, owned);
  } catch (error) {
    for (const arena of owned) arena.close();
    throw error;
  }
}

/** A compiled graph: write inputs, run, read outputs, as often as you like. It owns its activations, inputs and state. */
export class Executable<M extends Machine = Machine> extends Closing {
  readonly graph: Graph;
  readonly machine: M;
  /** By name, to be shared with another executable (such as `state`). */
  readonly arenas: Readonly<Record<string, Arena>>;
  private readonly prepared: PreparedPlan;
  private readonly owned: readonly Arena[];
  private readonly inputs: ReadonlyMap<string, Port>;
  private readonly states: ReadonlyMap<string, Port>;
  private readonly readables: ReadonlyMap<string, Port>;
  private closed = false;

  constructor(
    graph: Graph,
    machine: M,
    prepared: PreparedPlan,
    arenas: Readonly<Record<string, Arena>>,
    owned: readonly Arena[],
  ) {
    super();
    this.graph = graph;
    this.machine = machine;
    this.prepared = prepared;
    this.arenas = arenas;
    this.owned = owned;
    const ports = (tensors: Readonly<Record<string, Tensor>>): Map<string, Port> =>
      new Map(Object.entries(tensors).map(([name, tensor]) => [name, { tensor, arena: arenas[tensor.range.arena]! }]));
    [this.inputs, this.states] = [ports(graph.inputs), ports(graph.states)];
    this.readables = new Map([...this.inputs, ...this.states, ...ports(graph.outputs)]);
  }

  /**
   * Copies numbers into an input, row-major.
   * @throws UsageError "unknown-input", or "out-of-range" for numbers that are not whole or outside the input's bound.
   * @throws ShapeError "shape-mismatch" when their count differs.
   */
  write(name: string, data: ArrayLike<number>): void {
    this.expectOpen();
    const { arena, tensor } = find("input", this.inputs, name, { data });
    this.graph.bounds.check(name, data);
    this.machine.write(arena, tensor.range, data);
  }

  /** Runs the plan. Scalars that are not given keep their previous value. */
  run(scalars?: Readonly<Record<string, number>>): void {
    this.expectOpen();
    this.machine.run(this.prepared, scalars);
  }

  /** Resolves to a copy of an output, state or input after all runs so far. */
  read(name: string): Promise<Numbers> {
    const { arena, tensor } = this.readable(name);
    return this.machine.read(arena, tensor.range);
  }

  /** Resolves to copies of outputs by name (default: all), all from the same moment. */
  async readAll<N extends string>(
    names: readonly N[] = Object.keys(this.graph.outputs) as N[],
  ): Promise<Record<N, Numbers>> {
    return zipRecord(names, await Promise.all(names.map((name) => this.read(name))));
  }

  /** Copies an output, state or input into `out`, which must have its length; allocates nothing. On synchronous machines only. */
  readInto(
    this: Executable<SynchronousMachine>,
    name: string,
    out: { [index: number]: number; readonly length: number },
  ): void {
    const { arena, tensor } = this.readable(name);
    if (out?.length !== tensor.range.length) throw wrongLength("output", name, tensor, out);
    this.machine.readInto(arena, tensor.range, out);
  }

  /** Resolves to a copy of the gradient of a tensor after `graph.backward`. */
  readAdjoint(tensor: Tensor): Promise<Numbers> {
    this.expectOpen();
    const adjoint = this.graph.adjoint(tensor);
    if (!adjoint)
      throw new UsageError(
        "no-gradient",
        `no gradient reached this tensor of shape ${formatShape(tensor.shape)}: it is not differentiable, or \`backward\` was not recorded`,
      );
    return this.machine.read(this.arenas[adjoint.range.arena]!, adjoint.range);
  }

  /** Shape of an output, state or input. */
  shape(name: string): readonly number[] {
    return this.readable(name).tensor.shape;
  }

  /** Copies numbers into a state, row-major. Errors as `write`. */
  writeState(name: string, data: ArrayLike<number>): void {
    this.writeStates({ [name]: data });
  }

  /** Copies numbers into several states; into none if one does not fit. */
  writeStates(states: Readonly<Record<string, ArrayLike<number>>>): void {
    this.expectOpen();
    const found = Object.entries(states).map(
      ([name, data]) => [find("state", this.states, name, { data }), data] as const,
    );
    for (const [{ arena, tensor }, data] of found) this.machine.write(arena, tensor.range, data);
  }

  /** Sets all states of this graph to zero. */
  zeroState(): void {
    this.expectOpen();
    for (const { arena, tensor } of this.states.values())
      this.machine.write(arena, tensor.range, new Float32Array(tensor.range.length));
  }

  /** Frees the plan and the arenas that were not given. */
  close(): void {
    this.closed = true;
    this.prepared.close();
    for (const arena of this.owned) arena.close();
  }

  private readable(name: string): Port {
    this.expectOpen();
    return find("output, state or input", this.readables, name);
  }

  private expectOpen(): void {
    if (this.closed)
      throw new UsageError("closed", "this session or executable was closed and cannot be used any more");
  }
}

/** Where a tensor that has a name lies. */
interface Port {
  readonly tensor: Tensor;
  readonly arena: Arena;
}

function find(
  kind: string,
  ports: ReadonlyMap<string, Port>,
  name: string,
  given?: { readonly data: ArrayLike<number> },
): Port {
  const port = ports.get(name);
  if (!port) {
    const names = [...ports.keys()];
    const near = nearest(name, names);
    throw new UsageError(
      `unknown-${kind.split(/\W/)[0]}`,
      `this graph has no ${kind} "${name}"${near ? `; did you mean "${near}"?` : `; it has ${names.join(", ") || "none"}`}`,
    );
  }
  if (typeof given?.data?.[0] === "bigint")
    throw new UsageError(
      "not-a-number",
      `${kind} "${name}": expected numbers, got ${describe(given.data)}; make numbers of 64-bit integers: Array.from(…, Number)`,
    );
  if (given && given.data?.length !== port.tensor.range.length) throw wrongLength(kind, name, port.tensor, given.data);
  return port;
}

const wrongLength = (kind: string, name: string, tensor: Tensor, given: unknown): ShapeError =>
  new ShapeError(
    "shape-mismatch",
    `${kind} "${name}" has shape ${formatShape(tensor.shape)}, that is ${tensor.range.length} numbers; got ${countOf(given)}`,
  );
