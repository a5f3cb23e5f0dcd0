import { LongshortError, nearest, UsageError } from "../../shared/errors.ts";
import type { OnnxGraph, OnnxModel, OnnxNode } from "./model.ts";
import { NodeContext, type RecordInside } from "./node.ts";
import { operators } from "./operators/table.ts";
import type { Recorder } from "./recorder.ts";
import { hostValue, isHost, type Value } from "../value.ts";

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
  for (const [name, { type, shape, data }] of graph.initializers)
    known.set(name, { ...hostValue(type, shape, data, { constant: true }), name: prefix + name });
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : known.get(name)));
    // A branch sees the names around it; its own stay inside.
    const inside: RecordInside = (inner, name, given) =>
      record(inner, { ...place, prefix: `${prefix}${node.name}.${name}.` }, new Map([...known, ...given]));
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
    return Array.isArray(result) ? (result as readonly (Value | undefined)[]) : [result as Value];
  } catch (cause) {
    const where = `node ${JSON.stringify(node.name)} (${node.op})`;
    if (!(cause instanceof LongshortError) || cause.message.startsWith("node ")) throw cause;
    throw new UsageError(cause.code, `${where}: ${cause.message}`, { cause });
  }
}

function unknownOperator(node: OnnxNode): UsageError {
  const near = nearest(node.op, [...operators.keys()]);
  return new UsageError(
    "unsupported-onnx",
    `node ${JSON.stringify(node.name)}: the operator ${JSON.stringify(node.op)} is not supported${near ? `; "${near}" is` : ""}`,
  );
}

/** The nodes of a graph, its branches left out, whose operator is not supported. */
export const unsupportedNodes = (model: OnnxModel): readonly OnnxNode[] =>
  model.graph.nodes.filter(({ op }) => !operators.has(op));

/** @throws UsageError "unsupported-onnx" that names the first node whose operator is not supported */
export function expectSupported(model: OnnxModel): void {
  const [first] = unsupportedNodes(model);
  if (first) throw unknownOperator(first);
}
