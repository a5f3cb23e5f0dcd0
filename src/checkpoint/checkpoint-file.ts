import { sha256 } from "../platform/sha256.ts";
import { describe, FailureError, LongshortError } from "../shared/errors.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import { type SafeTensor, tensorOver } from "./safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** What a checkpoint holds: tensors, and everything else as JSON. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly state: object;
}

const FORMAT = "longshort-checkpoint";
const VERSION = "1";
/** In the header and nowhere else: within the JSON of the state every quotation mark has a backslash. */
const CHECKSUM = Uint8Array.from('"sha256":"', (letter) => letter.charCodeAt(0)); // audio worklets have no TextEncoder
const DIGITS = 64;

/**
 * One safetensors file. Its checksum is that of the whole file with zeros in place of the checksum, so that it covers the header,
 * the state and all numbers. The file is the only copy of the numbers that is made.
 */
export async function encodeCheckpoint({ tensors, state }: Checkpoint): Promise<Uint8Array> {
  const stored = new Map([...tensors].map(([name, tensor]) => [name, tensorOver(tensor.shape, tensor.data)]));
  const metadata = { format: FORMAT, version: VERSION, sha256: "0".repeat(DIGITS), state: JSON.stringify(state) };
  const bytes = writeSafetensors(stored, { metadata });
  const place = placeOf(bytes)!;
  bytes.set(new TextEncoder().encode(await checksumOf(bytes, place)), place);
  return bytes;
}

/** @throws FailureError "bad-checkpoint" with what is wrong */
export async function decodeCheckpoint(bytes: Uint8Array): Promise<Checkpoint> {
  const place = placeOf(bytes);
  if (place === undefined) throw bad("it is no checkpoint, or its beginning is damaged");
  if (new TextDecoder().decode(bytes.subarray(place, place + DIGITS)) !== (await checksumOf(bytes, place)))
    throw bad("its checksum does not fit its bytes: it is cut short or was altered");
  const { tensors, metadata } = read(bytes);
  if (metadata.format !== FORMAT) throw bad(`expected the format "${FORMAT}", got ${describe(metadata.format)}`);
  if (metadata.version !== VERSION) throw bad(`expected the version ${VERSION}, got ${describe(metadata.version)}`);
  return {
    tensors: new Map([...tensors].map(([name, t]) => [name, { shape: t.shape, data: numbersOf(t) }])),
    state: JSON.parse(metadata.state ?? "null") as object,
  };
}

const bad = (why: string): FailureError => new FailureError("bad-checkpoint", why);

function read(bytes: Uint8Array) {
  try {
    return readSafetensors(bytes);
  } catch (cause) {
    if (!(cause instanceof LongshortError)) throw cause;
    throw new FailureError("bad-checkpoint", cause.message, { cause });
  }
}

const numbersOf = (tensor: SafeTensor): Float32Array | Float64Array =>
  tensor.dtype === "F32" ? tensor.toFloat32() : tensor.toFloat64();

/** Where the digits of the checksum begin: in the first member of the header. */
function placeOf(bytes: Uint8Array): number | undefined {
  const end = Math.min(bytes.length - DIGITS - CHECKSUM.length, 8 + 200);
  for (let at = 8; at <= end; at++)
    if (CHECKSUM.every((byte, k) => bytes[at + k] === byte)) return at + CHECKSUM.length;
  return undefined;
}

async function checksumOf(bytes: Uint8Array, place: number): Promise<string> {
  const blank = new Uint8Array(DIGITS).fill(0x30);
  const digits = await sha256([bytes.subarray(0, place), blank, bytes.subarray(place + DIGITS)]);
  if (digits === undefined)
    throw new FailureError(
      "not-on-this-platform",
      "checkpoints need a host with crypto.subtle (Node, or a page over https)",
    );
  return digits;
}
