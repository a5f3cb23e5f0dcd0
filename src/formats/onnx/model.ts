import { FailureError, UsageError } from "../../shared/errors.ts";
import { readMessage } from "../protobuf.ts";
import type { ModelPort } from "../runnable.ts";
import { type ExternalData, externalData, type OpenExternal } from "./external-data.ts";
import {
  type AttributeMessage,
  type GraphMessage,
  type ModelMessage,
  modelSpec,
  type ValueInfoMessage,
} from "./messages.ts";
import { dataTypeOf, decodeTensor, type OnnxTensor } from "./tensor-data.ts";

/** The content of an ONNX file, checked. */
export interface OnnxModel {
  /** Version of the default operator set. */
  readonly opset: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: OnnxGraph;
}

/** Nodes in the order in which they can be computed, with what they read. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  /** Tensors that the file holds, by name. */
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** What a caller gives; those that the file holds a value for are left out. */
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
}

/** A value that a node is given by the file. */
export type OnnxAttribute = number | string | readonly number[] | readonly string[] | OnnxTensor | OnnxGraph;

export const isTensor = (value: OnnxAttribute | undefined): value is OnnxTensor =>
  typeof value === "object" && "data" in value;
export const isGraph = (value: OnnxAttribute | undefined): value is OnnxGraph =>
  typeof value === "object" && "nodes" in value;

/** An operator with the names of what it reads and gives. */
export interface OnnxNode {
  /** Its own name, or that of its first output; where two nodes have the same one, `#2` and so on follow it. */
  readonly name: string;
  readonly op: string;
  /** "" where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** Operator sets whose operators mean what this package computes. */
const OPSETS = { first: 7, last: 24 } as const;
const MAXIMUM_NODES = 200_000;

const damaged = (what: string): FailureError => new FailureError("damaged-onnx", `the ONNX file is damaged: ${what}`);
const unsupported = (what: string): UsageError => new UsageError("unsupported-onnx", what);

/**
 * Parses an ONNX file. Nothing is computed and no other file is read.
 * @throws FailureError "damaged-onnx"; UsageError "unsupported-onnx" (operator set, external data, functions, element types)
 */
export const readOnnx = (bytes: Uint8Array): OnnxModel => modelOf(readMessage(bytes, modelSpec), new Map());

/** The same with the tensors whose numbers lie in other files; `open` is given the names of these. Errors as `readOnnx`. */
export async function readOnnxWith(bytes: Uint8Array, open: OpenExternal): Promise<OnnxModel> {
  const message = readMessage(bytes, modelSpec);
  return modelOf(message, await externalData(message.graph, open));
}

function modelOf(message: ModelMessage, external: ExternalData): OnnxModel {
  if (!message.graph) throw damaged("it holds no graph; is it an ONNX file?");
  const versions = message.opsetImport.filter(({ domain = "" }) => domain === "" || domain === "ai.onnx");
  const opset = versions[0]?.version;
  if (opset === undefined) throw damaged("it does not say which operator set it uses");
  if (!(opset >= OPSETS.first && opset <= OPSETS.last))
    throw unsupported(
      `the model uses operator set ${opset}; supported are ${OPSETS.first} to ${OPSETS.last}: export it again with one of these, or convert it with onnx.version_converter`,
    );
  if (message.functions.length > 0)
    throw unsupported("the model defines functions of its own; export it again with functions inlined");
  const counter: Counter = { nodes: 0, names: new Set(), external };
  return {
    opset,
    producer: [message.producerName, message.producerVersion].filter(Boolean).join(" "),
    metadata: new Map(message.metadataProps.map(({ key = "", value = "" }) => [key, value])),
    graph: readGraph(message.graph, new Set(), counter),
  };
}

/** What is counted over a graph and the graphs inside it, and what lies outside of it. */
interface Counter {
  nodes: number;
  readonly names: Set<string>;
  readonly external: ExternalData;
}

/** Weights are found again by the name of their node, so that no two may share it, also not in two branches. */
function unique(name: string, taken: Set<string>): string {
  let own = name;
  for (let n = 2; taken.has(own); n++) own = `${name}#${n}`;
  taken.add(own);
  return own;
}

/** @param outer names that the graph around this one has defined */
function readGraph(message: GraphMessage, outer: ReadonlySet<string>, counter: Counter): OnnxGraph {
  if (message.sparseInitializer.length > 0) throw unsupported("the model holds sparse tensors");
  const initializers = new Map<string, OnnxTensor>();
  const defined = new Set(outer);
  const define = (name: string, what: string): void => {
    if (defined.has(name)) throw damaged(`${what} ${JSON.stringify(name)} is defined more than once`);
    defined.add(name);
  };
  for (const tensor of message.initializer) {
    const decoded = decodeTensor(tensor, counter.external.get(tensor));
    define(decoded.name, "the tensor");
    initializers.set(decoded.name, decoded);
  }
  const inputs = message.input.filter(({ name = "" }) => !initializers.has(name)).map(readPort);
  for (const { name } of inputs) define(name, "the input");
  const nodes = message.node.map((node, at): OnnxNode => {
    if (++counter.nodes > MAXIMUM_NODES) throw damaged(`it has more than ${MAXIMUM_NODES} nodes`);
    // Operators of ONNX Runtime's own set go by their whole name.
    const op = `${node.domain === "com.microsoft" ? "com.microsoft." : ""}${node.opType ?? ""}`;
    const name = unique(node.name || node.output.find(Boolean) || `node ${at}`, counter.names);
    if (node.domain && !["ai.onnx", "com.microsoft"].includes(node.domain))
      throw unsupported(
        `node ${JSON.stringify(name)} is an operator ${JSON.stringify(op)} of the domain ${JSON.stringify(node.domain)}`,
      );
    for (const input of node.input)
      if (input !== "" && !defined.has(input))
        throw damaged(
          `node ${JSON.stringify(name)} (${op}) reads ${JSON.stringify(input)}, which nothing before it defines`,
        );
    const attributes = new Map<string, OnnxAttribute>();
    for (const attribute of node.attribute) {
      const value = readAttribute(attribute, name, defined, counter);
      if (value !== undefined) attributes.set(attribute.name ?? "", value);
    }
    for (const output of node.output) if (output !== "") define(output, "the value");
    return { name, op, inputs: node.input, outputs: node.output, attributes };
  });
  const outputs = message.output.map(readPort);
  for (const { name } of outputs)
    if (!defined.has(name)) throw damaged(`the output ${JSON.stringify(name)} is not defined by any node`);
  return { name: message.name ?? "", nodes, initializers, inputs, outputs };
}

function readPort({ name = "", type }: ValueInfoMessage): ModelPort {
  const tensor = type?.tensorType;
  return {
    name,
    type: tensor?.elemType === undefined ? undefined : dataTypeOf(tensor.elemType, `value ${JSON.stringify(name)}`),
    // Some exporters write −1 or 0 for a size that is open.
    shape: tensor?.shape?.dim.map(({ dimValue = 0, dimParam }) => dimParam || (dimValue > 0 ? dimValue : undefined)),
  };
}

const decoder = new TextDecoder();

/** The value of an attribute; its type decides where it lies. Old files leave the type out. */
function readAttribute(
  a: AttributeMessage,
  node: string,
  defined: ReadonlySet<string>,
  counter: Counter,
): OnnxAttribute | undefined {
  const text = (bytes: Uint8Array = new Uint8Array()): string => decoder.decode(bytes);
  switch (a.type ?? guessType(a)) {
    case 1:
      return a.f ?? 0;
    case 2:
      return a.i ?? 0;
    case 3:
      return text(a.s);
    case 4:
      return a.t && decodeTensor(a.t, counter.external.get(a.t));
    case 5:
      return a.g && readGraph(a.g as unknown as GraphMessage, defined, counter);
    case 6:
      return a.floats;
    case 7:
      return a.ints;
    case 8:
      return a.strings.map(text);
    case 0:
      return undefined;
    default:
      throw unsupported(`node ${JSON.stringify(node)}: attribute ${JSON.stringify(a.name ?? "")} is of type ${a.type}`);
  }
}

function guessType(a: AttributeMessage): number {
  const found = [
    [a.f, 1],
    [a.i, 2],
    [a.s, 3],
    [a.t, 4],
    [a.g, 5],
    [a.floats.length || undefined, 6],
    [a.ints.length || undefined, 7],
    [a.strings.length || undefined, 8],
  ].find(([value]) => value !== undefined);
  return (found?.[1] as number | undefined) ?? 0;
}
