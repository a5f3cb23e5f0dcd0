import type { CellState } from "../../../cells/define.ts";
import { renamed } from "../../../layers/held-values.ts";
import { type Recurrent, recurrent } from "../../../layers/recurrent.ts";
import type { Expression } from "../../../math/expression.ts";
import { LongshortError } from "../../../shared/errors.ts";
import { sameShape, size } from "../../../shared/shapes.ts";
import type { Tensor } from "../../../tensor/graph.ts";
import { isFloat } from "../../data-type.ts";
import { isHost, type Value } from "../../value.ts";
import type { OnnxGraph } from "../model.ts";
import type { NodeContext } from "../node.ts";
import { tracedOf } from "../operators/recurrent.ts";
import type { Recorder } from "../recorder.ts";
import { CellRecorder, type Source } from "./cell-recorder.ts";
import { NotACell } from "./equations.ts";
import { type FoundCell, foundCell } from "./found-cell.ts";
import { labelOf } from "./label.ts";
import { ScanWeights, type SourceColumns } from "./scan-weights.ts";
import { isUnits, type UnitsValue } from "./units-value.ts";

/** Computes with a recorder what stands before a scan, from what each step is given; gives the inputs of the scan, in their order. */
export type RecordBefore = (recorder: Recorder, source: (value: Value) => UnitsValue) => readonly (Value | undefined)[];

/**
 * A node of ONNX' Scan as a recurrent layer whose cell has the equations of its body, for any number of steps; undefined where no cell
 * says them.
 */
export function scanLayer(node: NodeContext, before: RecordBefore): readonly Value[] | undefined {
  let found: Found;
  try {
    found = findLayer(node, before);
  } catch (error) {
    // Whatever else is wrong shows where the body is recorded element by element.
    if (error instanceof LongshortError) return undefined;
    throw error;
  }
  return recordLayer(node, found);
}

/** What a scan gives out of all its steps. */
interface FoundOutput {
  /** The name of a value of the cell. */
  readonly name: string;
  /** Of an element of it. */
  readonly shape: readonly number[];
  readonly axis: number;
  readonly flipped: boolean;
}

interface Found {
  readonly layer: Recurrent;
  /** [T, B, D] */
  readonly input: Tensor;
  /** By state, [1, B, W], in the order of the node. */
  readonly initial: ReadonlyMap<string, Tensor>;
  /** Of what the node gives back, in its order. */
  readonly states: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly FoundOutput[];
}

function findLayer(node: NodeContext, before: RecordBefore): Found {
  const { recorder } = node;
  const form = scanForm(node);
  const initial = node.inputs.slice(0, form.states).map((_, k) => node.input(k));
  const [first] = initial;
  if (!first) throw new NotACell("it has no state");
  const batch = size(first.shape) / (first.shape.at(-1) ?? 1);
  for (const { type, shape } of initial)
    if (!isFloat(type) || shape.length === 0 || size(shape) / shape.at(-1)! !== batch)
      throw new NotACell("a state that is no vector of each example");
  const own = new CellRecorder(recorder, batch);
  const stepsOf = (value: Value): Source => {
    const float = isFloat(value.type) ? value : recorder.cast(value, "float32");
    return { value: float, width: value.shape.at(-1)!, fixed: false };
  };
  const scanned = before(own, (value) => own.source(stepsOf(value), value.type, value.shape)).slice(form.states);
  const [steps] = scanned.map((value, k) => value!.shape[form.axes(value!, k)]);
  const elements = scanned.map((value, k): Value => {
    const axis = form.axes(value!, k);
    const { shape } = value!;
    if (axis === shape.length - 1 || shape[axis] !== steps)
      throw new NotACell("it scans units, or axes of two lengths");
    const whole = isUnits(value) ? value : own.source(stepsOf(value!), value!.type, shape);
    return whole.under(shape.toSpliced(axis, 1));
  });
  const body = node.graphAttribute("body");
  const names = stateNames(body, form.states);
  const states = initial.map(({ shape }, k) => own.previous(names[k]!, shape));
  const results = node.branch("body", [...states, ...elements], own);
  const equationOf = (value: Value, shape: readonly number[]): Expression => {
    const vector = own.expand(value, shape);
    if (!isUnits(vector) || !sameShape(vector.shape, shape)) throw new NotACell("what it gives is no vector");
    return own.settled(vector);
  };
  const next = results.slice(0, form.states).map((value, k) => equationOf(value, initial[k]!.shape));
  const given = results.slice(form.states).map((value) => ({ value, of: equationOf(value, value.shape) }));
  const values = namedValues(own, names, next);
  const called = given.map(({ of }) => nameOf(of, names, next, values));
  // A layer gives its first state of all steps: one that the scan gives, or else what it gives as a state that nobody goes on from.
  const asked = called.find((name) => names.includes(name)) ?? called[0];
  const alone = asked !== undefined && !names.includes(asked);
  const ordered = [
    ...(alone ? [{ name: asked, width: given[0]!.value.shape.at(-1)!, next: given[0]!.of }] : []),
    ...names
      .map((name, k) => ({ name, width: initial[k]!.shape.at(-1)!, next: next[k]! }))
      .sort((a, b) => Number(b.name === asked) - Number(a.name === asked)),
  ];
  if (alone) values.delete(asked);
  const cell = foundCell(own.equations, ordered, values);
  const columns = columnsOf(own.sources, cell);
  expectFew(cell, columns);
  const input = inputOf(recorder, own.sources, columns, { batch, steps: steps!, axes: scanned.map(form.axes) });
  const layer = layerOf(node, cell, columns, form.reverse);
  const tensors = initial.map((value, k) => stateTensor(recorder, value, [1, batch, initial[k]!.shape.at(-1)!]));
  const differentiable = [
    input,
    ...tensors,
    ...Object.values(layer.parts).map((p) => recorder.graph.parameter(p)),
  ].some((tensor) => tensor.differentiable);
  if (differentiable && called.some((name) => name !== asked))
    throw new NotACell("several values of all steps, through which gradients go");
  return {
    ...{ layer, input, initial: new Map(names.map((name, k) => [name, tensors[k]!])) },
    states: names.map((name, k) => ({ name, shape: initial[k]!.shape })),
    outputs: called.map((name, k) => form.output(given[k]!.value, k, name)),
  };
}

/** What states are called: as what they become, or as what they were, in the graph; else by numbers. */
function stateNames({ inputs, outputs }: OnnxGraph, count: number): string[] {
  const names = Array.from({ length: count }, (_, k) => labelOf(outputs[k]?.name) ?? labelOf(inputs[k]?.name) ?? "");
  return names.map((name, k) => (name !== "" && names.indexOf(name) === k ? name : `s${k + 1}`));
}

/** The attributes of a node, of which all inputs have to go one way. */
function scanForm(node: NodeContext) {
  const scanned = node.number("num_scan_inputs", 0);
  const states = node.inputs.length - scanned;
  if (node.opset < 9 || scanned < 1 || states < 0) throw new NotACell("a scan of another form");
  const list = (name: string, k: number): number => node.numbers(name)?.[k] ?? 0;
  const directions = new Set(Array.from({ length: scanned }, (_, k) => list("scan_input_directions", k)));
  if (directions.size > 1) throw new NotACell("inputs that are read in both directions");
  const reverse = directions.has(1);
  return {
    states,
    reverse,
    axes: (value: Value | undefined, k: number): number =>
      node.axis(list("scan_input_axes", k), value?.shape.length ?? 0),
    output: ({ shape }: Value, k: number, name: string): FoundOutput => ({
      ...{ name, shape, axis: node.axis(list("scan_output_axes", k), shape.length + 1) },
      flipped: (list("scan_output_directions", k) === 1) !== reverse,
    }),
  };
}

/** What the graph has names for, as far as it is more than a letter and no next state. */
function namedValues(
  own: CellRecorder,
  states: readonly string[],
  next: readonly Expression[],
): Map<string, Expression> {
  const values = new Map<string, Expression>();
  for (const [name, { form }] of own.named) {
    const label = labelOf(name);
    if (label === undefined || form.kind !== "units" || states.includes(label) || values.has(label)) continue;
    const { op } = form.of;
    if (op !== "variable" && op !== "constant" && !next.includes(form.of)) values.set(label, form.of);
  }
  return values;
}

/** The name of a value: of a state, of a value that has one, or a new one, which is noted. */
function nameOf(
  of: Expression,
  states: readonly string[],
  next: readonly Expression[],
  values: Map<string, Expression>,
): string {
  const state = states[next.indexOf(of)];
  if (state !== undefined) return state;
  const known = [...values].find(([, value]) => value === of)?.[0];
  if (known !== undefined) return known;
  let name = "y";
  for (let k = 2; states.includes(name) || values.has(name); k++) name = `y${k}`;
  values.set(name, of);
  return name;
}

/** The sources that gates read, side by side; a gate that reads nothing reads the first. */
function columnsOf(sources: readonly Source[], { gates }: FoundCell): SourceColumns[] {
  const read = new Set([...gates.values()].flatMap(({ input }) => input?.of.terms.map(({ source }) => source) ?? []));
  if (read.size === 0) read.add(0);
  return [...read].sort((a, b) => a - b).map((source) => ({ source, width: sources[source]!.width }));
}

/** Weights of a layer that are made for what has no matrix in the graph, at most: with more of them a step takes longer than its operators alone. */
const MOST_MADE = 2 ** 22;

function expectFew({ gates, hiddenSize }: FoundCell, columns: readonly SourceColumns[]): void {
  const bare = new Set(
    [...gates.values()].flatMap(
      ({ input }) => input?.of.terms.filter(({ block }) => !block).map(({ source }) => source) ?? [],
    ),
  );
  const made = columns.reduce((sum, { source, width }) => sum + (bare.has(source) ? width : 0), 0);
  if (gates.size * hiddenSize * made > MOST_MADE) throw new NotACell("wide inputs that are read unit by unit");
}

/** [T, B, D] */
function inputOf(
  recorder: Recorder,
  sources: readonly Source[],
  columns: readonly SourceColumns[],
  { batch, steps, axes }: { readonly batch: number; readonly steps: number; readonly axes: readonly number[] },
): Tensor {
  if (new Set(axes).size > 1) throw new NotACell("it scans several axes");
  const parts = columns.map(({ source }) => {
    const { value, width, fixed } = sources[source]!;
    const shape = [steps, batch, width];
    if (fixed) return recorder.expand(recorder.reshape(value, [1, batch, width]), shape);
    const order = [axes[0]!, ...value.shape.map((_, axis) => axis).filter((axis) => axis !== axes[0])];
    if (size(value.shape) !== size(shape)) throw new NotACell("its inputs are of other examples than its states");
    return recorder.reshape(recorder.transpose(value, order), shape);
  });
  const whole = recorder.concatenate(parts, 2);
  return recorder.tensor(isHost(whole) ? { ...whole, constant: false } : whole);
}

function layerOf(node: NodeContext, found: FoundCell, columns: readonly SourceColumns[], reverse: boolean): Recurrent {
  const { recorder } = node;
  const { cell, hiddenSize, projectionSize } = found;
  const inputSize = columns.reduce((sum, { width }) => sum + width, 0);
  const layer = recurrent({ cell, inputSize, hiddenSize, projectionSize, reverse });
  const weights = new ScanWeights(recorder, found, columns);
  const { parts, layout } = weights;
  for (const [part, parameter] of Object.entries(layer.parts)) {
    const name = `${node.node.name}.${part} ${layout}`;
    recorder.graph.substitute(parameter, recorder.derived(name, parameter.shape, parts[part]!));
  }
  return layer;
}

/** With gradients to be traced, one that wants them: with it the scan has a way back, though none of its weights is learned. */
function stateTensor(recorder: Recorder, value: Value, shape: readonly number[]): Tensor {
  const own = recorder.reshape(value, shape);
  const tensor = recorder.tensor(isHost(own) ? { ...own, constant: false } : own);
  return recorder.trace?.gradients && !tensor.differentiable ? { ...tensor, differentiable: true } : tensor;
}

function recordLayer(node: NodeContext, { layer, input, initial, states, outputs }: Found): readonly Value[] {
  const { recorder } = node;
  const { cell } = layer.options;
  const named = (name: string): string => `${node.node.name}.${name.replace(/_l0$/, "")}`;
  const asked = tracedOf(node, cell);
  const [first] = cell.states as readonly [CellState, ...CellState[]];
  const wanted = outputs.map(({ name }) => name).filter((name) => name !== first.name);
  const { output, final, traces } = layer.forward(input, {
    initial: Object.fromEntries(initial),
    trace: [...new Set([...asked, ...wanted])],
    hold: renamed(recorder.trace?.hold, named),
  });
  for (const [name, tensor] of Object.entries(traces))
    if (asked.includes(name.replace(/_l0$/, ""))) recorder.traces.set(named(name), tensor);
  const device = (tensor: Tensor): Value => recorder.device("float32", tensor);
  return [
    ...states.map(({ name, shape }) => recorder.reshape(device(final[name]!), shape)),
    ...outputs.map(({ name, shape, axis, flipped }) => {
      const whole = device(name === first.name ? output : traces[`${name}_l0`]!);
      const [steps] = whole.shape as [number];
      // One number of each example stands in all of its units.
      const units = recorder.slice(whole, 2, 0, shape.at(-1)!);
      const ordered = flipped ? recorder.slice(units, 0, steps - 1, steps, -1) : units;
      const order = shape.map((_, k) => k + 1).toSpliced(axis, 0, 0);
      return recorder.transpose(recorder.reshape(ordered, [steps, ...shape]), order);
    }),
  ];
}
