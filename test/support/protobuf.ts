/** Protocol buffers as tests need them: the fields of one message, in order (protobuf.dev, "Encoding"). */
export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 a length and as many bytes, 5 four bytes. */
  readonly wire: number;
  /** A varint; 64-bit patterns are signed. */
  readonly integer: bigint;
  /** The payload of every other wire type, little-endian. */
  readonly bytes: Uint8Array;
}

export function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  let position = 0;
  const varint = (): bigint => {
    const [value, next] = readVarint(message, position);
    position = next;
    return value;
  };
  while (position < message.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const number = tag >>> 3;
    if (wire === 0) {
      fields.push({ number, wire, integer: varint(), bytes: new Uint8Array() });
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : Number.NaN;
    if (!(position + length <= message.length)) throw new Error(`field ${number} of wire type ${wire} does not fit`);
    fields.push({ number, wire, integer: 0n, bytes: message.subarray(position, position + length) });
    position += length;
  }
  return fields;
}

/** The last field of this number (protobuf's rule for single fields), or undefined. */
export function last(fields: readonly Field[], number: number): Field | undefined {
  return fields.findLast((field) => field.number === number);
}

export function all(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.filter((field) => field.number === number).map((field) => field.bytes);
}

export function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes ?? new Uint8Array());
}

/** Repeated whole numbers, packed or not. */
export function integers(fields: readonly Field[], number: number): number[] {
  const values: number[] = [];
  for (const field of fields) {
    if (field.number !== number) continue;
    if (field.wire === 0) values.push(Number(field.integer));
    for (let position = 0; position < field.bytes.length; ) {
      const [value, next] = readVarint(field.bytes, position);
      values.push(Number(value));
      position = next;
    }
  }
  return values;
}

/** Repeated float32, packed or not. */
export function floats(fields: readonly Field[], number: number): Float32Array {
  const payload = all(fields, number).flatMap((bytes) => Array.from(bytes));
  return new Float32Array(Uint8Array.from(payload).buffer);
}

/** The varint at `position`, as a signed 64-bit number, and the position behind it. */
function readVarint(bytes: Uint8Array, position: number): [bigint, number] {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[position + i];
    if (byte === undefined) throw new Error("the message ends within a varint");
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return [BigInt.asIntN(64, value), position + i + 1];
  }
  throw new Error("a varint of more than ten bytes");
}
