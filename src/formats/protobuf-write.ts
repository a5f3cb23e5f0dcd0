import { concatBytes } from "../shared/concat-bytes.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { type FieldSpec, type MessageSpec, nextField, WIRE } from "./protobuf.ts";

/** One message as bytes, fields in the order of the table; what is undefined or empty is left out. */
export function writeMessage(value: Readonly<Record<string, unknown>>, spec: MessageSpec): OwnBytes {
  const parts: Uint8Array[] = [];
  for (const [name, field] of Object.entries(spec)) {
    const given = value[name];
    if (given === undefined) continue;
    if (!field.repeated) parts.push(...writeField(field, given));
    else if (field.kind === "int" || isFixed(field.kind))
      parts.push(...writePacked(field.number, field.kind, given as ArrayLike<number>));
    else for (const element of given as readonly unknown[]) parts.push(...writeField(field, element));
  }
  return concatBytes(parts);
}

/** What becomes of the k-th payload of a field; the same one stays as it is. */
export type ChangePayload = (payload: Uint8Array, k: number) => Uint8Array;

/**
 * A message with the payloads of some fields (messages, texts, bytes) changed. All else keeps its bytes: numbers that no JavaScript
 * number holds, and fields that the table does not know.
 */
export function changeMessage(
  bytes: Uint8Array,
  spec: MessageSpec,
  changes: Readonly<Record<string, ChangePayload>>,
): OwnBytes {
  const byNumber = new Map(Object.entries(changes).map(([name, change]) => [spec[name]!.number, { change, k: 0 }]));
  const parts: Uint8Array[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const from = cursor.at;
    const { number, wire, payload } = nextField(bytes, cursor);
    const found = wire === 2 ? byNumber.get(number) : undefined;
    const changed = found?.change(payload!, found.k++);
    if (changed === undefined || changed === payload) parts.push(bytes.subarray(from, cursor.at));
    else parts.push(...lengthDelimited(number, changed));
  }
  return concatBytes(parts);
}

const encoder = new TextEncoder();
const lengthDelimited = (number: number, payload: Uint8Array): Uint8Array[] => [
  varint(number * 8 + 2),
  varint(payload.length),
  payload,
];

function writeField({ number, kind }: FieldSpec, value: unknown): Uint8Array[] {
  if (kind === "int") return [varint(number * 8), varint(value as number)];
  if (isFixed(kind)) return [varint(number * 8 + WIRE[kind]), numbers([value as number], kind)];
  const bytes =
    typeof kind === "function"
      ? writeMessage(value as Readonly<Record<string, unknown>>, kind())
      : kind === "string"
        ? encoder.encode(value as string)
        : (value as Uint8Array);
  return lengthDelimited(number, bytes);
}

function writePacked(number: number, kind: "int" | FixedKind, values: ArrayLike<number>): Uint8Array[] {
  if (values.length === 0) return [];
  const bytes = kind === "int" ? concatBytes(Array.from(values, varint)) : numbers(values, kind);
  return lengthDelimited(number, bytes);
}

type FixedKind = "fixed32" | "float" | "double";
const isFixed = (kind: FieldSpec["kind"]): kind is FixedKind =>
  kind === "fixed32" || kind === "float" || kind === "double";

function numbers(values: ArrayLike<number>, kind: FixedKind): Uint8Array {
  const width = kind === "double" ? 8 : 4;
  const view = new DataView(new ArrayBuffer(values.length * width));
  for (let k = 0; k < values.length; k++)
    if (kind === "double") view.setFloat64(k * 8, values[k]!, true);
    else if (kind === "float") view.setFloat32(k * 4, values[k]!, true);
    else view.setUint32(k * 4, values[k]!, true);
  return new Uint8Array(view.buffer);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const low = Number(rest & 127n);
    if (rest < 128n) {
      bytes.push(low);
      return Uint8Array.from(bytes);
    }
    bytes.push(low | 128);
  }
}
