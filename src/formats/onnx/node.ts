import { UsageError } from "../../shared/errors.ts";
import { formatShape } from "../../shared/shapes.ts";
import { NeededOnHost } from "../plans.ts";
import { type HostValue, isHost, type Value } from "../value.ts";
import { isGraph, isTensor, type OnnxAttribute, type OnnxGraph, type OnnxNode } from "./model.ts";
import type { Recorder } from "./recorder.ts";
import type { OnnxTensor } from "./tensor-data.ts";

/** How one operator becomes primitives: from a node with its inputs to a value for each of its outputs. */
export type Operator = (node: NodeContext) => Value | readonly (Value | undefined)[];

/** Records a graph that is an attribute of a node, which sees the names around it and those given to it. */
export type RecordInside = (
  graph: OnnxGraph,
  name: string,
  given: ReadonlyMap<string, Value>,
  recorder: Recorder,
) => readonly Value[];

/** A node while it is recorded: its inputs, its attributes with their defaults, and the primitives. */
export class NodeContext {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly recorder: Recorder;
  readonly inputs: readonly (Value | undefined)[];
  private readonly inside: RecordInside;

  constructor(
    node: OnnxNode,
    opset: number,
    recorder: Recorder,
    inputs: readonly (Value | undefined)[],
    inside: RecordInside,
  ) {
    this.node = node;
    this.opset = opset;
    this.recorder = recorder;
    this.inputs = inputs;
    this.inside = inside;
  }

  /** The same node with other inputs, and where its operator set is another one, of that. */
  withInputs(inputs: readonly (Value | undefined)[], opset = this.opset): NodeContext {
    return new NodeContext(this.node, opset, this.recorder, inputs, this.inside);
  }

  /** Says what of this node is wrong or not supported. */
  fail(reason: string): UsageError {
    return new UsageError("unsupported-onnx", `node ${JSON.stringify(this.node.name)} (${this.node.op}): ${reason}`);
  }

  has(k: number): boolean {
    return this.inputs[k] !== undefined;
  }

  input(k: number): Value {
    const value = this.inputs[k];
    if (!value) throw this.fail(`input ${k} is missing`);
    return value;
  }

  /** An input whose numbers must be known now. */
  host(k: number): HostValue {
    const value = this.input(k);
    if (isHost(value)) return value;
    throw this.neededOnHost(`input ${k} ("${this.node.inputs[k]}", ${formatShape(value.shape)})`);
  }

  /** For what must be known now; whole-number inputs may then become part of what the plan is recorded for. */
  neededOnHost(what: string): NeededOnHost {
    const { message } = this.fail(`${what} must follow from shapes and constants, it depends on the numbers given`);
    return new NeededOnHost("unsupported-onnx", message);
  }

  hostNumbers(k: number): number[] {
    return Array.from(this.host(k).data);
  }

  number(name: string, byDefault: number): number {
    return this.attribute(name, (v): v is number => typeof v === "number") ?? byDefault;
  }
  string(name: string, byDefault: string): string {
    return this.attribute(name, (v): v is string => typeof v === "string") ?? byDefault;
  }
  numbers(name: string): readonly number[] | undefined {
    return this.attribute(
      name,
      (v): v is readonly number[] => Array.isArray(v) && v.every((n) => typeof n === "number"),
    );
  }
  strings(name: string): readonly string[] | undefined {
    return this.attribute(
      name,
      (v): v is readonly string[] => Array.isArray(v) && v.every((n) => typeof n === "string"),
    );
  }
  tensorAttribute(name: string): OnnxTensor | undefined {
    return this.attribute(name, isTensor);
  }
  graphAttribute(name: string): OnnxGraph {
    const graph = this.attribute(name, isGraph);
    if (!graph) throw this.fail(`attribute ${name} is missing`);
    return graph;
  }

  /** Records the graph of an attribute (a branch, the body of a loop) and returns its outputs; `given` are its inputs. */
  branch(name: string, given: readonly Value[] = [], recorder = this.recorder): readonly Value[] {
    const graph = this.graphAttribute(name);
    if (graph.inputs.length !== given.length)
      throw this.fail(`${name} has ${graph.inputs.length} inputs, ${given.length} are given to it`);
    return this.inside(graph, name, new Map(graph.inputs.map((port, k) => [port.name, given[k]!])), recorder);
  }

  /** Axes given as an attribute in older operator sets and as input `k` since. */
  axes(k: number, rank: number): number[] | undefined {
    const given = this.numbers("axes") ?? (this.has(k) ? this.hostNumbers(k) : undefined);
    return given?.map((axis) => this.axis(axis, rank));
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis;
    if (!(Number.isInteger(counted) && counted >= 0 && counted < rank))
      throw this.fail(`axis ${axis} of a value with ${rank} axes`);
    return counted;
  }

  private attribute<T extends OnnxAttribute>(name: string, fits: (value: OnnxAttribute) => value is T): T | undefined {
    const value = this.node.attributes.get(name);
    if (value === undefined) return undefined;
    if (!fits(value)) throw this.fail(`attribute ${name} is of another type than expected`);
    return value;
  }
}
