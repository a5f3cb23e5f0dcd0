import type { FileLayer } from "../files.ts";
import { readError, writeError } from "./errors.ts";
import { fs } from "./late.ts";
import { removeAtEnd } from "./unfinished.ts";

/** Files of the system that Node runs on. */
export const nodeFiles: FileLayer = {
  async read(path) {
    try {
      const bytes = await fs().promises.readFile(path);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      throw readError(error, path);
    }
  },
  async size(path) {
    try {
      return (await fs().promises.stat(path)).size;
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return 0;
      throw readError(error, path);
    }
  },
  write: (path, content) =>
    writing(path, async () => {
      const file = await fs().promises.open(path, "w");
      try {
        if (typeof content === "string" || content instanceof Uint8Array) await file.writeFile(content);
        else for await (const chunk of content) await file.writeFile(chunk); // each call goes on where the last one ended
      } finally {
        await file.close();
      }
    }),
  append: (path, content) =>
    writing(path, async () => {
      const file = await fs().promises.open(path, "a");
      try {
        await file.writeFile(content);
      } finally {
        await file.close();
      }
    }),
  truncate: (path, length) => writing(path, () => fs().promises.truncate(path, length)),
  sync: (path) => writing(path, () => synced(path, "r+")),
  rename: (from, to) => writing(to, () => fs().promises.rename(from, to)),
  link: (from, to) =>
    writing(to, async () => {
      for (const make of [fs().promises.link, copied])
        try {
          await make(from, to);
          return true;
        } catch (error) {
          const { code } = error as { code?: unknown };
          if (code === "EEXIST") return false;
          // Some file systems (FAT, some of a network) have no second names: a copy that replaces nothing is next to it.
          if (make === copied || !NO_LINKS.includes(String(code))) throw error;
        }
      return false;
    }),
  remove: (path) => writing(path, () => fs().promises.rm(path, { force: true })),
  removeAtEnd,
  async list(folder) {
    try {
      return await fs().promises.readdir(folder);
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return [];
      throw readError(error, folder);
    }
  },
  makeFolder: (path) =>
    writing(path, async () => {
      try {
        await fs().promises.mkdir(path);
        return "made";
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code === "EEXIST") return "there";
        if (code === "ENOENT") return "no-parent";
        throw error;
      }
    }),
  // Without it a power cut may forget the new name of a file whose content is safe. Windows has no such call.
  syncFolder: (path) => writing(path, async () => (process.platform === "win32" ? undefined : synced(path, "r"))),
};

const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];
const copied = (from: string, to: string): Promise<void> =>
  fs().promises.copyFile(from, to, fs().constants.COPYFILE_EXCL);

async function synced(path: string, flags: "r" | "r+"): Promise<void> {
  const handle = await fs().promises.open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw writeError(error, path);
  }
}
