import type { ByteSource } from "../../platform/platform.ts";
import { describe } from "../../shared/errors.ts";
import type { Value } from "./constants.ts";
import { allowedName } from "./names.ts";
import { unpickle } from "./pickle.ts";
import { PickleCut } from "./pickle-reader.ts";
import { quote, refuse } from "./refuse.ts";
import type { StorageBytes } from "./storage.ts";
import { StorageTable } from "./storage-table.ts";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** Five pickles are read before the numbers; a window over the file grows until it holds them. */
const FIRST_WINDOW = 1 << 16;
const MAX_WINDOW = 1 << 26;

/**
 * The format before PyTorch 1.6: five pickles (magic number, version, machine, value, keys of the storages), then for each
 * key the number of elements in eight bytes and the elements.
 */
export async function readLegacy(source: ByteSource): Promise<Value> {
  for (let length = FIRST_WINDOW; ; length *= 4) {
    const window = await source.read(0, Math.min(length, source.size));
    try {
      const head = readPickles(window);
      await attachStorages(source, head);
      return head.value;
    } catch (cause) {
      if (!(cause instanceof PickleCut)) throw cause;
      if (length >= source.size) refuse("its pickle is cut short", cause);
      if (length >= MAX_WINDOW) refuse(`its pickles take more than ${MAX_WINDOW} bytes`, cause);
    }
  }
}

interface Head {
  readonly value: Value;
  readonly table: StorageTable;
  readonly keys: readonly string[];
  readonly end: number;
}

function readPickles(bytes: Uint8Array): Head {
  let position = 0;
  const table = new StorageTable();
  function next(persistent: (id: Value) => ReturnType<StorageTable["resolve"]>): Value {
    const { value, end } = unpickle(bytes, { name: allowedName, persistent, position });
    position = end;
    return value;
  }
  const noStorage = (): never => refuse("it refers to a storage before its value");
  if (next(noStorage) !== MAGIC)
    refuse("it does not begin with PyTorch's magic number, so torch.save did not write it");
  const version = next(noStorage);
  if (version !== PROTOCOL) refuse(`it is of PyTorch's protocol ${describe(version)}; ${PROTOCOL} is read`);
  // The machine that wrote it. Its order of bytes does not matter: numbers are little-endian in files of every machine.
  if (!(next(noStorage) instanceof Map)) refuse("its third pickle is no dictionary");
  const value = next((id) => table.resolve(id));
  const keys = next(noStorage);
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== "string"))
    return refuse("it has no list of its storages");
  return { value, table, keys: keys as string[], end: position };
}

async function attachStorages(source: ByteSource, { table, keys, end }: Head): Promise<void> {
  const found = new Map<string, StorageBytes>();
  let position = end;
  for (const key of keys) {
    const storage = table.storages.get(key);
    if (!storage) refuse(`it lists storage ${quote(key)}, which no tensor uses`);
    if (found.has(key)) refuse(`it lists storage ${quote(key)} twice`);
    if (position + 8 > source.size) refuse("it is cut short before the end of its storages");
    const head = await source.read(position, 8);
    const count = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
    if (count !== BigInt(storage.length))
      refuse(`storage ${quote(key)} has ${count} elements in one place and ${storage.length} in another`);
    const size = storage.length * storage.width;
    const start = position + 8;
    position = start + size;
    if (position > source.size)
      refuse(`it is cut short: storage ${quote(key)} should end at byte ${position} of ${source.size}`);
    found.set(key, { size, bigEndian: false, read: (offset, length) => source.read(start + offset, length) });
  }
  if (position !== source.size) refuse(`${source.size - position} bytes follow its last storage`);
  table.attach(({ key }) => found.get(key) ?? refuse(`it refers to storage ${quote(key)}, which it does not hold`));
}
