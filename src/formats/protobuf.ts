import { FailureError } from "../shared/errors.ts";

/**
 * Protocol buffers as a table says: a message is a list of fields, each with its number and kind. The same table reads and
 * writes. Everything that a file says is bounded: depth, number of parts, lengths.
 *
 * @see "Encoding", protobuf.dev
 */
interface Scalars {
  readonly int: number;
  readonly fixed32: number;
  readonly float: number;
  readonly double: number;
  readonly string: string;
  readonly bytes: Uint8Array;
}
type ScalarKind = keyof Scalars;
type FieldKind = ScalarKind | (() => MessageSpec);
export interface FieldSpec<K extends FieldKind = FieldKind, R extends boolean = boolean> {
  readonly number: number;
  readonly kind: K;
  readonly repeated: R;
}
export type MessageSpec = Readonly<Record<string, FieldSpec>>;

export const one = <const K extends FieldKind>(number: number, kind: K): FieldSpec<K, false> => ({
  number,
  kind,
  repeated: false,
});
export const many = <const K extends FieldKind>(number: number, kind: K): FieldSpec<K, true> => ({
  number,
  kind,
  repeated: true,
});

type ValueOf<K extends FieldKind> = K extends ScalarKind
  ? Scalars[K]
  : K extends () => infer S
    ? S extends MessageSpec
      ? MessageOf<S>
      : never
    : never;

/** What a message of this table is when it was read. */
export type MessageOf<S extends MessageSpec> = {
  readonly [N in keyof S as S[N]["repeated"] extends true ? N : never]: readonly ValueOf<S[N]["kind"]>[];
} & {
  readonly [N in keyof S as S[N]["repeated"] extends true ? never : N]?: ValueOf<S[N]["kind"]>;
};

/** What reading one file may cost. */
const MAXIMUM_DEPTH = 24;
const MAXIMUM_PARTS = 1_000_000;

const damaged = (what: string): FailureError =>
  new FailureError("damaged-onnx", `the ONNX file is damaged: ${what}; get a fresh copy or export the model again`);

interface Budget {
  parts: number;
}

/**
 * One message. Fields that are not in the table are skipped; a single field that comes twice keeps the last, repeated ones
 * are always there, single ones only when the file has them. Whole numbers of 64 bits become numbers, rounded beyond 2^53.
 * `bytes` are views of the input.
 *
 * @throws FailureError "damaged-onnx"
 */
export function readMessage<S extends MessageSpec>(bytes: Uint8Array, spec: S): MessageOf<S> {
  return read(bytes, spec, 0, { parts: MAXIMUM_PARTS }) as MessageOf<S>;
}

/** How a field of a kind is coded. */
export const WIRE: Readonly<Record<ScalarKind, number>> = {
  int: 0,
  fixed32: 5,
  double: 1,
  float: 5,
  string: 2,
  bytes: 2,
};
const text = new TextDecoder("utf-8", { fatal: true });

function read(bytes: Uint8Array, spec: MessageSpec, depth: number, budget: Budget): Record<string, unknown> {
  if (depth > MAXIMUM_DEPTH) throw damaged(`messages lie more than ${MAXIMUM_DEPTH} deep`);
  const byNumber = new Map(Object.entries(spec).map(([name, field]) => [field.number, { name, field }]));
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, field] of Object.entries(spec)) if (field.repeated) result[name] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const { number, wire, payload, value } = nextField(bytes, cursor);
    const known = byNumber.get(number);
    if (!payload) {
      if (known?.field.kind === "int") put(result, known.name, known.field, value);
      continue;
    }
    if (!known) continue;
    const { name, field } = known;
    if (typeof field.kind === "function") {
      expectWire(wire, 2, name);
      spend(budget);
      put(result, name, field, read(payload, field.kind(), depth + 1, budget));
    } else if (field.kind === "string" || field.kind === "bytes") {
      expectWire(wire, 2, name);
      spend(budget);
      put(result, name, field, field.kind === "bytes" ? payload : decodeText(payload, name));
    } else if (wire === 2 && field.repeated) readPacked(payload, field.kind, result[name] as number[]);
    else {
      expectWire(wire, WIRE[field.kind], name);
      const at = payload.byteOffset - bytes.byteOffset;
      put(result, name, field, numberAt(view, at, field.kind));
    }
  }
  return result;
}

function put(result: Record<string, unknown>, name: string, field: FieldSpec, value: unknown): void {
  if (field.repeated) (result[name] as unknown[]).push(value);
  else result[name] = value;
}

function spend(budget: Budget): void {
  if (budget.parts-- <= 0) throw damaged(`it has more than ${MAXIMUM_PARTS} parts`);
}

function expectWire(came: number, expected: number, name: string): void {
  if (came !== expected) throw damaged(`field "${name}" is coded as type ${came}, expected ${expected}`);
}

function decodeText(payload: Uint8Array, name: string): string {
  try {
    return text.decode(payload);
  } catch {
    throw damaged(`field "${name}" is not UTF-8`);
  }
}

function numberAt(view: DataView, at: number, kind: ScalarKind): number {
  if (kind === "fixed32") return view.getUint32(at, true);
  return kind === "float" ? view.getFloat32(at, true) : view.getFloat64(at, true);
}

function readPacked(payload: Uint8Array, kind: ScalarKind, into: number[]): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const cursor = { at: 0 };
  if (kind === "int") while (cursor.at < payload.length) into.push(varint(payload, cursor));
  else {
    const width = kind === "double" ? 8 : 4;
    if (payload.length % width !== 0) throw damaged(`${payload.length} bytes of packed ${kind}s`);
    for (let at = 0; at < payload.length; at += width) into.push(numberAt(view, at, kind));
  }
}

/** A field of a message where the cursor stands: its number, how it is coded, and its payload, or its value where it is coded as one number. */
export function nextField(
  bytes: Uint8Array,
  cursor: { at: number },
): { readonly number: number; readonly wire: number; readonly payload?: Uint8Array; readonly value?: number } {
  const tag = varint(bytes, cursor);
  const [number, wire] = [Math.floor(tag / 8), tag % 8];
  return wire === 0
    ? { number, wire, value: varint(bytes, cursor) }
    : { number, wire, payload: take(bytes, cursor, wire, number) };
}

/** The payload of a field that is not a varint. */
function take(bytes: Uint8Array, cursor: { at: number }, wire: number, number: number): Uint8Array {
  const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint(bytes, cursor) : Number.NaN;
  if (!(length >= 0 && length <= bytes.length - cursor.at))
    throw damaged(`field ${number} (coding ${wire}) does not fit into the ${bytes.length} bytes of its message`);
  cursor.at += length;
  return bytes.subarray(cursor.at - length, cursor.at);
}

/** A signed whole number of 64 bits. */
function varint(bytes: Uint8Array, cursor: { at: number }): number {
  let [low, factor] = [0, 1];
  for (let k = 0; k < 10; k++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw damaged("it ends within a number");
    if (k === 9) return wide(bytes, cursor.at - 10);
    low += (byte & 0x7f) * factor;
    if (byte < 0x80) return low <= Number.MAX_SAFE_INTEGER ? low : wide(bytes, cursor.at - 1 - k);
    factor *= 128;
  }
  throw damaged("a number of more than ten bytes");
}

function wide(bytes: Uint8Array, from: number): number {
  let value = 0n;
  for (let k = 0; k < 10; k++) {
    const byte = bytes[from + k]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * k);
    if (byte < 0x80) return Number(BigInt.asIntN(64, value));
  }
  throw damaged("a number of more than ten bytes");
}
