import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { all, type Field, fieldsOf, floats, integers, last, text } from "./protobuf.ts";

/**
 * One-node ONNX models with the results of ONNX Runtime, read by a few lines of the tests' own (field numbers from
 * onnx.proto), so that cells and scan can be compared without the product's importer.
 */

export interface OnnxTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export type OnnxAttribute = number | string | readonly number[] | readonly string[];

export interface OnnxCase {
  readonly name: string;
  /** "RNN", "GRU" or "LSTM". */
  readonly op: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** By the operator's own names (X, W, R, B, sequence_lens, initial_h, initial_c, P); what is left out is absent. */
  readonly inputs: Readonly<Record<string, OnnxTensor>>;
  /** By the operator's own names (Y, Y_h, Y_c); those not asked for are absent. */
  readonly outputs: Readonly<Record<string, OnnxTensor>>;
}

const INPUTS: Readonly<Record<string, readonly string[]>> = {
  RNN: ["X", "W", "R", "B", "sequence_lens", "initial_h"],
  GRU: ["X", "W", "R", "B", "sequence_lens", "initial_h"],
  LSTM: ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"],
};
const OUTPUTS = ["Y", "Y_h", "Y_c"];

const golden = fileURLToPath(new URL("../golden/onnx-ort/", import.meta.url));

/** The cases of test/golden/onnx-ort, in the order of its manifest. */
export function onnxCases(): OnnxCase[] {
  const manifest: { name: string }[] = JSON.parse(readFileSync(`${golden}manifest.json`, "utf8"));
  return manifest.map(({ name }) => onnxCase(`${golden}${name}`, name));
}

/** Reads FOLDER/model.onnx (a graph of one recurrent node) and FOLDER/test_data_set_0. */
function onnxCase(folder: string, name: string): OnnxCase {
  const graph = fieldsOf(last(fieldsOf(bytesOf(`${folder}/model.onnx`)), 7)!.bytes);
  const nodes = all(graph, 1).map(fieldsOf);
  if (nodes.length !== 1) throw new Error(`${name}: expected one node, got ${nodes.length}`);
  const node = nodes[0]!;
  const op = text(last(node, 4)?.bytes);

  const values = new Map<string, OnnxTensor>();
  for (const bytes of all(graph, 5)) values.set(tensorName(bytes), tensor(bytes));
  const valueNames = (field: number): string[] => all(graph, field).map((info) => text(last(fieldsOf(info), 1)?.bytes));
  // Old models list initializers among the graph's inputs as well; the data sets number the others only.
  const fed = valueNames(11).filter((input) => !values.has(input));
  readSet(`${folder}/test_data_set_0`, "input", fed, values);
  const expected = new Map<string, OnnxTensor>();
  readSet(`${folder}/test_data_set_0`, "output", valueNames(12), expected);

  return {
    name,
    op,
    attributes: Object.fromEntries(all(node, 5).map(attribute)),
    inputs: pick(INPUTS[op]!, all(node, 1).map(text), values),
    outputs: pick(OUTPUTS, all(node, 2).map(text), expected),
  };
}

function bytesOf(file: string): Uint8Array {
  return Uint8Array.from(readFileSync(file));
}

function readSet(folder: string, kind: string, names: readonly string[], into: Map<string, OnnxTensor>): void {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`));
  if (files.length !== names.length) throw new Error(`${folder}: ${files.length} ${kind}s for ${names.join(", ")}`);
  names.forEach((name, i) => {
    into.set(name, tensor(bytesOf(`${folder}/${kind}_${i}.pb`)));
  });
}

function pick(
  formal: readonly string[],
  actual: readonly string[],
  values: ReadonlyMap<string, OnnxTensor>,
): Record<string, OnnxTensor> {
  const picked: Record<string, OnnxTensor> = {};
  actual.forEach((name, i) => {
    if (name === "") return;
    const value = values.get(name);
    if (value !== undefined) picked[formal[i]!] = value;
    else throw new Error(`no value for ${formal[i]} ("${name}")`);
  });
  return picked;
}

function tensorName(bytes: Uint8Array): string {
  return text(last(fieldsOf(bytes), 8)?.bytes);
}

/** TensorProto: 1 dims, 2 data_type (1 float, 6 int32, 7 int64), 4 float_data, 5 int32_data, 7 int64_data, 9 raw_data. */
function tensor(bytes: Uint8Array): OnnxTensor {
  const fields = fieldsOf(bytes);
  const shape = integers(fields, 1);
  const raw = last(fields, 9)?.bytes;
  const data = tensorData(fields, Number(last(fields, 2)?.integer), raw && Uint8Array.from(raw).buffer);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (data.length !== count) throw new Error(`${data.length} values for the shape [${shape.join(", ")}]`);
  return { shape, data };
}

function tensorData(fields: readonly Field[], type: number, raw: ArrayBuffer | undefined): Float32Array | Int32Array {
  if (type === 1) return raw ? new Float32Array(raw) : floats(fields, 4);
  if (type === 6) return raw ? new Int32Array(raw) : Int32Array.from(integers(fields, 5));
  if (type === 7) return Int32Array.from(raw ? Array.from(new BigInt64Array(raw), Number) : integers(fields, 7));
  throw new Error(`tensor type ${type} is not read here`);
}

/** AttributeProto: 1 name, 2 f, 3 i, 4 s, 7 floats, 8 ints, 9 strings, 20 type. */
function attribute(bytes: Uint8Array): [string, OnnxAttribute] {
  const fields = fieldsOf(bytes);
  const name = text(last(fields, 1)?.bytes);
  const type = Number(last(fields, 20)?.integer);
  if (type === 1) return [name, floats(fields, 2)[0] ?? 0];
  if (type === 2) return [name, Number(last(fields, 3)?.integer ?? 0n)];
  if (type === 3) return [name, text(last(fields, 4)?.bytes)];
  if (type === 6) return [name, Array.from(floats(fields, 7))];
  if (type === 7) return [name, integers(fields, 8)];
  if (type === 8) return [name, all(fields, 9).map(text)];
  throw new Error(`attribute ${name} of type ${type} is not read here`);
}
