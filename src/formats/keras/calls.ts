import type { StrictJson } from "../../checkpoint/strict-json.ts";
import { Config, damaged, unsupported } from "./config.ts";

/** One output of one call of a layer, as configurations name it. */
export interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly output: number;
}

/** A name for the value that a reference means: the layer's own for the first output of its first call. */
export const valueName = ({ layer, call, output }: Reference): string => {
  const node = nodeName(layer, call);
  return output === 0 ? node : `${node}:${output}`;
};
export const nodeName = (layer: string, call: number): string => (call === 0 ? layer : `${layer}/${call}`);

/** One call of a layer. */
export interface Call {
  /** The values that it reads; of a recurrent layer the sequence, then its initial states. */
  readonly inputs: readonly Reference[];
  /** The mask it was called with, null: with none. Absent in files of Keras 2, which leaves that to what the sequence carries. */
  readonly mask?: Reference | null;
}

export function readReference(value: unknown, where: string): Reference {
  if (!Array.isArray(value)) throw damaged(`${where}: expected [layer, call, output], got ${JSON.stringify(value)}`);
  const [layer, call, output] = value as unknown[];
  if (typeof layer !== "string" || !isCount(call) || !isCount(output))
    throw damaged(`${where}: expected [layer, call, output], got ${JSON.stringify(value.slice(0, 3))}`);
  return { layer, call, output };
}
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What a layer's calls read, as its `inbound_nodes` say in the format of Keras 3, or of Keras 2 and TensorFlow.js. */
export function readCalls(entry: Config): Call[] {
  const nodes = entry.get("inbound_nodes") ?? [];
  if (!Array.isArray(nodes)) throw entry.wrong("inbound_nodes", "a list");
  return nodes.map((node: StrictJson, k) => {
    const where = `${entry.where}, call ${k}`;
    return Array.isArray(node) ? callOfKeras2(node, where) : callOfKeras3(new Config(node, where));
  });
}

function callOfKeras2(node: readonly StrictJson[], where: string): Call {
  // A call with one input is also written without the outer list.
  const given = typeof node[0] === "string" ? [node] : node;
  const inputs = given.flatMap((input) => {
    const keywords = Array.isArray(input) ? input[3] : undefined;
    return [
      readReference(input, where),
      ...(keywords instanceof Map ? readKeywords(new Config(keywords, where), (v) => readReferences(v, where)) : []),
    ];
  });
  return { inputs };
}

const readReferences = (value: StrictJson, where: string): Reference[] =>
  Array.isArray(value) && typeof value[0] !== "string"
    ? value.map((one) => readReference(one, where))
    : [readReference(value, where)];

function callOfKeras3(node: Config): Call {
  const inputs = node.list("args").flatMap((arg) => tensorsOf(arg, node.where));
  const keywords = node.has("kwargs") ? node.object("kwargs") : undefined;
  const given = keywords?.get("mask");
  const [mask = null, ...others] = given === undefined ? [] : masksOf(given, node.where);
  if (others.length > 0) throw unsupported(`${node.where}: the layer is called with ${1 + others.length} masks`);
  const states = keywords ? readKeywords(keywords.with("mask", null), (v) => tensorsOf(v, node.where)) : [];
  return { inputs: [...inputs, ...states], mask };
}

/** A list of masks may hold nothing. */
const masksOf = (value: StrictJson, where: string): Reference[] =>
  [value].flat().flatMap((one) => (one === null ? [] : tensorsOf(one as StrictJson, where)));

export function tensorsOf(value: StrictJson, where: string): Reference[] {
  if (Array.isArray(value)) return value.flatMap((one: StrictJson) => tensorsOf(one, where));
  const tensor = value instanceof Map ? new Config(value, where) : undefined;
  if (tensor?.get("class_name") !== "__keras_tensor__")
    throw unsupported(
      `${where}: a call with ${JSON.stringify(tensor?.get("class_name") ?? value)} in place of a tensor`,
    );
  return [readReference(tensor.object("config").list("keras_history"), where)];
}

/** Initial states are inputs behind the sequence; what else a call says by name must be of no effect. */
function readKeywords(keywords: Config, read: (value: StrictJson) => Reference[]): Reference[] {
  for (const key of keywords.keys()) {
    const value = keywords.get(key);
    if (key === "initial_state" || value === undefined || (key === "training" && value === false)) continue;
    throw unsupported(`${keywords.where}: the layer is called with ${key}`);
  }
  const states = keywords.get("initial_state");
  return states === undefined ? [] : read(states);
}
