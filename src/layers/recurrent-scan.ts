import type { Cell } from "../cells/define.ts";
import type { Range, ScanShape } from "../compute/plan.ts";
import { withGateSums } from "../scan/gate-sums.ts";
import { sizeOf, widthsOf } from "../scan/widths.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { Parameter } from "../tensor/parameter.ts";
import { stepLayer } from "./recurrent-step.ts";
import { dropConnect } from "./weight-dropout.ts";

/** One direction of one layer. */
export interface Direction {
  /** `_l0`, `_l0_reverse`, … */
  readonly suffix: string;
  readonly reverse: boolean;
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
  readonly maskedOutput?: "zero" | "previous";
  readonly trace?: readonly string[];
}

/** One layer: a scan per direction, their outputs side by side in one tensor. On the tape it is one entry. */
export function scanLayer(
  o: LayerOptions,
  directions: readonly Direction[],
  x: Tensor,
  initial: readonly Tensors[],
  { mask, maskedOutput = "zero", trace = [] }: ScanInput,
): LayerResult {
  const { graph } = x;
  // What matrices give is a named value only where it is asked for: the kernel of other scans stays as it is.
  const cell = trace.every((name) => name in o.cell.named) ? o.cell : withGateSums(o.cell);
  const [steps, batch] = x.shape as [number, number];
  if (directions.some((d) => Object.values(d.parameters).some((p) => graph.quantizedRanges(p))))
    return stepLayer(o, directions, x, initial, { mask, trace });
  const width = sizeOf(cell.states[0]!.width, o);
  const outputStride = width * directions.length;
  const differentiable =
    graph.training || x.differentiable || initial.some((states) => Object.values(states).some((t) => t.differentiable));
  const output = graph.empty([steps, batch, outputStride], differentiable);
  const half = (range: Range, k: number): Range => ({
    ...range,
    offset: range.offset + k * width,
    length: range.length - k * width,
  });

  const scans = directions.map((direction, k) => {
    const shape: ScanShape = {
      ...{
        cell,
        steps,
        batch,
        inputSize: direction.inputSize,
        hiddenSize: o.hiddenSize,
        projectionSize: o.projectionSize,
      },
      ...{ reverse: direction.reverse, masked: mask !== undefined, maskedOutput, outputStride },
    };
    const parameters = mapValues(direction.parameters, (p, name) =>
      name === "weight_hh" ? dropConnect(graph.parameter(p), o.weightDropout) : graph.parameter(p),
    );
    const states = initial[k]!;
    const empty = (w: number, rows: number): Tensor => graph.empty([rows, batch, w], differentiable);
    const final = Object.fromEntries(cell.states.map((s) => [s.name, empty(sizeOf(s.width, o), 1)]));
    const traced = Object.fromEntries(trace.map((name) => [name, empty(traceWidth({ ...o, cell }, name), steps)]));
    const inputs: Record<string, Range> = {
      input: x.range,
      ...ranges("", parameters),
      ...ranges("initial.", states),
      ...maskRanges(graph, o, steps, batch),
      ...(mask && { mask: mask.range }),
      ...(differentiable && { saved: graph.reserve("activations", graph.machine.savedSize(shape)) }),
    };
    graph.launch(
      { op: "scan", ...shape, save: differentiable, trace },
      { ...inputs, output: half(output.range, k), ...ranges("final.", final), ...ranges("trace.", traced) },
    );
    return { shape, inputs, parameters, states, final, traced };
  });

  graph.record([output, ...scans.flatMap((s) => Object.values(s.final))], ([dOutput, ...dFinals]) => {
    const orZero = (range: Range | undefined, length: number): Range =>
      range ?? graph.constant([length], new Float32Array(length)).range;
    const from = orZero(dOutput, output.range.length);
    scans.forEach(({ shape, inputs, parameters, states, final, traced }, k) => {
      const dFinal = Object.values(final).map((t, n) => orZero(dFinals[k * cell.states.length + n], t.range.length));
      // The kernel writes all gradients of parameters and states; those that nobody wants get a place of their own.
      const wanted = { ...prefix("", parameters), ...prefix("initial.", states) };
      graph.contribute([x, ...Object.values(wanted)], ([dx, ...found]) => {
        const out = Object.entries(wanted).map(
          ([name, t], n) => [`d.${name}`, found[n] ?? graph.reserve("activations", t.range.length)] as const,
        );
        graph.launch(
          { op: "scanBackward", ...shape, inputGradient: dx !== undefined, trace },
          {
            ...inputs,
            "d.output": half(from, k),
            ...Object.fromEntries(cell.states.map((s, n) => [`d.final.${s.name}`, dFinal[n]!])),
            ...Object.fromEntries(out),
            ...(dx && { "d.input": dx }),
            ...Object.fromEntries(Object.entries(traced).map(([name, t]) => [`trace.d.${name}`, graph.adjointOf(t)])),
          },
        );
      });
    });
  });
  return { output, directions: scans };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, value: (a: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, a]) => [name, value(a, name)]));
}
const prefix = (text: string, tensors: Tensors): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [`${text}${name}`, t]));
const ranges = (text: string, tensors: Tensors): Record<string, Range> =>
  mapValues(prefix(text, tensors), (t) => t.range);

function traceWidth(o: LayerOptions, name: string): number {
  return sizeOf(widthsOf(o.cell).get(o.cell.named[name]!) ?? "hidden", o);
}

/** Random masks of the cell: drawn in training, otherwise what they are on average. */
function maskRanges(graph: Graph, o: LayerOptions, T: number, B: number): Record<string, Range> {
  return Object.fromEntries(
    Object.entries(o.cell.masks).map(([name, { per, rate, kind, width = "hidden" }]) => {
      const units = sizeOf(width, o);
      const steps = per === "step" ? T : 1;
      const out = graph.reserve("activations", steps * B * units);
      if (!graph.training || rate === 0) graph.fill(out, kind === "dropout" ? 1 : rate);
      else {
        // Dropout drops with `rate` and scales what is left; zoneout is 1 (keep the old state) with `rate`.
        const draw = kind === "dropout" ? { rate, scale: 1 / (1 - rate) } : { rate: 1 - rate, scale: 1 };
        graph.launch(
          { op: "random", shape: [B, steps, units], strides: [units, B * units, 1], draw: { kind: "keep", ...draw } },
          { key: graph.randomKey(), out },
        );
      }
      return [`mask.${name}`, out];
    }),
  );
}
