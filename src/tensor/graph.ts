import { type Kernel, type Plan, type Range, TOUCHED_BLOCK } from "../compute/plan.ts";
import { add, constant, type Expression, variable } from "../math/expression.ts";
import {
  countOf,
  describe,
  expectInteger,
  expectOneOf,
  expectShape,
  expectSizes,
  FailureError,
  ShapeError,
  UsageError,
} from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { mapValues } from "../shared/records.ts";
import { formatBytes, formatShape, sameShape, size } from "../shared/shapes.ts";
import { expectSeeds } from "./backward-seeds.ts";
import type { GraphOptions } from "./graph-options.ts";
import { InputBounds } from "./input-bounds.ts";
import { expectTrainable, type Parameter, type ParameterLayout, QUANTIZED, type QuantizedRanges } from "./parameter.ts";
import { type DrawKey, RandomDraws } from "./random-draws.ts";
import { aligned } from "./range.ts";
import { joined, touchedBlocks } from "./touched-blocks.ts";

/** A tensor inside one graph: a shape over a range of memory. It holds no numbers before a plan runs. */
export interface Tensor {
  readonly graph: Graph;
  /** Size of each axis; [] for a single number. */
  readonly shape: readonly number[];
  /** Where its numbers lie, row-major. */
  readonly range: Range;
  /** Whether gradients flow to it. */
  readonly differentiable: boolean;
}

/** A launch in the plan, as `launch` returns it. */
export type LaunchPlace = { kernel: Kernel; operands: Record<string, Range> };

/** The arguments of `gather`. */
export interface Lookup {
  /** The row of the table for each row of the result. */
  readonly indices: Tensor;
  /** [V, C] */
  readonly table: Tensor;
}

interface TapeEntry {
  readonly outputs: readonly Tensor[];
  readonly backward: (adjoints: readonly (Range | undefined)[]) => void;
}

/**
 * @param shape as `expectShape` takes it; default: any
 * @throws UsageError "bad-tensors" for what is no tensor of a graph, such as an array of numbers; ShapeError "shape-mismatch"
 */
export function expectTensor(argument: string, given: Tensor, shape?: readonly (number | string)[]): void {
  if (!(given?.graph instanceof Graph))
    throw new UsageError(
      "bad-tensors",
      `${argument}: expected a tensor of a graph (\`graph.input(…)\`, or what a layer gives), got ${describe(given)}; numbers are written when the plan is there: \`executable.write(name, numbers)\``,
    );
  if (shape) expectShape(argument, given.shape, shape);
}

/**
 * Records operations on tensors, to be compiled into a plan. Recording allocates nothing on the machine. A whole scan is one operation.
 *
 * Arenas of the plan: `parameters`, `gradients` (same offsets), `activations`, `inputs` (written by the host before a run), `state`
 * (kept from run to run, initially zero), `scalars`, and one per moment of an optimizer; with `touched` one of that name.
 */
export class Graph {
  readonly machine: GraphOptions["machine"];
  readonly parameters: ParameterLayout | undefined;
  /** Whether dropout is active and gradients are possible. */
  readonly training: boolean;
  readonly recompute: number;
  readonly frozen: ReadonlySet<Parameter>;
  /** One word per block of gradients: whether it may hold anything but zeros. */
  readonly touched: Range | undefined;
  /** Named inputs, states and outputs, for the host. */
  readonly inputs: Record<string, Tensor> = {};
  readonly states: Record<string, Tensor> = {};
  readonly outputs: Record<string, Tensor> = {};
  /** Which whole numbers they may hold. */
  readonly bounds = new InputBounds(this.inputs);
  /** Numbers that the host writes once, after preparing the plan. */
  readonly constants: { readonly range: Range; readonly data: ArrayLike<number> }[] = [];

  private readonly launches: LaunchPlace[] = [];
  private readonly used: Record<string, number> = {};
  private readonly scalarRanges: Record<string, Range> = {};
  private readonly tape: TapeEntry[] = [];
  private readonly adjoints = new Map<Range, Range>();
  /** Gradients that may be written in all rows. */
  private readonly whole = new Set<Range>();
  /** Ranges that `scratch` gave. */
  private readonly passing: Range[] = [];
  /** Adjoints whose elements are all one number, the same in every run. */
  private readonly constantAdjoints = new Map<Range, number>();
  private readonly parameterTensors = new Map<Parameter, Tensor>();
  private readonly lookups = new Map<Range, Lookup>();
  private readonly draws = new RandomDraws();
  private wentBack = false;
  private finished = false;

  constructor(options: GraphOptions) {
    expectOptions("Graph", options, {
      machine: "required",
      parameters: 1,
      training: 1,
      recompute: 1,
      touched: 1,
      frozen: 1,
    });
    this.machine = options.machine;
    this.parameters = options.parameters;
    this.training = options.training ?? false;
    this.recompute = options.recompute ?? 1;
    this.frozen = options.frozen ?? new Set();
    if (options.touched && options.parameters)
      this.touched = this.reserve("touched", Math.ceil(options.parameters.length / TOUCHED_BLOCK), "int");
    if (this.training && this.parameters) expectTrainable(this.parameters);
  }

  /** Reserves a range of an arena, aligned to 16 elements. */
  reserve(arena: string, length: number, type: Range["type"] = "float"): Range {
    this.expectRecording();
    const offset = this.used[arena] ?? 0;
    this.used[arena] = offset + aligned(length);
    return { arena, offset, length, type };
  }

  /** Reserves scratch activations for consecutive launches; the next call may return the same range. */
  scratch(length: number): Range {
    let range = this.passing.find((one) => one.length >= length);
    if (!range) {
      range = this.reserve("activations", length);
      this.passing.push(range);
    }
    return range;
  }

  /** Declares an arena that is given to `compile`, of at least this length. */
  borrow(arena: string, length: number): void {
    this.used[arena] = Math.max(this.used[arena] ?? 0, length);
  }

  /** Makes a tensor over a range; operations use it for their results. */
  tensor(shape: readonly number[], range: Range, differentiable = false): Tensor {
    return { graph: this, shape, range, differentiable };
  }

  /** Makes a tensor of activations. */
  empty(shape: readonly number[], differentiable = false, type: Range["type"] = "float"): Tensor {
    return this.tensor(shape, this.reserve("activations", size(shape), type), differentiable);
  }

  /**
   * Declares a tensor that the host writes before every run. With `differentiable` its gradient can be read after `backward`. With
   * `below` its values must be integers in [0, below), such as token numbers; others are refused when they are written.
   */
  input(
    name: string,
    shape: readonly number[],
    options: {
      type?: Range["type"] | undefined;
      differentiable?: boolean | undefined;
      below?: number | undefined;
    } = {},
  ): Tensor {
    expectOptions("Graph.input", options, { type: 1, differentiable: 1, below: 1 });
    expectSizes(`input "${name}"`, shape);
    if (Object.hasOwn(this.inputs, name))
      throw new UsageError("duplicate-name", `input "${name}" is declared twice in one graph`);
    const { type = "float", differentiable = false, below } = options;
    expectOneOf(`input "${name}": type`, type, ["float", "int"]);
    if (below !== undefined) expectInteger(`input "${name}": below`, below, { min: 1 });
    const input = this.tensor(shape, this.reserve("inputs", size(shape), type), differentiable);
    this.inputs[name] = input;
    if (below !== undefined) this.bound(input, below);
    return input;
  }

  /**
   * Declares that whole numbers are in [0, below), or `except`. Of those that come from an input this is checked whenever it is written;
   * of several bounds of one input the smallest holds.
   */
  bound(tensor: Tensor, below: number, except?: number): void {
    this.bounds.bound(tensor.range, { below, except });
  }

  /** Makes a tensor of numbers that never change; `type` "int" for whole numbers that choose rows. */
  constant(shape: readonly number[], data: ArrayLike<number>, type: Range["type"] = "float"): Tensor {
    expectSizes("constant", shape);
    if (data?.length !== size(shape))
      throw new ShapeError(
        "shape-mismatch",
        `constant: shape ${formatShape(shape)} has ${size(shape)} numbers, got ${countOf(data)}`,
      );
    const range = this.reserve("inputs", size(shape), type);
    this.constants.push({ range, data: new Float64Array(data) });
    return this.tensor(shape, range);
  }

  /** Declares a tensor that keeps its values from run to run; initially zero. */
  state(name: string, shape: readonly number[]): Tensor {
    expectSizes(`state "${name}"`, shape);
    if (!Object.hasOwn(this.states, name)) this.states[name] = this.tensor(shape, this.reserve("state", size(shape)));
    const known = this.states[name]!;
    if (!sameShape(known.shape, shape))
      throw new UsageError(
        "duplicate-name",
        `state "${name}" is asked for with shape ${formatShape(shape)}, it was declared with ${formatShape(known.shape)}`,
      );
    return known;
  }

  /** Declares a number that is given to each run by name (shape []). */
  scalar(name: string): Tensor {
    if (!Object.hasOwn(this.scalarRanges, name)) this.scalarRanges[name] = this.reserve("scalars", 1);
    return this.tensor([], this.scalarRanges[name]!);
  }

  /**
   * Declares the key of a random draw: int [4] of seed, purpose, update and first example. Each call has its own purpose. Without
   * `perExample` (default true) the first example is always 0: masks of weights are the same for all examples.
   */
  randomKey(options: { readonly perExample?: boolean | undefined } = {}): Range {
    expectOptions("Graph.randomKey", options, { perExample: 1 });
    const key = { arena: "scalars", offset: this.reserve("scalars", 4, "int").offset, length: 4, type: "int" as const };
    for (const [k, name] of this.draws.add(options.perExample ?? true).entries())
      this.scalarRanges[name] = { ...key, offset: key.offset + k, length: 1 };
    return key;
  }

  /** Returns the scalars of all random keys of this graph, for `Machine.run`. */
  randomScalars(key: DrawKey): Record<string, number> {
    expectOptions("Graph.randomScalars", key, { seed: "required", update: "required", firstExample: 1 });
    expectInteger("seed", key.seed, { min: 0 });
    return this.draws.scalars(key);
  }

  /** Returns the tensor of a parameter, which must be part of the graph's layout. */
  parameter(parameter: Parameter): Tensor {
    let tensor = this.parameterTensors.get(parameter);
    if (!tensor) {
      const range = this.parameterRange("parameters", parameter);
      tensor = this.tensor(parameter.shape, range, this.training && !this.frozen.has(parameter));
      this.parameterTensors.set(parameter, tensor);
    }
    return tensor;
  }

  /** Replaces a parameter by a tensor in this graph, for weights that are given to a run or computed in it. */
  substitute(parameter: Parameter, tensor: Tensor): void {
    this.expectOwn("substitute", tensor);
    if (!sameShape(parameter.shape, tensor.shape))
      throw new ShapeError(
        "shape-mismatch",
        `a parameter of shape ${formatShape(parameter.shape)} cannot be replaced by a tensor of shape ${formatShape(tensor.shape)}`,
      );
    this.parameterTensors.set(parameter, tensor);
  }

  /** Returns the ranges of the 8-bit weights of a parameter, if it has any. Products read them; all other operations read the parameter. */
  quantizedRanges(parameter: Parameter): QuantizedRanges | undefined {
    const ranges = this.parameters?.quantized.ranges.get(parameter);
    if (ranges) this.borrow(QUANTIZED, this.parameters!.quantized.length);
    return ranges;
  }

  /** Notes that a tensor was looked up in a table, for operations that can use the table itself. */
  noteLookup(rows: Tensor, lookup: Lookup): void {
    this.lookups.set(rows.range, lookup);
  }

  /** Returns the arguments of the `gather` that a tensor comes from, if it does. */
  lookupOf(rows: Tensor): Lookup | undefined {
    return this.lookups.get(rows.range);
  }

  /** Names a tensor so that the host can read it after a run. */
  output(name: string, tensor: Tensor): void {
    this.expectRecording();
    this.expectOwn(`output "${name}"`, tensor);
    if (Object.hasOwn(this.outputs, name))
      throw new UsageError("duplicate-name", `output "${name}" is declared twice in one graph`);
    this.outputs[name] = tensor;
  }

  /** Appends a launch to the plan. @returns it, for `replace` */
  launch(kernel: Kernel, operands: Record<string, Range>): LaunchPlace {
    this.expectRecording();
    const place = { kernel, operands };
    this.launches.push(place);
    return place;
  }

  /** Replaces a launch by one that does the same and more, and reads nothing that is written later. */
  replace(place: LaunchPlace, kernel: Kernel, operands: Record<string, Range>): void {
    Object.assign(place, { kernel, operands });
  }

  /** Records how `outputs` are differentiated. `backward` gets the adjoint range of each output (undefined: none) and calls `contribute`. */
  record(outputs: readonly Tensor[], backward: TapeEntry["backward"]): void {
    if (outputs.some((t) => t.differentiable)) this.tape.push({ outputs, backward });
  }

  /**
   * Adds to the adjoints of `targets`: `write` gets a range per target to fill (undefined for those that want no gradient).
   * The first contribution is written in place — a parameter's straight into `gradients` —, later ones are added.
   */
  contribute(targets: readonly Tensor[], write: (ranges: (Range | undefined)[]) => void): void {
    if (!targets.some((t) => t.differentiable)) return;
    const additions: [Range, Range][] = [];
    const ranges = targets.map((t) => {
      if (!t.differentiable) return undefined;
      const known = this.adjoints.get(t.range);
      if (known) {
        this.constantAdjoints.delete(t.range);
        const part = this.reserve("activations", t.range.length);
        additions.push([known, part]);
        this.whole.add(known);
        return part;
      }
      const range = this.newAdjoint(t);
      this.whole.add(range);
      return range;
    });
    write(ranges);
    for (const [sum, part] of additions) this.elements(add(variable("sum"), variable("part")), { sum, part }, sum);
  }

  /**
   * Like `contribute` to one table, for a kernel that adds to some of its rows in place: `write` gets the adjoint and whether to keep what it
   * holds. Where touched blocks are noted, it also gets their range, and by how many elements the first block begins before the table.
   */
  accumulateRows(
    table: Tensor,
    write: (range: Range, keep: boolean, touched: { range: Range; lead: number } | undefined) => void,
  ): void {
    if (!table.differentiable) return;
    const known = this.adjoints.get(table.range);
    if (known) this.constantAdjoints.delete(table.range);
    const range = known ?? this.newAdjoint(table);
    write(range, known !== undefined, touchedBlocks(this.touched, range));
  }

  private newAdjoint(t: Tensor): Range {
    const { arena, length } = t.range;
    const range = arena === "parameters" ? { ...t.range, arena: "gradients" } : this.reserve("activations", length);
    this.adjoints.set(t.range, range);
    return range;
  }

  /** Makes two tensors share one adjoint: `view` is `of` under another shape. */
  view(of: Tensor, shape: readonly number[]): Tensor {
    expectSizes("reshape", shape);
    if (size(shape) !== size(of.shape))
      throw new ShapeError(
        "shape-mismatch",
        `reshape: ${formatShape(of.shape)} and ${formatShape(shape)} have different numbers of elements`,
      );
    return { ...of, shape };
  }

  /**
   * Returns the adjoint of a tensor after `backward`, if any gradient reached it. Recurrent layers over rows of a small table send the
   * gradient to the table itself, not to the rows.
   */
  adjoint(tensor: Tensor): Tensor | undefined {
    const range = this.adjoints.get(tensor.range);
    return range && this.tensor(tensor.shape, range);
  }

  /** The number that all elements of the adjoint of a tensor are in every run, if that is known while the plan is recorded. */
  constantAdjoint(tensor: Tensor): number | undefined {
    return this.constantAdjoints.get(tensor.range);
  }

  /** Returns the range of the adjoint of a tensor, for kernels that write adjoints beside their gradients (traces). */
  adjointOf(tensor: Tensor): Range {
    const range = this.adjoints.get(tensor.range) ?? this.reserve("activations", tensor.range.length);
    this.adjoints.set(tensor.range, range);
    return range;
  }

  /**
   * Records the backward pass of `Σ seed · tensor`, once; a seed is a tensor of the same shape or a number.
   * @throws UsageError "not-differentiable" for a tensor that depends on nothing that has a gradient, "bad-tensors"; ShapeError
   */
  backward(seeds: readonly (readonly [tensor: Tensor, seed: Tensor | number])[]): void {
    expectSeeds(seeds, this, (argument, tensor) => this.expectOwn(argument, tensor));
    if (this.wentBack)
      throw new UsageError(
        "bad-tensors",
        "backward: it was recorded already; give all tensors at once: [[a, 1], [b, 1]]",
      );
    this.wentBack = true;
    for (const [tensor, seed] of seeds) {
      if (typeof seed === "number" && !this.adjoints.has(tensor.range)) this.constantAdjoints.set(tensor.range, seed);
      this.contribute([tensor], ([out]) =>
        typeof seed === "number" ? this.fill(out!, seed) : this.copy(seed.range, out!),
      );
    }
    for (const { outputs, backward } of this.tape.reverse()) {
      const adjoints = outputs.map((t) => this.adjoints.get(t.range));
      if (adjoints.some((a) => a !== undefined)) backward(adjoints);
    }
    this.tape.length = 0;
    // Outside training parameters have no gradients, only inputs do.
    if (!this.training) return;
    const reached = new Set(
      [...this.adjoints.values()].map(({ arena, offset }) => (arena === "gradients" ? offset : -1)),
    );
    for (const [parameter, offset] of this.parameters?.offsets ?? [])
      if (!reached.has(offset)) this.fill(this.parameterRange("gradients", parameter), 0);
    this.noteWholeGradients();
  }

  /** Marks the blocks of gradients that were not written row by row as touched, neighbours in one launch. */
  private noteWholeGradients(): void {
    const blocks = [...this.whole].flatMap((range) => touchedBlocks(this.touched, range)?.range ?? []);
    for (const range of joined(blocks)) this.fill(range, 1);
  }

  /** Records a fill of a range with a number. */
  fill(out: Range, value: number): void {
    this.elements(constant(value), {}, out);
  }

  /** Records a copy of one range to another of the same length. */
  copy(from: Range, out: Range): void {
    expectShape("copy", [from.length], [out.length]);
    this.elements(variable("from"), { from }, out);
  }

  /** Records an equation over the elements of ranges of one length. */
  private elements(value: Expression, inputs: Record<string, Range>, out: Range): void {
    const strides = [1];
    this.launch(
      {
        op: "pointwise",
        shape: [out.length],
        inputs: mapValues(inputs, () => strides),
        outputs: { out: { value, strides } },
      },
      { ...inputs, out },
    );
  }

  /**
   * Returns the recorded plan; nothing more can be recorded.
   * @throws FailureError "out-of-memory", before anything is allocated, if the machine cannot hold it
   */
  finish(): Plan {
    this.finished = true;
    const { parameters: layout, training } = this;
    const ofParameters = layout && { parameters: layout.length, ...(training && { gradients: layout.length }) };
    const arenas: Record<string, number> = { ...this.used, ...ofParameters };
    const { bytes, elementBytes } = this.machine.limits;
    const needed = Object.values(arenas).reduce((a, b) => a + b, 0) * elementBytes;
    if (needed > bytes) {
      const parts = Object.entries(arenas).map(([name, n]) => `${name} ${formatBytes(n * elementBytes)}`);
      throw new FailureError(
        "out-of-memory",
        `this plan needs ${formatBytes(needed)} (${parts.join(", ")})${this.recompute > 1 ? `, although sequences are recomputed in ${this.recompute} parts` : ""}; the machine has ${formatBytes(bytes)}: lower the batch size, the number of steps or the hidden size`,
      );
    }
    return { launches: this.launches, arenas, scalars: this.scalarRanges };
  }

  /** Returns the range of a parameter in one of the arenas that have the layout of parameters. */
  parameterRange(arena: string, parameter: Parameter): Range {
    const offset = this.parameters?.offsets.get(parameter);
    if (offset === undefined)
      throw new UsageError(
        "unknown-parameter",
        `a parameter of shape ${formatShape(parameter.shape)} is not part of the model this graph was made for: name its layer in the \`parts\` that layoutParameters gets`,
      );
    return { arena, offset, length: size(parameter.shape), type: "float" };
  }

  private expectRecording(): void {
    if (this.finished)
      throw new UsageError(
        "bad-tensors",
        "this graph was compiled, and what is recorded now would never run: record everything before `compile`, or make another `new Graph`",
      );
  }

  private expectOwn(argument: string, tensor: Tensor): void {
    expectTensor(argument, tensor);
    if (tensor.graph !== this)
      throw new UsageError("bad-tensors", `${argument}: expected a tensor of this graph, got one of another`);
  }
}
