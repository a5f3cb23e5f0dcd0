import { LongshortError, nearest, placed, UsageError } from "../../shared/errors.ts";
import { isFloat } from "../data-type.ts";
import { isHost, type Value } from "../value.ts";
import { branchPrefix } from "./learned.ts";
import type { OnnxGraph, OnnxModel, OnnxNode } from "./model.ts";
import { NodeContext, type RecordInside } from "./node.ts";
import { operators } from "./operators/table.ts";
import type { Recorder } from "./recorder.ts";

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

function record(graph: OnnxGraph, place: Place, known: Map<string, Value>): readonly Value[] {
  const { opset, recorder, prefix } = place;
  for (const [name, tensor] of graph.initializers) known.set(name, recorder.held(prefix + name, tensor));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : known.get(name)));
    // A branch sees the names around it; its own stay inside.
    const inside: RecordInside = (inner, name, given) =>
      record(inner, { ...place, prefix: branchPrefix(prefix, node.name, name) }, new Map([...known, ...given]));
    recorder.count();
    const outputs = compute(new NodeContext(node, opset, recorder, inputs, inside));
    node.outputs.forEach((name, k) => {
      const value = outputs[k];
      if (name === "" || !value) return;
      const nameless = isHost(value) && value.constant && value.name === undefined;
      known.set(name, nameless ? { ...value, name: prefix + name } : value);
    });
  }
  return graph.outputs.map(({ name }) => {
    const value = known.get(name);
    if (!value)
      throw new UsageError("unsupported-onnx", `the output "${name}" is one that its node does not compute here`);
    return value;
  });
}

function compute(context: NodeContext): readonly (Value | undefined)[] {
  const { node } = context;
  const operator = operators.get(node.op);
  if (!operator) throw unknownOperator(node);
  try {
    const result = operator(context);
    const outputs = Array.isArray(result) ? (result as readonly (Value | undefined)[]) : [result as Value];
    if (context.recorder.graph.training) expectGradient(context, outputs);
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
