import type { Cell } from "../cells/define.ts";
import type { Range, ScanShape } from "../compute/plan.ts";
import { withGateSums } from "../scan/gate-sums.ts";
import { heldCell, holdable, holds } from "../scan/held-cell.ts";
import { inferenceCell, maskAtInference } from "../scan/inference-cell.ts";
import { isSmallTable, partsLength, sizeOf, widthOf } from "../scan/widths.ts";
import { mapValues, prefixed } from "../shared/records.ts";
import type { Graph, Lookup, Tensor } from "../tensor/graph.ts";
import type { Parameter } from "../tensor/parameter.ts";
import { rangeFrom } from "../tensor/range.ts";
import type { Hold } from "./held-values.ts";
import { drawMask } from "./random-mask.ts";
import { stepLayer } from "./recurrent-step.ts";
import { dropConnect } from "./weight-dropout.ts";

/** One direction of one layer. */
export interface Direction {
  /** `_l0`, `_l0_reverse`, … */
  readonly suffix: string;
  /** Whether it reads from the last step to the first. */
  readonly reverse: boolean;
  /** Size of its input at a step: D in the first layer, the width of what lies below in others. */
  readonly inputSize: number;
  /** By operand name of the scan. */
  readonly parameters: Readonly<Record<string, Parameter>>;
}
export interface LayerOptions {
  readonly cell: Cell;
  readonly hiddenSize: number;
  readonly projectionSize: number;
  readonly weightDropout: number;
}
export interface LayerResult {
  /** [T, B, directions · H|P] */
  readonly output: Tensor;
  readonly directions: readonly {
    /** [1, B, H|P] by state. */
    readonly final: Readonly<Record<string, Tensor>>;
    /** [T, B, H|P] by name. */
    readonly traced: Readonly<Record<string, Tensor>>;
  }[];
}
type Tensors = Readonly<Record<string, Tensor>>;
interface ScanInput {
  readonly mask?: Tensor | undefined;
  readonly maskedOutput?: "zero" | "previous" | undefined;
  readonly trace?: readonly string[] | undefined;
  readonly hold?: Hold | undefined;
}

/** What the scans of a layer have in common. */
interface LayerScan extends ScanInput {
  readonly options: LayerOptions;
  /** The layer's cell, with what is held or traced as named values. */
  readonly cell: Cell;
  readonly x: Tensor;
  /** Where x is rows of a table so small that their products are taken once for all steps. */
  readonly lookup: Lookup | undefined;
  readonly maskedOutput: "zero" | "previous";
  readonly trace: readonly string[];
  readonly differentiable: boolean;
  /** From one row of the output to the next: the directions lie side by side. */
  readonly outputStride: number;
}

/** A scan in one direction, as it was recorded. */
interface Scan {
  readonly parameters: Tensors;
  readonly states: Tensors;
  readonly final: Tensors;
  readonly traced: Tensors;
  readonly pieces: readonly Piece[];
  /** Whether the forward pass saved what the backward pass reads; else that is saved by a second one, piece after piece. */
  readonly kept: boolean;
}

/** Steps that are taken one by one with weights of 8 bits, at most. */
const MOST_STEPS = 64;

/** One layer: a scan per direction, their outputs side by side in one tensor. On the tape it is one entry. */
export function scanLayer(
  given: LayerOptions,
  directions: readonly Direction[],
  x: Tensor,
  initial: readonly Tensors[],
  { mask, maskedOutput = "zero", trace = [], hold }: ScanInput,
): LayerResult {
  const { graph } = x;
  const options = graph.training ? given : { ...given, cell: inferenceCell(given.cell) };
  // What matrices give is a named value, and values can be held, only where it is asked for: the kernel of other scans stays as it is.
  const own = hold ? heldCell(options.cell) : options.cell;
  const cell = trace.every((name) => name in own.named) ? own : withGateSums(own);
  const [steps, batch] = x.shape as [number, number];
  const width = sizeOf(cell.states[0]!.width, options);
  const outputStride = width * directions.length;
  const read = [...directions.flatMap((d) => parametersOf(graph, d)), ...initial.flatMap((one) => Object.values(one))];
  const differentiable = [x, ...read].some((t) => t.differentiable);
  // A scan reads numbers: those that the 8 bits stand for, where steps do more than go on, and where there are so many that a plan of steps
  // takes long to make.
  const plain = !(differentiable || mask || hold || trace.length > 0 || steps > MOST_STEPS);
  const eightBits = (d: Direction): boolean => Object.values(d.parameters).some((p) => graph.quantizedRanges(p));
  if (plain && directions.some(eightBits)) return stepLayer(options, directions, x, initial);
  const output = graph.empty([steps, batch, outputStride], differentiable);
  const lookup = mask || trace.length > 0 ? undefined : smallTable(x);
  const layer = { options, cell, x, lookup, mask, maskedOutput, trace, hold, differentiable, outputStride };
  const scans = directions.map((direction, k) =>
    recordScan(layer, direction, initial[k]!, rangeFrom(output.range, k * width)),
  );

  graph.record([output, ...scans.flatMap(({ final }) => Object.values(final))], ([dOutput, ...dFinals]) => {
    const orZero = (range: Range | undefined, length: number): Range =>
      range ?? graph.constant([length], new Float32Array(length)).range;
    const gradient = orZero(dOutput, output.range.length);
    scans.forEach((scan, k) => {
      const dFinal = Object.entries(scan.final).map(([name, t], n): [string, Range] => [
        name,
        orZero(dFinals[k * cell.states.length + n], t.range.length),
      ]);
      recordBackward(layer, scan, rangeFrom(gradient, k * width), Object.fromEntries(dFinal));
    });
  });
  return { output, directions: scans };
}

const parametersOf = (graph: Graph, { parameters }: Direction): Tensor[] =>
  Object.values(parameters).map((p) => graph.parameter(p));

/** What `x` [T, B, D] was looked up with, if it is rows of a table that is small beside it. */
function smallTable(x: Tensor): Lookup | undefined {
  const lookup = x.graph.lookupOf(x);
  if (!lookup) return undefined;
  const [steps, batch, width] = x.shape as [number, number, number];
  const [vocabulary, columns] = lookup.table.shape as [number, number];
  return columns === width && isSmallTable(vocabulary, steps * batch) ? lookup : undefined;
}

/** The forward pass in one direction. @param output where its first element goes, with all that follows */
function recordScan(layer: LayerScan, direction: Direction, states: Tensors, output: Range): Scan {
  const { options: o, cell, x, lookup, mask, maskedOutput, trace, hold, differentiable, outputStride } = layer;
  const { graph } = x;
  const [steps, batch] = x.shape as [number, number];
  const { inputSize, reverse } = direction;
  const shape: ScanShape = {
    ...{ cell, steps, batch, inputSize, hiddenSize: o.hiddenSize, projectionSize: o.projectionSize },
    ...{ reverse, masked: mask !== undefined, maskedOutput, outputStride },
    ...(lookup && { vocabulary: lookup.table.shape[0]! }),
  };
  const parameters = {
    ...mapValues(direction.parameters, (p, name) =>
      name === "weight_hh" ? dropConnect(graph.parameter(p), { rate: o.weightDropout }) : graph.parameter(p),
    ),
    ...(hold && heldParameters(o, direction, hold)),
  };
  const empty = (w: number, rows: number): Tensor => graph.empty([rows, batch, w], differentiable);
  const newStates = (): Tensors => Object.fromEntries(cell.states.map((s) => [s.name, empty(sizeOf(s.width, o), 1)]));
  const final = newStates();
  const traced = Object.fromEntries(
    trace.map((name) => [name, empty(sizeOf(widthOf(cell, cell.named[name]!), o), steps)]),
  );
  const inputs: Record<string, Range> = {
    ...(lookup ? { table: lookup.table.range, tokens: lookup.indices.range } : { input: x.range }),
    ...rangesOf(parameters),
    ...maskRanges(graph, o, steps, batch),
    ...(mask && { mask: mask.range }),
  };
  // A repeated output comes from the step before, which another part would have; traces are for looking at, not for long sequences.
  const whole = !differentiable || trace.length > 0 || (mask !== undefined && maskedOutput === "previous");
  const parts = partsOf(shape, whole ? 1 : graph.recompute);
  const kept = differentiable && parts.length === 1;
  let before = states;
  const pieces = parts.map(({ from, shape: part }, number): Piece => {
    const after = number === parts.length - 1 ? final : newStates();
    const of = (range: Range, width: number): Range => rowsOf(range, from * batch, part.steps * batch, width);
    const own = mapValues(inputs, (range, name) => {
      const width = widthPerStep(shape, name);
      return width === undefined ? range : of(range, width);
    });
    const length = differentiable ? graph.machine.savedSize(part) : 0;
    const piece: Piece = {
      shape: part,
      inputs: { ...own, ...prefixed("initial.", rangesOf(before)) },
      outputs: {
        output: of(output, outputStride),
        ...prefixed("final.", rangesOf(after)),
        ...prefixed("trace.", rangesOf(traced)),
      },
      saved: !differentiable ? undefined : kept ? graph.reserve("activations", length) : graph.scratch(length),
      of,
    };
    before = after;
    forward(graph, piece, { save: kept, trace });
    return piece;
  });
  return { parameters, states, final, traced, pieces, kept };
}

/** The backward pass of a scan, from the gradients of its output and of its final states. */
function recordBackward(
  { options, cell, x, lookup, trace, outputStride }: LayerScan,
  { parameters, states, traced, pieces, kept }: Scan,
  dOutput: Range,
  dFinal: Readonly<Record<string, Range>>,
): void {
  const { graph } = x;
  // The kernel writes all gradients of parameters and states; those that nobody wants get a place of their own.
  const wanted = { ...parameters, ...prefixed("initial.", states) };
  const parts = lookup && graph.reserve("activations", partsLength(lookup.table.shape[0]!, { ...options, cell }));
  graph.contribute([lookup?.table ?? x, ...Object.values(wanted)], ([dx, ...found]) => {
    const out = Object.fromEntries(
      Object.entries(wanted).map(
        ([name, t], n) => [`d.${name}`, found[n] ?? graph.reserve("activations", t.range.length)] as const,
      ),
    );
    let after = dFinal;
    for (const [number, piece] of [...pieces.entries()].reverse()) {
      if (!kept) forward(graph, piece, { save: true, trace });
      const before: Record<string, Range> = mapValues(states, (t, name) =>
        number === 0 ? out[`d.initial.${name}`]! : graph.reserve("activations", t.range.length),
      );
      graph.launch(
        {
          ...{ op: "scanBackward", ...piece.shape, inputGradient: dx !== undefined, trace },
          ...(piece !== pieces.at(-1) && { keep: true }),
          ...(lookup && number > 0 && { unfinished: true }),
        },
        {
          ...{ ...piece.inputs, saved: piece.saved! },
          "d.output": piece.of(dOutput, outputStride),
          ...prefixed("d.final.", after),
          ...out,
          ...prefixed("d.initial.", before),
          ...(dx && (lookup ? { "d.table": dx } : { "d.input": piece.of(dx, piece.shape.inputSize) })),
          ...(parts && { "d.parts": parts }),
          ...prefixed(
            "trace.d.",
            mapValues(traced, (t) => graph.adjointOf(t)),
          ),
        },
      );
      after = before;
    }
  });
}

/** Some steps of a sequence, in the order in which a scan comes to them. */
interface Piece {
  readonly shape: ScanShape;
  readonly inputs: Readonly<Record<string, Range>>;
  readonly outputs: Readonly<Record<string, Range>>;
  readonly saved: Range | undefined;
  /** The rows of these steps, of so many elements each. */
  readonly of: (range: Range, width: number) => Range;
}

function forward(
  graph: Graph,
  { shape, inputs, outputs, saved }: Piece,
  { save, trace }: { readonly save: boolean; readonly trace: readonly string[] },
): void {
  graph.launch({ op: "scan", ...shape, save, trace }, { ...inputs, ...outputs, ...(save && { saved: saved! }) });
}

/** The steps of a scan in so many parts of (nearly) equal length, fewer if there are fewer steps. */
function partsOf(shape: ScanShape, count: number): { readonly from: number; readonly shape: ScanShape }[] {
  const parts = Math.min(count, shape.steps);
  const start = (k: number): number => Math.floor((k * shape.steps) / parts);
  const found = Array.from({ length: parts }, (_, k) => ({
    from: start(k),
    shape: { ...shape, steps: start(k + 1) - start(k) },
  }));
  return shape.reverse ? found.reverse() : found;
}

/** Elements of a row [t · B + b] of an input of a scan; undefined for one that is the same at all steps. */
function widthPerStep(shape: ScanShape, name: string): number | undefined {
  if (name === "input") return shape.inputSize;
  if (name === "mask" || name === "tokens") return 1;
  const drawn = name.startsWith("mask.") ? shape.cell.masks[name.slice("mask.".length)] : undefined;
  return drawn?.per === "step" ? sizeOf(drawn.width, shape) : undefined;
}

/** `count` rows of a range of rows, from row `first` on; the last may be shorter, where rows of two tensors interleave. */
function rowsOf(range: Range, first: number, count: number, width: number): Range {
  const offset = first * width;
  return { ...range, offset: range.offset + offset, length: Math.min(range.length - offset, count * width) };
}

const rangesOf = (tensors: Tensors): Record<string, Range> => mapValues(tensors, (t) => t.range);

/** What `heldCell` has beside the parameters of its layer. */
function heldParameters({ cell, hiddenSize }: LayerOptions, { suffix }: Direction, hold: Hold): Tensors {
  return Object.fromEntries(
    holdable(cell).flatMap((name) => {
      const names = holds(name);
      const { keep, held } = hold(`${name}${suffix}`, hiddenSize);
      return [
        [`weight.${names.keep}`, keep],
        [`weight.${names.held}`, held],
      ];
    }),
  );
}

/** Random masks of the cell, in training. */
function maskRanges(graph: Graph, o: LayerOptions, T: number, B: number): Record<string, Range> {
  return Object.fromEntries(
    Object.entries(o.cell.masks).map(([name, mask]) => {
      const { per, rate, kind, width } = mask;
      const units = sizeOf(width, o);
      const steps = per === "step" ? T : 1;
      const out = graph.reserve("activations", steps * B * units);
      if (rate === 0) graph.fill(out, maskAtInference(mask));
      else {
        // Dropout drops with `rate` and scales what is left; zoneout is 1 (keep the old state) with `rate`.
        const draw = kind === "dropout" ? { rate, scale: 1 / (1 - rate) } : { rate: 1 - rate, scale: 1 };
        drawMask(graph, out, [steps, B, units], draw);
      }
      return [`mask.${name}`, out];
    }),
  );
}
