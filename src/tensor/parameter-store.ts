import type { Arena, Machine, Numbers } from "../compute/machine.ts";
import type { Range } from "../compute/plan.ts";
import { Closing } from "../shared/closing.ts";
import { describe, few, nearest, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { RandomStream } from "../shared/random.ts";
import { formatShape, sameShape, size } from "../shared/shapes.ts";
import { alignment, type Parameter, type ParameterLayout, QUANTIZED, type QuantizedRanges } from "./parameter.ts";
import { dequantize, type QuantizedWeights, quantizedWords } from "./quantized.ts";

/** A tensor as a file holds it, such as `readSafetensors` gives: its numbers are decoded when they are asked for. */
export interface StoredNumbers {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** All elements as float32. */
  toFloat32(): Float32Array;
  /** All elements as float64. */
  toFloat64(): Float64Array;
}

/** Numbers with their shape, row-major. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /**
   * Of numbers that lie in a file and are read whenever `data` is asked for, as many as the shape has: all of them in parts, each good
   * until the next is asked for. What only passes them on needs no memory for the whole.
   */
  readonly parts?: (() => Iterable<ArrayLike<number>>) | undefined;
}
const asNumbers = (tensor: NamedTensor | StoredNumbers): NamedTensor =>
  typeof (tensor as Partial<StoredNumbers> | undefined)?.toFloat64 === "function"
    ? { shape: tensor.shape, data: numbersIn(tensor as StoredNumbers) }
    : (tensor as NamedTensor);

const numbersIn = (tensor: StoredNumbers) => (tensor.dtype === "F32" ? tensor.toFloat32() : tensor.toFloat64());

const partsOf = (value: ArrayLike<number> | NamedTensor): Iterable<ArrayLike<number>> =>
  "data" in value ? (value.parts?.() ?? [value.data]) : [value];

/** How many numbers a tensor has, without reading them. */
export const countOf = (tensor: NamedTensor): number =>
  tensor.parts === undefined ? tensor.data.length : size(tensor.shape);

/** Options of `createParameters`. */
export interface CreateParametersOptions {
  /** The machine that holds the parameters. */
  readonly machine: Machine;
  /** The layout from `layoutParameters`. */
  readonly layout: ParameterLayout;
  /** Seed of the initial values. Each parameter has a random stream of its own, named by the seed and its name. Default 0. */
  readonly seed?: number | undefined;
  /** Whether parameters get their initial values. false leaves zeros, for weights that are loaded next. Default true. */
  readonly initialize?: boolean | undefined;
}

/** Creates the parameters of a model on a machine, with their initial values. */
export async function createParameters(options: CreateParametersOptions): Promise<ParameterStore> {
  expectOptions("createParameters", options, { machine: "required", layout: "required", seed: 1, initialize: 1 });
  const { machine, layout, seed = 0, initialize = true } = options;
  if (!(layout?.names instanceof Map))
    throw new UsageError(
      "bad-option",
      `createParameters: layout: expected what layoutParameters(model) returns, got ${describe(layout)}`,
    );
  const store = new ParameterStore(machine, layout);
  try {
    store.arena("parameters");
    if (initialize)
      for (const [name, parameter] of layout.names)
        store.write(name, parameter.initialize(parameter.shape, new RandomStream(seed, name)));
  } catch (error) {
    store.close();
    throw error;
  }
  return store;
}

/** The parameters of a model on a machine, with gradients and optimizer moments of the same layout. Numbers are copied in and out. */
export class ParameterStore extends Closing {
  readonly machine: Machine;
  /** Number of trainable numbers; shared parameters count once. */
  readonly count: number;
  private laidOut: ParameterLayout;
  private eightBits: QuantizedWeights | undefined;
  private readonly owned: Record<string, Arena> = Object.create(null) as Record<string, Arena>;
  private closed = false;

  constructor(machine: Machine, layout: ParameterLayout) {
    super();
    this.machine = machine;
    this.laidOut = layout;
    this.count = [...layout.names.values()].reduce((sum, p) => sum + size(p.shape), 0);
  }

  get layout(): ParameterLayout {
    return this.laidOut;
  }

  /** Matrices that products read in 8 bits, by the name of their parameter; undefined if there are none. */
  get quantized(): QuantizedWeights | undefined {
    return this.eightBits;
  }

  /** The arena of this name with the layout of the parameters: "parameters", "gradients" or a moment. Made (zeroed) when first asked for. */
  arena(name: string): Arena {
    this.expectOpen();
    this.owned[name] ??= this.machine.arena(name, this.layout.length);
    return this.owned[name];
  }

  /** All arenas made so far by name, to be shared with executables (`compile`). */
  get arenas(): Readonly<Record<string, Arena>> {
    this.expectOpen();
    return { ...this.owned };
  }

  get names(): readonly string[] {
    return [...this.layout.names.keys()];
  }

  /** Shape of a parameter. */
  shape(name: string): readonly number[] {
    return this.parameter(name).shape;
  }

  /**
   * Resolves to a copy of a parameter, row-major; with `arena` of its gradient or moment: the name of an arena of this store, or another
   * one with its layout.
   * @throws UsageError "unknown-parameter", "unknown-arena"
   */
  async read(name: string, arena: string | Arena = "parameters"): Promise<Numbers> {
    if (typeof arena !== "string") return this.machine.read(arena, this.range(name, arena.name));
    this.expectOpen();
    const range = this.range(name, arena);
    const own = this.owned[arena];
    if (!own)
      throw new UsageError(
        "unknown-arena",
        `parameters: nothing was kept here as "${arena}", only ${Object.keys(this.owned).join(", ") || "nothing at all"}; trainings have gradients of their own, which their gradients() reads`,
      );
    return this.machine.read(own, range);
  }

  /** Replaces the numbers of a parameter. For a `NamedTensor` the shape is checked, for plain numbers their count. */
  write(name: string, value: ArrayLike<number> | NamedTensor, arena = "parameters"): void {
    this.expectWritable(name, arena);
    const range = this.range(name, arena);
    if (typeof value !== "object" || value === null || ("data" in value && !Array.isArray(value.shape)))
      throw new UsageError(
        "bad-option",
        `parameter "${name}": expected numbers, or { shape, data }, got ${describe(value)}`,
      );
    const { shape } = this.parameter(name);
    if ("data" in value && !sameShape(value.shape, shape))
      throw new ShapeError(
        "shape-mismatch",
        `parameter "${name}": expected shape ${formatShape(shape)}, got ${formatShape(value.shape)}`,
      );
    const count = "data" in value ? countOf(value) : value.length;
    if (count !== range.length)
      throw new ShapeError(
        "shape-mismatch",
        `parameter "${name}": shape ${formatShape(shape)} has ${range.length} numbers, got ${typeof count === "number" ? count : describe(value)}`,
      );
    let { offset } = range;
    for (const part of partsOf(value)) {
      this.machine.write(this.arena(arena), { ...range, offset, length: part.length }, part);
      offset += part.length;
    }
  }

  /** Resolves to copies of all parameters by name, in the order of declaration, all from the same moment. As `read`. */
  async toTensors(
    arena: string | Arena = "parameters",
  ): Promise<Map<string, { shape: readonly number[]; data: Numbers }>> {
    const all = [...this.layout.names].map(
      async ([name, { shape }]) => [name, { shape, data: await this.read(name, arena) }] as const,
    );
    return new Map(await Promise.all(all));
  }

  /**
   * Replaces parameters by name, by numbers or by the tensors of a file (`readSafetensors(…).tensors`). Everything is checked before
   * anything is written.
   * @param options.strict Whether every parameter must be given and nothing else. Default true; false takes what fits by name.
   * @returns What was left out: parameters that were not given, names that are no parameter (both empty when strict).
   * @throws UsageError "missing-parameter" or "unexpected-parameter"; ShapeError "shape-mismatch".
   */
  loadTensors(
    given: ReadonlyMap<string, NamedTensor | StoredNumbers>,
    options: { readonly strict?: boolean | undefined; readonly arena?: string | undefined } = {},
  ): { missing: string[]; unexpected: string[] } {
    expectOptions("ParameterStore.loadTensors", options, { strict: 1, arena: 1 });
    const { strict = true, arena = "parameters" } = options;
    if (typeof given?.has !== "function")
      throw new UsageError(
        "bad-option",
        `ParameterStore.loadTensors: expected a Map from names to { shape, data }, got ${describe(given)}`,
      );
    const tensors = new Map([...given].map(([name, tensor]) => [name, asNumbers(tensor)]));
    const { names } = this.layout;
    const missing = this.names.filter((name) => !tensors.has(name));
    const unexpected = [...tensors.keys()].filter((name) => !names.has(name));
    if (strict && missing.length > 0)
      throw new UsageError(
        "missing-parameter",
        `${missing.length} of ${names.size} parameters are missing: ${few(missing)}${extra(unexpected)}`,
      );
    if (strict && unexpected.length > 0)
      throw new UsageError(
        "unexpected-parameter",
        `${unexpected.length} tensors are no parameters of this model: ${few(unexpected)}; give \`strict: false\` to leave them out`,
      );
    const wrong = [...names].flatMap(([name, { shape }]) => {
      const t = tensors.get(name);
      if (!t) return [];
      const isTensor = "shape" in Object(t) && "data" in Object(t);
      if (isTensor && sameShape(t.shape, shape) && countOf(t) === size(shape)) return [];
      const came = isTensor ? `${formatShape(t.shape)} with ${countOf(t)} numbers` : describe(t);
      return [`"${name}": expected ${formatShape(shape)}, got ${came}`];
    });
    if (wrong.length > 0)
      throw new ShapeError("shape-mismatch", `tensors of another shape than the parameter: ${few(wrong)}`);
    const wanted = [...tensors].filter(([name]) => names.has(name));
    for (const [name] of wanted) this.expectWritable(name, arena);
    for (const [name, tensor] of wanted) this.write(name, tensor, arena);
    return { missing, unexpected };
  }

  /**
   * Makes matrix products read 8-bit matrices in place of these parameters, in everything recorded from now on and in saved runs. The
   * parameters then hold the numbers that the 8 bits stand for, and cannot be written or trained.
   * @throws UsageError "already-quantized", "unknown-parameter"; ShapeError "shape-mismatch"
   */
  quantize(weights: QuantizedWeights): void {
    if (this.eightBits) throw new UsageError("already-quantized", "these parameters are already 8-bit");
    const ranges = new Map<Parameter, QuantizedRanges>();
    const parts: { readonly range: Range; readonly data: ArrayLike<number> }[] = [];
    let length = 0;
    const place = (data: ArrayLike<number>, type: Range["type"]): Range => {
      const range: Range = { arena: QUANTIZED, offset: length, length: data.length, type };
      parts.push({ range, data });
      length += Math.ceil(data.length / alignment) * alignment;
      return range;
    };
    for (const [name, tensor] of weights) {
      const parameter = this.parameter(name);
      if (!sameShape(parameter.shape, tensor.shape))
        throw new ShapeError(
          "shape-mismatch",
          `parameter "${name}": expected 8 bits of shape ${formatShape(parameter.shape)}, got ${formatShape(tensor.shape)}`,
        );
      ranges.set(parameter, { words: place(quantizedWords(tensor), "int"), scales: place(tensor.scales, "float") });
    }
    this.expectOpen();
    const arena = this.machine.arena(QUANTIZED, length);
    this.owned[QUANTIZED] = arena;
    for (const { range, data } of parts) this.machine.write(arena, range, data);
    for (const [name, tensor] of weights) this.write(name, dequantize(tensor));
    this.eightBits = weights;
    this.laidOut = { ...this.laidOut, quantized: { ranges, length } };
  }

  /** Frees all arenas of this store. */
  close(): void {
    this.closed = true;
    for (const arena of Object.values(this.owned)) arena.close();
  }

  private parameter(name: string): Parameter {
    const parameter = this.layout.names.get(name);
    if (parameter) return parameter;
    const near = nearest(name, this.names);
    throw new UsageError(
      "unknown-parameter",
      `this model has no parameter "${name}"${near ? `; did you mean "${near}"?` : `; it has ${few(this.names)}`}`,
    );
  }

  private range(name: string, arena: string): Range {
    const parameter = this.parameter(name);
    return { arena, offset: this.layout.offsets.get(parameter)!, length: size(parameter.shape), type: "float" };
  }

  private expectWritable(name: string, arena: string): void {
    if (this.eightBits?.has(name) && arena === "parameters")
      throw new UsageError(
        "quantized",
        `parameter "${name}": it is 8-bit and cannot be written; write it before quantizing`,
      );
  }

  private expectOpen(): void {
    if (this.closed) throw new UsageError("closed", "these parameters were closed and cannot be used any more");
  }
}

const extra = (unexpected: readonly string[]): string =>
  unexpected.length > 0 ? ` (and these are no parameters: ${few(unexpected)})` : "";

/** @throws UsageError "wrong-machine" */
export function expectSameMachine(parameters: ParameterStore, machine: Machine): void {
  if (parameters.machine !== machine)
    throw new UsageError("wrong-machine", "parameters: they are on another machine than the one given");
}
