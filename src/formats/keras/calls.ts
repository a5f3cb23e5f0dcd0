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

export function readReference(value: unknown, where: string): Reference {
  if (!Array.isArray(value)) throw damaged(`${where}: expected [layer, call, output], got ${JSON.stringify(value)}`);
  const [layer, call, output] = value as unknown[];
  if (typeof layer !== "string" || !isCount(call) || !isCount(output))
    throw damaged(`${where}: expected [layer, call, output], got ${JSON.stringify(value.slice(0, 3))}`);
  return { layer, call, output };
}
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What a layer's calls read, as its `inbound_nodes` say in the format of Keras 3, or of Keras 2 and TensorFlow.js. */
export function readCalls(entry: Config): Reference[][] {
  const nodes = entry.get("inbound_nodes") ?? [];
  if (!Array.isArray(nodes)) throw entry.wrong("inbound_nodes", "a list");
  return nodes.map((node: StrictJson, k) => {
    const where = `${entry.where}, call ${k}`;
    return Array.isArray(node) ? callOfKeras2(node, where) : callOfKeras3(new Config(node, where));
  });
}

function callOfKeras2(node: readonly StrictJson[], where: string): Reference[] {
  // A call with one input is also written without the outer list.
  const inputs = typeof node[0] === "string" ? [node] : node;
  return inputs.flatMap((input) => {
    const keywords = Array.isArray(input) ? input[3] : undefined;
    return [
      readReference(input, where),
      ...(keywords instanceof Map ? readKeywords(new Config(keywords, where), (v) => readReferences(v, where)) : []),
    ];
  });
}

const readReferences = (value: StrictJson, where: string): Reference[] =>
  Array.isArray(value) && typeof value[0] !== "string"
    ? value.map((one) => readReference(one, where))
    : [readReference(value, where)];

function callOfKeras3(node: Config): Reference[] {
  const inputs = node.list("args").flatMap((arg) => tensorsOf(arg, node.where));
  const keywords = node.has("kwargs") ? node.object("kwargs") : undefined;
  return [...inputs, ...(keywords ? readKeywords(keywords, (v) => tensorsOf(v, node.where)) : [])];
}

function tensorsOf(value: StrictJson, where: string): Reference[] {
  if (Array.isArray(value)) return value.flatMap((one: StrictJson) => tensorsOf(one, where));
  const tensor = new Config(value, where);
  if (tensor.get("class_name") !== "__keras_tensor__")
    throw unsupported(`${where}: a call with ${JSON.stringify(tensor.get("class_name"))} in place of a tensor`);
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
