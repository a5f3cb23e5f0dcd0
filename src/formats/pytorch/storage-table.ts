import { describe } from "../../shared/errors.ts";
import type { Value } from "./constants.ts";
import { type StorageType, sizes } from "./names.ts";
import { isName } from "./pickle.ts";
import { quote, refuse } from "./refuse.ts";
import { Storage, type StorageBytes } from "./storage.ts";

/** Storages of a file by key; every mention of a key must agree with the first. */
export class StorageTable {
  readonly storages = new Map<string, Storage>();
  /** Parts and what they are a part of: they get its bytes. */
  readonly #parts: [part: Storage, whole: Storage][] = [];

  /**
   * A persistent id as torch.save writes it: `("storage", type, key, device, length)`; files before 1.6 add `None`, or
   * `(key, start, length)` for a storage that is a part of another.
   */
  resolve(id: Value): Storage {
    if (!Array.isArray(id) || id[0] !== "storage") {
      if (Array.isArray(id) && id[0] === "module")
        return refuse(
          "it holds a whole module with its source code, which is not data; save model.state_dict() instead",
        );
      return refuse(`it refers to ${describe(Array.isArray(id) ? id[0] : id)} outside the pickle, which is no storage`);
    }
    const [, type, key, , length, part = null] = id;
    if (!isName(type) || !("storageType" in type)) return refuse(`a storage in it is of ${describe(type)}`);
    const { storageType } = type as StorageType;
    // What the key is does not matter: it is looked up among the members of the archive, never a path.
    if (typeof key !== "string") return refuse(`a storage in it has the key ${describe(key)}, which is no name`);
    const count = sizes([length!], "the length of a storage")[0]!;
    const known = this.storages.get(key);
    if (known && (known.dtype !== storageType || known.length !== count))
      return refuse(`storage ${quote(key)} is described in two ways that do not agree`);
    const whole = known ?? new Storage(key, storageType, count);
    this.storages.set(key, whole);
    return part === null ? whole : this.#part(whole, part);
  }

  #part(whole: Storage, part: Value): Storage {
    if (!Array.isArray(part)) return refuse(`a part of a storage in it is ${describe(part)}`);
    const [start, length] = sizes(part.slice(1, 3), "the place of a part of a storage") as [number, number];
    if (part.length !== 3 || start + length > whole.length) refuse("a part of a storage in it leads past its end");
    const view = new Storage(whole.key, whole.dtype, length, start);
    this.#parts.push([view, whole]);
    return view;
  }

  /** Gives every storage its bytes, whose number must be what was declared. */
  attach(bytesOf: (storage: Storage) => StorageBytes): void {
    for (const storage of this.storages.values()) {
      const bytes = bytesOf(storage);
      const expected = storage.length * storage.width;
      if (bytes.size !== expected)
        refuse(`storage ${quote(storage.key)} should have ${expected} bytes, but ${bytes.size} are there`);
      storage.bytes = bytes;
    }
    for (const [part, whole] of this.#parts) part.bytes = whole.bytes;
  }
}
