import { UsageError } from "../../shared/errors.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { DataType } from "../data-type.ts";
import { writeMessage } from "../protobuf-write.ts";
import { modelSpec } from "./messages.ts";
import { codeOf, encodeTensor } from "./tensor-data.ts";

/** The operator set of files that are written, and the version of the format that came with it. */
const OPSET = 17;
const IR_VERSION = 8;

type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | GraphWriter;

/** Collects the nodes and tensors of one graph and prints the file. */
export class GraphWriter {
  private readonly nodes: unknown[] = [];
  private readonly initializers: unknown[] = [];
  private readonly inputs: unknown[] = [];
  private readonly outputs: unknown[] = [];
  private readonly domains = new Set<string>();
  /** Values that have been made. */
  private readonly made = new Set<string>();

  input(name: string, type: DataType, shape: readonly (number | string)[]): void {
    this.make(name);
    this.inputs.push(port(name, type, shape));
  }

  /** @param shape undefined where it is left to the reader */
  output(name: string, type: DataType, shape?: readonly (number | string)[]): void {
    this.outputs.push(port(name, type, shape));
  }

  float(name: string, tensor: NamedTensor): string {
    return this.tensor(name, "float32", tensor);
  }

  /** A tensor of any type. */
  tensor(name: string, type: DataType, { shape, data }: NamedTensor): string {
    this.make(name);
    this.initializers.push(encodeTensor(name, type, shape, data));
    return name;
  }

  /** Whole numbers that a node reads as an input, such as axes. */
  whole(name: string, values: readonly number[]): string {
    return this.tensor(name, "int64", { shape: [values.length], data: values });
  }

  /** The number of an axis as a node reads it, in the graph once. */
  axis(axis: number): string {
    const name = `axis.${axis}`;
    return this.made.has(name) ? name : this.whole(name, [axis]);
  }

  node(
    op: string,
    input: readonly string[],
    output: readonly string[],
    attributes: Readonly<Record<string, Attribute | undefined>> = {},
    domain?: string,
    name = output[0] ?? op,
  ): void {
    const attribute = Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, ...attributeValue(value) }],
    );
    for (const value of output) this.make(value);
    this.nodes.push({
      input,
      output,
      name,
      opType: op,
      attribute,
      ...(domain && { domain }),
    });
    if (domain) this.domains.add(domain);
  }

  private make(name: string): void {
    if (this.made.has(name))
      throw new UsageError(
        "not-convertible",
        `as ONNX two values would be called ${JSON.stringify(name)}; give the state of the cell, or the output of the model, another name`,
      );
    this.made.add(name);
  }

  /** The graph alone, as the body of a loop or a branch. */
  message(name: string): unknown {
    return { node: this.nodes, name, initializer: this.initializers, input: this.inputs, output: this.outputs };
  }

  finish(name: string): OwnBytes {
    return writeMessage(
      {
        irVersion: IR_VERSION,
        producerName: "longshort",
        graph: this.message(name),
        opsetImport: [{ domain: "", version: OPSET }, ...[...this.domains].map((domain) => ({ domain, version: 1 }))],
      },
      modelSpec,
    );
  }
}

function port(name: string, type: DataType, shape?: readonly (number | string)[]): unknown {
  const dim = shape?.map((n) => (typeof n === "number" ? { dimValue: n } : { dimParam: n }));
  return { name, type: { tensorType: { elemType: codeOf(type), ...(dim && { shape: { dim } }) } } };
}

const encoder = new TextEncoder();

/** Numbers alone are whole; those of floating point say so. */
function attributeValue(value: Attribute): Readonly<Record<string, unknown>> {
  if (typeof value === "number") return { i: value, type: 2 };
  if (value instanceof GraphWriter) return { g: value.message("body"), type: 5 };
  if (typeof value === "string") return { s: encoder.encode(value), type: 3 };
  if ("float" in value) return { f: value.float, type: 1 };
  if ("floats" in value) return { floats: value.floats, type: 6 };
  if (value.every((v) => typeof v === "number")) return { ints: value, type: 7 };
  return { strings: value.map((v) => encoder.encode(String(v))), type: 8 };
}
