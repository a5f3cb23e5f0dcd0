import type { Code, ValueType } from "./code.ts";
import { END, flatten, typeByte, unsigned } from "./code.ts";
import type { Local } from "./control.ts";

/** A function of a module. */
export interface Func {
  readonly index: number;
  call(...args: Code[]): Code;
}

/** The variables of a function while its body is printed. */
export class FunctionBuilder {
  readonly types: ValueType[];
  readonly #parameters: number;

  constructor(parameters: readonly ValueType[]) {
    this.types = [...parameters];
    this.#parameters = parameters.length;
  }

  local(type: ValueType): Local {
    this.types.push(type);
    return localAt(type, this.types.length - 1);
  }

  parameters(): Local[] {
    return this.types.slice(0, this.#parameters).map(localAt);
  }

  /** The section of declarations: neighbours of one type are counted together. */
  declarations(): Code {
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.types.slice(this.#parameters)) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    return vector(runs.map(({ type, count }) => [unsigned(count), typeByte[type]]));
  }
}

function localAt(type: ValueType, index: number): Local {
  const at = unsigned(index);
  return {
    type,
    get: [0x20, at],
    set: (value) => [value, 0x21, at],
    tee: (value) => [value, 0x22, at],
  };
}

const [CONSTANT, VARIABLE] = [0, 1];
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
/** Names are words of ours, ASCII: an audio worklet has no TextEncoder. */
const text = (name: string): Code => [unsigned(name.length), Array.from(name, (letter) => letter.charCodeAt(0))];
type Bytes = ArrayLike<number>;
const total = (parts: readonly Bytes[]): number => parts.reduce((sum, part) => sum + part.length, 0);
const section = (id: number, parts: readonly Bytes[]): Bytes[] => [[id, ...unsigned(total(parts))], ...parts];
function joined(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(total(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * A module of WebAssembly that is put together function by function.
 *
 * It imports one memory as `env.memory` (and, when several threads run it, the number of each as `env.thread`) and nothing else, and
 * has no data, no table and no start function: what it needs in memory the host writes before it runs.
 */
export class ModuleBuilder {
  readonly #memory: { readonly initial: number; readonly maximum: number; readonly shared: boolean };
  readonly #types: string[] = [];
  readonly #typeCode: Code[] = [];
  readonly #functions: { type: number; body: Bytes }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  readonly #memo = new Map<string, Func>();

  /** Whether the engine joins two neighbouring vectors to one register of 256 bits: kernels choose their tiles by it. */
  readonly wide: boolean;
  /** Whether a few rows ask for lines ahead of what they multiply. */
  readonly ahead: boolean;
  /** How many threads run this module, each in an instance of its own. */
  readonly threads: number;

  /** Sizes in pages of 64 KiB, as the memory that is imported was made with. */
  constructor(options: {
    readonly memory: { readonly initial: number; readonly maximum: number; readonly shared: boolean };
    readonly wide?: boolean;
    readonly ahead?: boolean;
    readonly threads?: number;
  }) {
    this.#memory = options.memory;
    this.wide = options.wide ?? false;
    this.ahead = options.ahead ?? false;
    this.threads = options.threads ?? 1;
  }

  /** The number of the thread that runs, from 0. */
  get thread(): Code {
    return this.threads === 1 ? [0x41, 0] : [0x23, 0];
  }

  /**
   * A variable of every thread's own that stays from run to run, 0 or 1: which way matrices are gone through (`sweep`). Whoever has gone
   * through them says `turn`.
   */
  get turned(): Code {
    return [0x23, this.#ownGlobal];
  }
  get turn(): Code {
    return [this.turned, 0x45, 0x24, this.#ownGlobal];
  }
  /** Imported ones come first. */
  get #ownGlobal(): number {
    return this.threads === 1 ? 0 : 1;
  }

  /**
   * A new function. `body` receives its parameters as locals and may itself add functions.
   * With a `name` it is exported.
   */
  func(
    options: {
      readonly name?: string;
      readonly params: readonly ValueType[];
      readonly results?: readonly ValueType[];
    },
    body: (f: FunctionBuilder, ...params: Local[]) => Code,
  ): Func {
    const index = this.#functions.length;
    const entry = { type: this.#type(options.params, options.results ?? []), body: [] as Bytes };
    this.#functions.push(entry);
    if (options.name !== undefined) this.#exports.push({ name: options.name, index });
    const f = new FunctionBuilder(options.params);
    const code = body(f, ...f.parameters());
    entry.body = flatten([f.declarations(), code, END]);
    return { index, call: (...args) => this.#call(index, options.params.length, args) };
  }

  /** The function known under `key` in this module; `make` makes it at the first use. */
  memo(key: string, make: () => Func): Func {
    let known = this.#memo.get(key);
    if (!known) {
      known = make();
      this.#memo.set(key, known);
    }
    return known;
  }

  /** The bytes of the module. */
  finish(): Uint8Array<ArrayBuffer> {
    const { initial, maximum, shared } = this.#memory;
    const exported = this.#exports.map(({ name, index }) => [text(name), 0x00, unsigned(index)]);
    const imports: Code[] = [
      [text("env"), text("memory"), 0x02, shared ? 3 : 1, unsigned(initial), unsigned(maximum)],
      ...(this.threads === 1 ? [] : [[text("env"), text("thread"), 0x03, typeByte.i32, CONSTANT]]),
    ];
    const list = (id: number, items: readonly Code[]): Bytes[] => section(id, [flatten(vector(items))]);
    return joined([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...list(1, this.#typeCode),
      ...list(2, imports),
      ...list(
        3,
        this.#functions.map(({ type }) => unsigned(type)),
      ),
      ...list(6, [[typeByte.i32, VARIABLE, 0x41, 0, END]]),
      ...list(7, exported),
      // The bodies are bytes already: by far the most.
      ...section(10, [
        unsigned(this.#functions.length),
        ...this.#functions.flatMap(({ body }) => [unsigned(body.length), body]),
      ]),
    ]);
  }

  #call(index: number, expected: number, args: readonly Code[]): Code {
    if (args.length !== expected) {
      throw new TypeError(`call of function ${index}: expected ${expected} arguments, got ${args.length}`);
    }
    return [args, 0x10, unsigned(index)];
  }

  #type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join(" ")} > ${results.join(" ")}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    this.#typeCode.push([0x60, vector(params.map((p) => typeByte[p])), vector(results.map((r) => typeByte[r]))]);
    return this.#types.push(key) - 1;
  }
}
