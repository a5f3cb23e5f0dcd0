import { type Cell, type InitialStates, stateNames } from "../cells/define.ts";
import { less, select, variable } from "../math/expression.ts";
import { withGateSums } from "../scan/gate-sums.ts";
import { keepingGates } from "../scan/keeping-gates.ts";
import { parameterShapes, recurrentGates, sizeOf } from "../scan/widths.ts";
import { describe, expectInteger, expectOneOf, expectRate, ShapeError, UsageError } from "../shared/errors.ts";
import { type Complete, expectOptions } from "../shared/options.ts";
import { mapValues, recordOf, zipRecord } from "../shared/records.ts";
import { formatShape, sameShape } from "../shared/shapes.ts";
import { expectTensor, type Graph, type Tensor } from "../tensor/graph.ts";
import { graphOf } from "../tensor/graph-of.ts";
import { concatenate, pointwise, reduce, reshape, slice, transpose } from "../tensor/operations.ts";
import type { HasParameters, Initializer, Parameter } from "../tensor/parameter.ts";
import { type DropoutPer, dropout as dropoutLayer } from "./dropout.ts";
import type { Hold } from "./held-values.ts";
import { constant, type RecurrentPreset, recurrentInitializer } from "./initialize.ts";
import type { Layer } from "./layer.ts";
import { longMemoryBias } from "./long-memory.ts";
import { type Direction, scanLayer } from "./recurrent-scan.ts";

/** Options of `recurrent`; `S` are the names of the cell's states. */
export interface RecurrentOptions<S extends string = string> {
  /**
   * A cell: `lstm()`, `gru()`, or one of your own. Not a name, so that bundles contain only the cells that are imported. Models that
   * are loaded from files (`languageModel`, …) take names as well.
   */
  readonly cell: Cell<S>;
  /** D: size of the input at a step. */
  readonly inputSize: number;
  /** H: number of units per direction. */
  readonly hiddenSize: number;
  /** L: number of stacked layers. Default 1. */
  readonly numLayers?: number | undefined;
  /** Whether a second direction reads the sequence from its end; the outputs of both are concatenated, forward first. Default false. */
  readonly bidirectional?: boolean | undefined;
  /** P, for cells with a projection; default 0. */
  readonly projectionSize?: number | undefined;
  /** Probability that an element between two layers is dropped in training; not after the last layer. Default 0. */
  readonly dropout?: number | undefined;
  /**
   * Whether that mask is drawn at each step ("step", default, as in PyTorch) or once per sequence ("sequence": variational dropout, Gal
   * & Ghahramani 2016, arXiv:1512.05287).
   */
  readonly dropoutPer?: DropoutPer | undefined;
  /**
   * Probability that a recurrent weight (an element of `weight_hh`) is dropped in training, with one mask for all steps and sequences
   * of an update (`dropConnect`; Merity, Keskar & Socher 2018, arXiv:1708.02182). Default 0.
   */
  readonly weightDropout?: number | undefined;
  /**
   * Whether the sequence is read from the last step to the first (`go_backwards` in Keras, `reverse` in ONNX); not together with
   * `bidirectional`. Default false.
   */
  readonly reverse?: boolean | undefined;
  /** Whether input and output are [B, T, …] instead of [T, B, …]. Default false. */
  readonly batchFirst?: boolean | undefined;
  /** Initialization by name. Default "pytorch": everything from U(±1/√H). "keras": Glorot, orthogonal, zero biases, forget bias 1. */
  readonly initialize?: RecurrentPreset | undefined;
  /**
   * The longest initial memory, in steps: biases of the gates that keep or replace the state are drawn so that units start with
   * memories of all lengths up to this, for answers that lie hundreds of steps back (Tallec & Ollivier 2018, arXiv:1804.11188). Default
   * 0: gates start as `initialize` says.
   */
  readonly memorySteps?: number | undefined;
}

/** What a recurrent layer takes besides its input. */
export interface RecurrentInput<S extends string = string> {
  /** Initial state by name, each [L·directions, B, H|P]. States left out are zero. */
  readonly initial?: InitialStates<S, Tensor> | undefined;
  /** [T, B] of ones and zeros: a step with 0 does not change the state. Always time-major. */
  readonly mask?: Tensor | undefined;
  /** The output at a masked step: "zero" (default) or "previous", as in Keras. */
  readonly maskedOutput?: "zero" | "previous" | undefined;
  /** The final state of a sequence without any valid step: "initial" (default), its initial state, or "zero", as in ONNX Runtime. */
  readonly emptyState?: "initial" | "zero" | undefined;
  /** Named values of the cell to trace, e.g. ["i", "f", "c"], or pre-activations, "pre.i". */
  readonly trace?: readonly string[] | undefined;
  /** Values of the cells to replace: what stands in the place of each (`Held`). */
  readonly hold?: Hold | undefined;
}

/** The output of a recurrent layer. */
export interface RecurrentOutput<S extends string = string> {
  /** Output of the last layer at every step: [T, B, directions · H|P], or [B, T, …] with `batchFirst`. */
  readonly output: Tensor;
  /** State after the last valid step by name, each [L·directions, B, H|P], in PyTorch's order. */
  readonly final: Readonly<Record<S, Tensor>>;
  /** Traced values [T, B, H|P] under `NAME_lK` or `NAME_lK_reverse`. */
  readonly traces: Readonly<Record<string, Tensor>>;
}

/**
 * A stack of recurrent layers in one or two directions. Weights are named and laid out as PyTorch's. `S` are the names of its states:
 * `Recurrent<"h" | "c">` of an LSTM.
 */
export class Recurrent<S extends string = string> implements HasParameters {
  readonly options: Complete<RecurrentOptions<S>>;
  readonly directions: readonly Direction[];
  readonly parts: Readonly<Record<string, Parameter>>;
  /** Those of its own parameters that are matrices of products and nothing else, so that they can be quantized. */
  readonly products: readonly Parameter[];
  /** Dropout between two layers. */
  private readonly between: Layer;

  constructor(options: RecurrentOptions<S>) {
    expectOptions("recurrent", options, {
      ...{ cell: "required", inputSize: "required", hiddenSize: "required", numLayers: 1, bidirectional: 1 },
      ...{ projectionSize: 1, dropout: 1, dropoutPer: 1, weightDropout: 1, reverse: 1, batchFirst: 1 },
      ...{ initialize: 1, memorySteps: 1 },
    });
    const { cell, inputSize, hiddenSize, numLayers = 1, bidirectional = false, projectionSize = 0 } = options;
    const { dropout = 0, dropoutPer = "step", weightDropout = 0, reverse = false, batchFirst = false } = options;
    const { initialize = "pytorch", memorySteps = 0 } = options;
    const o: Complete<RecurrentOptions<S>> = {
      ...{ cell, inputSize, hiddenSize, numLayers, bidirectional, projectionSize, dropout, dropoutPer, weightDropout },
      ...{ reverse, batchFirst, initialize, memorySteps },
    };
    this.options = o;
    if (typeof o.cell !== "object" || o.cell === null || !Array.isArray(o.cell.states))
      throw new UsageError(
        "bad-option",
        `cell: expected a cell, as lstm(), gru() or defineCell(…) give one, got ${describe(o.cell)}`,
      );
    for (const name of ["inputSize", "hiddenSize"] as const) expectInteger(name, o[name], { min: 1 });
    // Each layer is described before anything is allocated: a number typed by mistake must not make millions of descriptions.
    expectInteger("numLayers", o.numLayers, { min: 1, max: 1000 });
    expectInteger("projectionSize", o.projectionSize, { min: 0 });
    expectRate("weightDropout", o.weightDropout);
    expectOneOf("dropoutPer", o.dropoutPer, ["step", "sequence"]);
    this.between = dropoutLayer({ rate: o.dropout, per: o.dropoutPer });
    if (o.weightDropout > 0 && recurrentGates(o.cell).length === 0)
      throw new UsageError(
        "bad-option",
        `weightDropout: cell "${o.cell.name}" has no recurrent weights to drop; leave it 0`,
      );
    expectInteger("memorySteps", o.memorySteps, { min: 0 });
    if (o.memorySteps > 0 && (o.cell.bias === "none" || keepingGates(o.cell).every((sign) => sign === 0)))
      throw new UsageError(
        "bad-option",
        `memorySteps: cell "${o.cell.name}" has no gate with a bias that keeps its state; leave it 0, or take a cell that has one, such as lstm or gru`,
      );
    if (o.reverse && o.bidirectional)
      throw new UsageError(
        "bad-option",
        "reverse and bidirectional exclude each other: a bidirectional layer has both directions",
      );
    const projects = o.cell.states.some((s) => s.width === "projection");
    if (projects !== o.projectionSize > 0)
      throw new UsageError(
        "bad-option",
        projects
          ? `projectionSize: cell "${o.cell.name}" has a projected state: give its width, at least 1`
          : `projectionSize is ${o.projectionSize}, but cell "${o.cell.name}" has no projection; leave it 0, or take a cell that has one, such as lstm({ projection: true })`,
      );
    this.directions = makeDirections(o);
    this.parts = Object.fromEntries(
      this.directions.flatMap(({ suffix, parameters }) =>
        Object.entries(parameters).map(([name, p]) => [`${publicName(name)}${suffix}`, p]),
      ),
    );
    this.products = Object.values(this.parts).filter((p) => p.shape.length === 2);
  }

  /** Output width of one direction. */
  get outputSize(): number {
    return sizeOf(this.options.cell.states[0]!.width, this.options);
  }

  /** Shape of each state: [L·directions, B, H|P]. */
  stateShapes(batch: number): Record<S, readonly number[]> {
    const { states } = this.options.cell;
    const shapes = states.map(({ width }) => [this.directions.length, batch, sizeOf(width, this.options)]);
    return zipRecord(stateNames(this.options.cell), shapes);
  }

  /**
   * Records all layers over all steps.
   * @param x [T, B, D], or [B, T, D] with `batchFirst`.
   */
  forward(x: Tensor, input: RecurrentInput<S> = {}): RecurrentOutput<S> {
    expectOptions("Recurrent.forward", input, {
      ...{ initial: 1, mask: 1, maskedOutput: 1, emptyState: 1, trace: 1, hold: 1 },
    });
    const { cell, numLayers, bidirectional, batchFirst } = this.options;
    const names = stateNames(cell);
    this.checkInput(x, input);
    let layerInput = batchFirst ? transpose(x, [1, 0, 2]) : x;
    const initial = this.initialStates(x.graph, layerInput.shape[1]!, input.initial);
    const finals = recordOf(names, (): Tensor[] => []);
    const traces: Record<string, Tensor> = {};
    const perLayer = bidirectional ? 2 : 1;
    for (let layer = 0; layer < numLayers; layer++) {
      if (layer > 0) layerInput = this.between.forward(layerInput);
      const from = layer * perLayer;
      const directions = this.directions.slice(from, from + perLayer);
      const states = directions.map((_, k) => mapValues(initial, (parts) => parts[from + k]!));
      const result = scanLayer(this.options, directions, layerInput, states, input);
      result.directions.forEach(({ final, traced }, k) => {
        for (const name of names) finals[name].push(final[name]!);
        for (const [name, tensor] of Object.entries(traced)) traces[`${name}${directions[k]!.suffix}`] = tensor;
      });
      layerInput = result.output;
    }
    const { mask, emptyState = "initial" } = input;
    const stack = (parts: readonly Tensor[]): Tensor => {
      const all = parts.length === 1 ? parts[0]! : concatenate(parts, 0);
      return mask && emptyState === "zero" ? zeroWhereEmpty(all, mask) : all;
    };
    return {
      output: batchFirst ? transpose(layerInput, [1, 0, 2]) : layerInput,
      final: mapValues(finals, stack),
      traces,
    };
  }

  private checkInput(x: Tensor, { initial, mask, trace, maskedOutput, emptyState }: RecurrentInput<S>): void {
    const { cell, batchFirst, inputSize } = this.options;
    const order = batchFirst ? "[B, T" : "[T, B";
    expectTensor("input", x);
    graphOf("recurrent", [x], [mask, ...Object.values<Tensor | undefined>(initial ?? {})]);
    if (x.shape.length !== 3 || x.shape[2] !== inputSize)
      throw new ShapeError(
        "shape-mismatch",
        `input: expected shape ${order}, ${inputSize}], got ${formatShape(x.shape)}`,
      );
    const [T, B] = batchFirst ? [x.shape[1]!, x.shape[0]!] : [x.shape[0]!, x.shape[1]!];
    if (T < 1 || B < 1)
      throw new ShapeError(
        "shape-mismatch",
        `input: needs at least one step and one example, got ${formatShape(x.shape)}`,
      );
    if (mask && !sameShape(mask.shape, [T, B]))
      throw new ShapeError(
        "shape-mismatch",
        `mask: expected shape [${T}, ${B}] (steps, batch), got ${formatShape(mask.shape)}`,
      );
    if (maskedOutput !== undefined) expectOneOf("maskedOutput", maskedOutput, ["zero", "previous"]);
    if (emptyState !== undefined) expectOneOf("emptyState", emptyState, ["initial", "zero"]);
    for (const name of trace ?? []) expectOneOf("trace", name, Object.keys(withGateSums(cell).named));
  }

  /** Per state a tensor [1, B, H|P] for each layer and direction. */
  private initialStates(graph: Graph, batch: number, given: InitialStates<S, Tensor> = {}): Record<S, Tensor[]> {
    const shapes = this.stateShapes(batch);
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw new UsageError(
        "bad-option",
        `initial: expected states by name, { ${Object.keys(shapes).join(", ")} }, got ${describe(given)}`,
      );
    for (const name of Object.keys(given)) expectOneOf("initial", name, Object.keys(shapes));
    return mapValues(shapes, (shape, name) => {
      const t = given[name];
      const [count, , width] = shape as [number, number, number];
      if (!t) {
        const zero = graph.constant([1, batch, width], new Float32Array(batch * width));
        return Array.from({ length: count }, () => zero);
      }
      if (!sameShape(t.shape, shape))
        throw new ShapeError(
          "shape-mismatch",
          `initial.${name}: expected shape ${formatShape(shape)} (layers × directions, batch, width), got ${formatShape(t.shape)}`,
        );
      return count === 1 ? [t] : Array.from({ length: count }, (_, k) => slice(t, 0, k, k + 1));
    });
  }
}

/** Creates a stack of recurrent layers, in one or two directions. */
export const recurrent = <S extends string>(options: RecurrentOptions<S>): Recurrent<S> => new Recurrent(options);

/** A final state [N, B, W] with zeros for examples whose mask [T, B] has no valid step. */
function zeroWhereEmpty(final: Tensor, mask: Tensor): Tensor {
  const any = reduce({ mask }, variable("mask"), [0], "max");
  const value = select(less(0, variable("any")), variable("final"), 0);
  return pointwise({ final, any: reshape(any, [1, mask.shape[1]!, 1]) }, value);
}

/** The name in a file: PyTorch's for what PyTorch has (`projection.hr` is its `weight_hr`), `weight_NAME` for unit weights. @public */
export const publicName = (operand: string): string => operand.replace(/^(weight|projection)\./, "weight_");

function makeDirections(o: Complete<RecurrentOptions>): Direction[] {
  const directions: Direction[] = [];
  const width = sizeOf(o.cell.states[0]!.width, o) * (o.bidirectional ? 2 : 1);
  for (let layer = 0; layer < o.numLayers; layer++)
    for (const reverse of o.bidirectional ? [false, true] : [o.reverse]) {
      const inputSize = layer === 0 ? o.inputSize : width;
      const shapes = parameterShapes(o.cell, { ...o, inputSize });
      const parameters = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [name, { shape, initialize: initializerFor(o, name) }]),
      );
      directions.push({
        suffix: `_l${layer}${o.bidirectional && reverse ? "_reverse" : ""}`,
        reverse,
        inputSize,
        parameters,
      });
    }
  return directions;
}

function initializerFor(o: Complete<RecurrentOptions>, operand: string): Initializer {
  if (operand.startsWith("weight.")) return constant(o.cell.weights[operand.slice("weight.".length)]!);
  const begin = recurrentInitializer(o.initialize, operand, {
    hiddenSize: o.hiddenSize,
    gates: operand.endsWith("_hh") ? recurrentGates(o.cell) : o.cell.gates.map((g) => g.name),
  });
  if (o.memorySteps === 0 || operand !== "bias_ih") return begin;
  return (shape, random) => {
    const added = longMemoryBias(o.cell, o.memorySteps, random.at(1).uniform(o.hiddenSize));
    return begin(shape, random).map((value, k) => value + added[k]!);
  };
}
