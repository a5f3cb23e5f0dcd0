import { parseStrictJson, type StrictJson } from "../../checkpoint/strict-json.ts";
import type { ByteSource } from "../../platform/platform.ts";
import { describe, FailureError, UsageError } from "../../shared/errors.ts";

/** Something in a file of Keras or TensorFlow.js that this package does not do, or that nobody may ask of it. */
export const unsupported = (what: string): UsageError => new UsageError("unsupported-keras", what);
/** A file that does not hold together. */
export const damaged = (what: string): FailureError => new FailureError("damaged-keras", what);

type JsonObject = ReadonlyMap<string, StrictJson>;
const isObject = (value: unknown): value is JsonObject => value instanceof Map;

/** Levels of a functional model of Keras 3 with wrapped layers, twice over. */
const MAX_DEPTH = 64;

/** An object of a configuration, read key by key with its place in every message. */
export class Config {
  readonly where: string;
  private readonly members: JsonObject;

  constructor(value: StrictJson | undefined, where: string) {
    if (!isObject(value)) throw damaged(`${where}: expected an object, got ${describe(value)}`);
    this.members = value;
    this.where = where;
  }

  /** @throws FailureError "damaged-keras" when the text is no JSON */
  static parse(text: string, where: string): Config {
    try {
      return new Config(parseStrictJson(text, MAX_DEPTH), where);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new FailureError("damaged-keras", `${where}: ${cause.message}`, { cause });
    }
  }

  /** The JSON of a file of at most so many bytes. */
  static async read(source: ByteSource, where: string, most: number): Promise<Config> {
    if (source.size > most) throw damaged(`${source.name} has ${source.size} bytes, too many for ${where}`);
    return Config.parse(new TextDecoder().decode(await source.read(0, source.size)), where);
  }

  /** The value as it is; null and absent are one. */
  get(key: string): StrictJson | undefined {
    return this.members.get(key) ?? undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  keys(): string[] {
    return [...this.members.keys()];
  }

  /** The same object under another name for messages. */
  at(where: string): Config {
    return new Config(this.members, where);
  }

  /** A copy with another value under one key. */
  with(key: string, value: StrictJson): Config {
    return new Config(new Map([...this.members, [key, value]]), this.where);
  }

  /** Whether the key is not there at all; null is something. */
  lacks(key: string): boolean {
    return !this.members.has(key);
  }

  object(key: string): Config {
    return new Config(this.get(key), `${this.where}, ${key}`);
  }

  list(key: string): readonly StrictJson[] {
    const value = this.get(key);
    if (!Array.isArray(value)) throw this.wrong(key, "a list");
    return value;
  }

  text(key: string, absent?: string): string {
    const value = this.get(key) ?? absent;
    if (typeof value !== "string") throw this.wrong(key, "a string");
    return value;
  }

  flag(key: string, absent: boolean): boolean {
    const value = this.get(key) ?? absent;
    if (typeof value !== "boolean") throw this.wrong(key, "true or false");
    return value;
  }

  number(key: string, absent?: number): number {
    const value = this.get(key) ?? absent;
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.wrong(key, "a number");
    return value;
  }

  /** A whole number of at least `min`, also as a list of one. */
  whole(key: string, min = 1, absent?: number): number {
    const value = this.get(key) ?? absent;
    const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (!Number.isSafeInteger(one) || (one as number) < min) throw this.wrong(key, `a whole number of at least ${min}`);
    return one as number;
  }

  wholes(key: string, min: number, expected = `whole numbers of at least ${min}`): number[] {
    return this.list(key).map((n) => {
      if (!Number.isSafeInteger(n) || (n as number) < min) throw this.wrong(key, expected);
      return n as number;
    });
  }

  wrong(key: string, expected: string): FailureError {
    return damaged(`${this.where}, ${key}: expected ${expected}, got ${describe(this.get(key))}`);
  }
}

/** Where Keras' own classes live. A configuration that names another module asks for foreign code. */
const OWN_MODULE = /^(keras|tensorflow\.keras|tensorflow\.python\.keras|tf_keras|builtins)(\.[a-z0-9_.]*)?$/;

/**
 * The class that an entry of a configuration names. Names are looked up in tables of this package, never resolved.
 *
 * @throws UsageError "unsupported-keras" for classes that are not Keras' own
 */
export function classOf(entry: Config): { readonly name: string; readonly config: Config } {
  const name = entry.text("class_name");
  const module = entry.get("module");
  const registered = entry.get("registered_name");
  const foreign =
    (module !== undefined && !(typeof module === "string" && OWN_MODULE.test(module))) ||
    (registered !== undefined && registered !== name);
  if (foreign)
    throw unsupported(
      `${entry.where}: the class ${JSON.stringify(name)} of module ${JSON.stringify(module ?? registered)} is not Keras' own; only layers of Keras itself are read, and nothing that a file names is ever loaded or called`,
    );
  return { name, config: entry.object("config") };
}
