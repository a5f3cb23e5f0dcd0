import { type MessageSpec, many, one } from "../protobuf.ts";

/** The messages of onnx.proto (ONNX 1.18) that this package reads and writes, with their field numbers. */

export interface TensorMessage {
  readonly dims: readonly number[];
  readonly dataType?: number;
  readonly segment?: unknown;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly stringData: readonly Uint8Array[];
  readonly int64Data: readonly number[];
  readonly name?: string;
  readonly rawData?: Uint8Array;
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly number[];
  readonly externalData: readonly { readonly key?: string; readonly value?: string }[];
  readonly dataLocation?: number;
}

export interface AttributeMessage {
  readonly name?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorMessage;
  readonly g?: GraphMessage;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
  readonly type?: number;
  readonly refAttrName?: string;
}

export interface NodeMessage {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute: readonly AttributeMessage[];
  readonly domain?: string;
}

export interface ValueInfoMessage {
  readonly name?: string;
  readonly type?: {
    readonly tensorType?: {
      readonly elemType?: number;
      readonly shape?: { readonly dim: readonly { readonly dimValue?: number; readonly dimParam?: string }[] };
    };
  };
}

export interface GraphMessage {
  readonly node: readonly NodeMessage[];
  readonly name?: string;
  readonly initializer: readonly TensorMessage[];
  readonly sparseInitializer: readonly unknown[];
  readonly input: readonly ValueInfoMessage[];
  readonly output: readonly ValueInfoMessage[];
}

export interface ModelMessage {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: GraphMessage;
  readonly opsetImport: readonly { readonly domain?: string; readonly version?: number }[];
  readonly metadataProps: readonly { readonly key?: string; readonly value?: string }[];
  readonly functions: readonly unknown[];
}

const nothing: MessageSpec = {};
const keyAndValue: MessageSpec = { key: one(1, "string"), value: one(2, "string") };

export const tensorSpec: MessageSpec = {
  dims: many(1, "int"),
  dataType: one(2, "int"),
  segment: one(3, () => nothing),
  floatData: many(4, "float"),
  int32Data: many(5, "int"),
  stringData: many(6, "bytes"),
  int64Data: many(7, "int"),
  name: one(8, "string"),
  rawData: one(9, "bytes"),
  doubleData: many(10, "double"),
  uint64Data: many(11, "int"),
  externalData: many(13, () => keyAndValue),
  dataLocation: one(14, "int"),
};
export const attributeSpec: MessageSpec = {
  name: one(1, "string"),
  f: one(2, "float"),
  i: one(3, "int"),
  s: one(4, "bytes"),
  t: one(5, () => tensorSpec),
  g: one(6, () => graphSpec),
  floats: many(7, "float"),
  ints: many(8, "int"),
  strings: many(9, "bytes"),
  type: one(20, "int"),
  refAttrName: one(21, "string"),
};
export const nodeSpec: MessageSpec = {
  input: many(1, "string"),
  output: many(2, "string"),
  name: one(3, "string"),
  opType: one(4, "string"),
  attribute: many(5, () => attributeSpec),
  domain: one(7, "string"),
};
const dimSpec: MessageSpec = { dimValue: one(1, "int"), dimParam: one(2, "string") };
const shapeSpec: MessageSpec = { dim: many(1, () => dimSpec) };
const tensorTypeSpec: MessageSpec = { elemType: one(1, "int"), shape: one(2, () => shapeSpec) };
const typeSpec: MessageSpec = { tensorType: one(1, () => tensorTypeSpec) };
const valueInfoSpec: MessageSpec = { name: one(1, "string"), type: one(2, () => typeSpec) };
export const graphSpec: MessageSpec = {
  node: many(1, () => nodeSpec),
  name: one(2, "string"),
  initializer: many(5, () => tensorSpec),
  input: many(11, () => valueInfoSpec),
  output: many(12, () => valueInfoSpec),
  sparseInitializer: many(15, () => nothing),
};
const opsetSpec: MessageSpec = { domain: one(1, "string"), version: one(2, "int") };
export const modelSpec: MessageSpec = {
  irVersion: one(1, "int"),
  producerName: one(2, "string"),
  producerVersion: one(3, "string"),
  graph: one(7, () => graphSpec),
  opsetImport: many(8, () => opsetSpec),
  metadataProps: many(14, () => keyAndValue),
  functions: many(25, () => nothing),
};
