import { type MessageOf, type MessageSpec, many, one } from "../protobuf.ts";

/** The messages of onnx.proto (ONNX 1.18) that this package reads and writes, with their field numbers. */

const nothing = {};
const keyAndValue = { key: one(1, "string"), value: one(2, "string") };

export const tensorSpec = {
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
export const attributeSpec = {
  name: one(1, "string"),
  f: one(2, "float"),
  i: one(3, "int"),
  s: one(4, "bytes"),
  t: one(5, () => tensorSpec),
  // A graph within a graph: the type of one cannot be said by that of the other.
  g: one(6, (): MessageSpec => graphSpec),
  floats: many(7, "float"),
  ints: many(8, "int"),
  strings: many(9, "bytes"),
  type: one(20, "int"),
  refAttrName: one(21, "string"),
};
export const nodeSpec = {
  input: many(1, "string"),
  output: many(2, "string"),
  name: one(3, "string"),
  opType: one(4, "string"),
  attribute: many(5, () => attributeSpec),
  domain: one(7, "string"),
};
const dimSpec = { dimValue: one(1, "int"), dimParam: one(2, "string") };
const shapeSpec = { dim: many(1, () => dimSpec) };
const tensorTypeSpec = { elemType: one(1, "int"), shape: one(2, () => shapeSpec) };
const typeSpec = { tensorType: one(1, () => tensorTypeSpec) };
const valueInfoSpec = { name: one(1, "string"), type: one(2, () => typeSpec) };
export const graphSpec = {
  node: many(1, () => nodeSpec),
  name: one(2, "string"),
  initializer: many(5, () => tensorSpec),
  input: many(11, () => valueInfoSpec),
  output: many(12, () => valueInfoSpec),
  sparseInitializer: many(15, () => nothing),
};
const opsetSpec = { domain: one(1, "string"), version: one(2, "int") };
export const modelSpec = {
  irVersion: one(1, "int"),
  producerName: one(2, "string"),
  producerVersion: one(3, "string"),
  graph: one(7, () => graphSpec),
  opsetImport: many(8, () => opsetSpec),
  metadataProps: many(14, () => keyAndValue),
  functions: many(25, () => nothing),
};

export type TensorMessage = MessageOf<typeof tensorSpec>;
export type AttributeMessage = MessageOf<typeof attributeSpec>;
export type ValueInfoMessage = MessageOf<typeof valueInfoSpec>;
export type ModelMessage = MessageOf<typeof modelSpec>;
export type GraphMessage = MessageOf<typeof graphSpec>;
