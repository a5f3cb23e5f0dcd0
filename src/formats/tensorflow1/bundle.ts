import { byteLength, SafeTensor } from "../../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../../platform/platform.ts";
import { LongshortError, UsageError } from "../../shared/errors.ts";
import { expectOptions } from "../../shared/options.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type ByteInput, withBytes, withFiles } from "../byte-source.ts";
import type { OpenedModel } from "../canonical.ts";
import { maskedCrc32c } from "../crc32c.ts";
import { fileBeside, pathAndQuery } from "../files-beside.ts";
import { type MessageOf, type MessageSpec, many, one, readMessage } from "../protobuf.ts";
import { basicLstmModel } from "./basic-lstm.ts";
import type { ReadTensorFlow1Options } from "./manifest.ts";
import { damaged, readTable } from "./table.ts";

/** Fields of tensor_bundle.proto and tensor_shape.proto. */
const HEADER = { shards: one(1, "int"), endianness: one(2, "int") };
const AXIS = { size: one(1, "int") };
const SHAPE = { axes: many(2, () => AXIS) };
const ENTRY = {
  type: one(1, "int"),
  shape: one(2, () => SHAPE),
  shard: one(3, "int"),
  offset: one(4, "int"),
  bytes: one(5, "int"),
  checksum: one(6, "fixed32"),
  slices: many(7, "bytes"),
};

type Entry = MessageOf<typeof ENTRY>;

/** TensorFlow's numbers of the types that weights have. Other variables (step counters, strings) are left where they are. */
const FLOATS = new Map([
  [1, "F32"],
  [2, "F64"],
  [14, "BF16"],
  [19, "F16"],
] as const);
const MAXIMUM_NUMBERS = 2 ** 29;

/**
 * Reads a TensorFlow checkpoint (`tf.train.Saver`, version 2): `NAME.index` with `NAME.data-00000-of-00001` beside it. Every block and
 * variable is checked against its CRC-32C.
 * @param input a path or URL of the `.index` file, or its bytes with the other files in `files`
 * @throws as `basicLstmModel`; FailureError "damaged-tensorflow"; UsageError "missing-file"; and what reading files throws
 */
export async function readTensorFlowBundle(
  input: ByteInput,
  options: ReadTensorFlow1Options = {},
): Promise<OpenedModel> {
  expectOptions("readTensorFlowBundle", options, { files: 1, forgetBias: 1, onProgress: 1, signal: 1 });
  const { files, onProgress, signal } = options;
  const { entries, shards } = await withBytes(input, readIndex, { signal });
  const names = shardNames(input, shards, files);
  const variables = await withFiles(
    (name) => fileBeside(name, input, { files, names: "the checkpoint" }),
    (open) => readVariables(entries, (shard) => (names[shard] === undefined ? undefined : open(names[shard]))),
    { onProgress, signal },
  );
  return basicLstmModel(variables, { forgetBias: options.forgetBias });
}

async function readVariables(
  entries: ReadonlyMap<string, Entry>,
  open: (shard: number) => Promise<ByteSource> | undefined,
): Promise<Map<string, NamedTensor>> {
  const variables = new Map<string, NamedTensor>();
  let numbers = 0;
  for (const [name, entry] of entries) {
    const dtype = FLOATS.get(entry.type as 1);
    if (!dtype) continue;
    const shape = (entry.shape?.axes ?? []).map((axis) => axis.size ?? 0);
    if (entry.slices.length > 0)
      throw new UsageError("unsupported-tensorflow", `the variable ${name} is stored in slices; save it whole`);
    numbers += size(shape);
    if (!(numbers <= MAXIMUM_NUMBERS)) throw damaged(`the variables have more than ${MAXIMUM_NUMBERS} numbers`);
    const { shard = 0, offset = 0, bytes: length = 0 } = entry;
    const source = await open(shard);
    if (!source || offset + length > source.size) throw damaged(`${name} lies behind the end of its file`);
    const expected = byteLength(dtype, shape);
    if (length !== expected)
      throw damaged(`${name} takes ${length} bytes, ${dtype} of shape ${formatShape(shape)} ${expected ?? "too many"}`);
    const bytes = await source.read(offset, length);
    if (maskedCrc32c(bytes) !== (entry.checksum ?? 0)) throw damaged(`${name} does not match its checksum`);
    variables.set(name, { shape, data: new SafeTensor(dtype, shape, bytes).toFloat32() });
  }
  return variables;
}

/** What the index says of each variable, and in how many files they lie. */
async function readIndex(source: ByteSource): Promise<{ entries: Map<string, Entry>; shards: number }> {
  const pairs = await readTable(source);
  const head = pairs.get("");
  if (!head) throw damaged("its index has no header");
  const { shards = 1, endianness = 0 } = message(head, HEADER, "its header");
  if (endianness !== 0) throw new UsageError("unsupported-tensorflow", "a checkpoint of a big-endian machine");
  if (!(shards >= 1 && shards <= 1000)) throw damaged(`it says that it has ${shards} files`);
  const entries = new Map<string, Entry>();
  for (const [name, value] of pairs)
    if (name !== "") entries.set(name, message(value, ENTRY, `the entry ${JSON.stringify(name)}`));
  return { entries, shards };
}

function message<S extends MessageSpec>(bytes: Uint8Array, spec: S, what: string): MessageOf<S> {
  try {
    return readMessage(bytes, spec);
  } catch (cause) {
    if (!(cause instanceof LongshortError)) throw cause;
    throw damaged(`${what} cannot be read`);
  }
}

/** `NAME.data-00000-of-00001`, …; of bytes without a name, those that were given beside them. */
function shardNames(
  input: ByteInput,
  shards: number,
  files: Readonly<Record<string, ByteInput>> | undefined,
): readonly string[] {
  const endings = Array.from(
    { length: shards },
    (_, k) => `.data-${String(k).padStart(5, "0")}-of-${String(shards).padStart(5, "0")}`,
  );
  if (files) {
    const given = Object.keys(files);
    return endings.map((ending) => given.find((name) => name.endsWith(ending)) ?? `NAME${ending}`);
  }
  const [path] =
    typeof input === "string"
      ? pathAndQuery(input)
      : [input instanceof URL ? decodeURIComponent(input.pathname) : "NAME"];
  const base = path.replace(/^.*[/\\]/, "").replace(/\.index$/, "");
  return endings.map((ending) => base + ending);
}
