import { LongshortError, nearest, placed, UsageError } from "../../shared/errors.ts";
import { isFloat } from "../data-type.ts";
import { isHost, type Value } from "../value.ts";
import { branchPrefix } from "./learned.ts";
import type { OnnxGraph, OnnxModel, OnnxNode } from "./model.ts";
import { NodeContext, type RecordInside } from "./node.ts";
import { operators } from "./operators/table.ts";
import type { Recorder } from "./recorder.ts";
import { type BeforeScan, beforeScans } from "./scan/before-scans.ts";
import { CellRecorder } from "./scan/cell-recorder.ts";
import { scanLayer } from "./scan/scan-layer.ts";

/**
 * Records a model's graph: walks its nodes in order (a file lists them so that each comes after what it reads) and binds
 * what they compute to names.
 *
 * @param inputs a value for every input of the graph
 * @returns a value for each of the graph's outputs, in their order
 */
export function recordGraph(
  model: OnnxModel,
  recorder: Recorder,
  inputs: ReadonlyMap<string, Value>,
): readonly Value[] {
  return record(model.graph, { opset: model.opset, recorder, prefix: "" }, new Map(inputs));
}

interface Place {
  readonly opset: number;
  readonly recorder: Recorder;
  /** Before the names of a branch's own tensors: two branches may use the same ones for different numbers. */
  readonly prefix: string;
}

type Values = Map<string, Value>;
type Outputs = readonly (Value | undefined)[];

/** @param known values by name; those of the graph are added */
function record(graph: OnnxGraph, place: Place, known: Values): readonly Value[] {
  const { recorder, prefix } = place;
  for (const [name, tensor] of graph.initializers) known.set(name, recorder.held(prefix + name, tensor));
  // The equations of a body hold no scans of their own.
  const before = recorder instanceof CellRecorder ? undefined : beforeScans(graph);
  const waiting = new Set([...(before?.values() ?? [])].flatMap(({ nodes }) => nodes));
  for (const node of graph.nodes) {
    if (waiting.has(node)) continue;
    if (node.op === "Scan" && before) recordScan(node, before.get(node), place, known);
    else recordNode(node, place, known);
  }
  return graph.outputs.map(({ name }) => {
    const value = known.get(name);
    if (!value)
      throw new UsageError("unsupported-onnx", `the output "${name}" is one that its node does not compute here`);
    return value;
  });
}

function recordNode(node: OnnxNode, place: Place, known: Values): void {
  place.recorder.count();
  bind(node, compute(contextOf(node, place, known)), place, known);
}

/** Records a scan as a layer, with what stands before it; where that is no part of its equations, that first; where it is none, step by step. */
function recordScan(node: OnnxNode, before: BeforeScan | undefined, place: Place, known: Values): void {
  const layer = scanLayer(contextOf(node, place, known), (recorder, source) => {
    const values = new Map(known);
    for (const name of before?.read ?? []) values.set(name, source(known.get(name)!));
    for (const one of before?.nodes ?? []) recordNode(one, { ...place, recorder }, values);
    return node.inputs.map((name) => values.get(name));
  });
  if (layer) {
    bind(node, layer, place, known);
    return;
  }
  for (const one of before?.nodes ?? []) recordNode(one, place, known);
  const context = contextOf(node, place, known);
  const alone = before && scanLayer(context, () => context.inputs);
  if (alone) bind(node, alone, place, known);
  else recordNode(node, place, known);
}

function contextOf(node: OnnxNode, place: Place, known: ReadonlyMap<string, Value>): NodeContext {
  const inputs = node.inputs.map((name) => (name === "" ? undefined : known.get(name)));
  // A branch sees the names around it; its own stay inside.
  const inside: RecordInside = (graph, name, given, recorder) => {
    const prefix = branchPrefix(place.prefix, node.name, name);
    return record(graph, { ...place, recorder, prefix }, new Map([...known, ...given]));
  };
  return new NodeContext(node, place.opset, place.recorder, inputs, inside);
}

function bind({ outputs }: OnnxNode, values: Outputs, { recorder, prefix }: Place, known: Values): void {
  for (const [k, name] of outputs.entries()) {
    const value = values[k];
    if (name !== "" && value) known.set(name, recorder.called(prefix + name, value));
  }
}

function compute(context: NodeContext): Outputs {
  const { node } = context;
  const operator = operators.get(node.op);
  if (!operator) throw unknownOperator(node);
  try {
    const result = operator(context);
    const outputs = Array.isArray(result) ? (result as Outputs) : [result as Value];
    if (context.recorder.graph.training && !(context.recorder instanceof CellRecorder))
      expectGradient(context, outputs);
    return outputs;
  } catch (cause) {
    if (cause instanceof LongshortError && cause.message.startsWith("node ")) throw cause;
    throw placed(`node ${JSON.stringify(node.name)} (${node.op})`, cause);
  }
}

/**
 * In a graph for training: whole numbers made of what is learned (a rounding, the place of a maximum) are noted, and numbers with a
 * fraction that no gradient passes through are refused. Conditions are steps, whose gradient is zero almost everywhere.
 */
function expectGradient(context: NodeContext, outputs: readonly (Value | undefined)[]): void {
  const { node, recorder } = context;
  const origin = context.inputs
    .map((x) =>
      !x || isHost(x) ? undefined : (recorder.steps.get(x.tensor.range) ?? (x.tensor.differentiable && node)),
    )
    .find(Boolean);
  if (!origin) return;
  for (const value of outputs) {
    if (!value || isHost(value) || value.tensor.differentiable || value.type === "bool") continue;
    if (!isFloat(value.type)) recorder.steps.set(value.tensor.range, origin);
    else if (value.tensor.range.arena === "activations")
      throw new UsageError(
        "not-differentiable",
        `node ${JSON.stringify(origin.name)} (${origin.op}): the model cannot be trained further, no gradient passes through this operator`,
      );
  }
}

function unknownOperator(node: OnnxNode): UsageError {
  const near = nearest(node.op, [...operators.keys()]);
  return new UsageError(
    "unsupported-onnx",
    `node ${JSON.stringify(node.name)}: the operator ${JSON.stringify(node.op)} is not supported${near ? `; "${near}" is` : ""}`,
  );
}

/** @throws UsageError "unsupported-onnx" that names the first node, branches left out, whose operator is not supported */
export function expectSupported(model: OnnxModel): void {
  const first = model.graph.nodes.find(({ op }) => !operators.has(op));
  if (first) throw unknownOperator(first);
}
