import type { ByteSource } from "../../platform/platform.ts";
import { openZip, type ZipFile } from "../zip.ts";
import type { Value } from "./constants.ts";
import { allowedName } from "./names.ts";
import { unpickle } from "./pickle.ts";
import { PickleCut } from "./pickle-reader.ts";
import { quote, refuse } from "./refuse.ts";
import type { StorageBytes } from "./storage.ts";
import { StorageTable } from "./storage-table.ts";

const MAX_PICKLE = 1 << 26;

/**
 * The format since PyTorch 1.6: a zip archive with one folder, in it `data.pkl` and the storages as `data/KEY`, stored
 * without compression.
 */
export async function readArchive(source: ByteSource): Promise<Value> {
  const zip = await openZip(source, { zeroCrcIsNone: true });
  const folder = folderOf(zip);
  if (zip.entries.has(`${folder}constants.pkl`))
    refuse(
      "it is a TorchScript archive (constants.pkl), which is a program; save model.state_dict() with torch.save instead",
    );
  const bigEndian = await isBigEndian(zip, folder);
  const { size } = zip.entries.get(`${folder}data.pkl`)!;
  if (size > MAX_PICKLE) refuse(`its data.pkl has ${size} bytes; at most ${MAX_PICKLE} are read`);
  const pickle = await zip.read(`${folder}data.pkl`);
  const table = new StorageTable();
  const { value, end } = whole(() => unpickle(pickle, { name: allowedName, persistent: (id) => table.resolve(id) }));
  if (end !== pickle.length) refuse(`${pickle.length - end} bytes follow the pickle`);
  table.attach(({ key }) => storageBytes(zip, `${folder}data/${key}`, bigEndian));
  return value;
}

function folderOf(zip: ZipFile): string {
  const pickles = [...zip.entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1)
    refuse(
      pickles.length === 0
        ? "it is a zip archive without data.pkl, so not one of torch.save's"
        : `it has ${pickles.length} files named data.pkl`,
    );
  return pickles[0]!.slice(0, -"data.pkl".length);
}

async function isBigEndian(zip: ZipFile, folder: string): Promise<boolean> {
  const entry = zip.entries.get(`${folder}byteorder`);
  if (!entry) return false;
  const order = entry.size > 16 ? "" : new TextDecoder().decode(await zip.read(entry.name));
  if (order !== "little" && order !== "big") refuse(`its byte order is ${quote(order)}; expected little or big`);
  return order === "big";
}

function storageBytes(zip: ZipFile, path: string, bigEndian: boolean): StorageBytes {
  const entry = zip.entries.get(path);
  if (!entry) return refuse(`it refers to ${quote(path)}, which the archive does not hold`);
  const { size } = entry;
  let parts: Promise<ByteSource> | undefined;
  return {
    size,
    bigEndian,
    // Read whole, a storage is checked against its CRC on the way; read in parts, once before the first one.
    async read(offset, length) {
      if (offset === 0 && length === size) return zip.read(path);
      parts ??= zip.open(path);
      return (await parts).read(offset, length);
    },
  };
}

/** Runs a reader whose pickle must end within its bytes. */
function whole<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PickleCut) refuse("its pickle is cut short", cause);
    throw cause;
  }
}
