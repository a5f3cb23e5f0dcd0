import { platform } from "#platform";
import { makeDurableFolder, writeAtomic } from "../platform/files.ts";
import type { DirectFile, FileSource } from "../platform/platform.ts";
import { sha256 } from "../platform/sha256.ts";
import { LongshortError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { storeIn, type TokenStore } from "./token-store.ts";

/** Tokens with the places where documents begin. */
export interface StoredPart {
  readonly store: TokenStore;
  readonly starts: Float64Array;
}

const FORMAT = "longshort-tokens 1";

/** What the tokens in a cache were made of; `key` tells two makings apart. */
interface CacheEntry {
  readonly format: typeof FORMAT;
  readonly key: string;
  readonly vocabularySize: number;
  readonly hash: string;
  readonly bytes: number;
  readonly documents: number;
}

/**
 * Tokens of a corpus beyond the limit of memory, kept in a folder: `NAME.bin` (the tokens), `NAME.starts` and, written last, so
 * that a making that was killed is no entry, `NAME.json`. They are used again as long as nothing has changed that they were made
 * of: size and time of the files, tokenizer, documents.
 */
export class TokenCache {
  readonly #folder: string;
  readonly #name: string;
  readonly #key: string;

  private constructor(folder: string, name: string, key: string) {
    this.#folder = folder;
    this.#name = name;
    this.#key = key;
  }

  /** Undefined where a source has no size and time on a disk. */
  static async open(
    folder: string,
    name: string,
    made: { readonly sources: readonly FileSource[]; readonly tokenizer: Tokenizer; readonly cut: object },
  ): Promise<TokenCache | undefined> {
    const files: (readonly [size: number, modified: number])[] = [];
    for (const source of made.sources) {
      const file = platform.openDirect(source);
      if (file === undefined) return undefined;
      files.push([file.size, file.modified]);
      file.close();
    }
    const text = JSON.stringify({ files, cut: made.cut, tokenizer: made.tokenizer.toJSON() });
    return new TokenCache(folder, name, (await sha256([new TextEncoder().encode(text)]))!);
  }

  /** Where the tokens are to be written; what was there before is no entry any more. */
  async begin(): Promise<string> {
    await makeDurableFolder(platform.files, this.#folder);
    await platform.files.remove(this.#path("json"));
    return this.#path("bin");
  }

  /** Leaves nothing of a making that failed. */
  async drop(): Promise<void> {
    for (const ending of ["json", "starts", "bin"]) await platform.files.remove(this.#path(ending));
  }

  /** The tokens, if they are there whole. */
  async find(): Promise<StoredPart | undefined> {
    const entry = await this.#entry();
    if (entry?.key !== this.#key || entry.format !== FORMAT) return undefined;
    const tokens = openOrNot(this.#path("bin"));
    const starts = openOrNot(this.#path("starts"));
    try {
      if (tokens?.size !== entry.bytes || starts?.size !== 8 * entry.documents) {
        tokens?.close();
        return undefined;
      }
      const places = new Float64Array(entry.documents);
      starts.read(new Uint8Array(places.buffer), 0);
      return { store: storeIn(tokens, entry), starts: places };
    } finally {
      starts?.close();
    }
  }

  /** Keeps what was written at `begin()`. */
  async keep({ store, starts }: StoredPart, vocabularySize: number): Promise<void> {
    const { files } = platform;
    await files.write(this.#path("starts"), new Uint8Array(starts.buffer, starts.byteOffset, starts.byteLength));
    for (const ending of ["starts", "bin"]) await files.sync(this.#path(ending));
    const bytes = store.length * store.bytesPerToken;
    const { hash } = store;
    const entry: CacheEntry = { format: FORMAT, key: this.#key, vocabularySize, hash, bytes, documents: starts.length };
    await writeAtomic(files, this.#path("json"), `${JSON.stringify(entry)}\n`);
  }

  #path(ending: string): string {
    return `${this.#folder}/${this.#name}.${ending}`;
  }

  /** What is said to be there; a damaged entry is none. */
  async #entry(): Promise<CacheEntry | undefined> {
    try {
      return JSON.parse(new TextDecoder().decode(await platform.files.read(this.#path("json")))) as CacheEntry;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof LongshortError) return undefined;
      throw error;
    }
  }
}

function openOrNot(path: string): DirectFile | undefined {
  try {
    return platform.openDirect(path);
  } catch (error) {
    if (error instanceof LongshortError) return undefined;
    throw error;
  }
}
