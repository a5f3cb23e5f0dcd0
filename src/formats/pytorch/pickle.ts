import { describe } from "../../shared/errors.ts";
import { indexOf } from "./pickle-literals.ts";
import { PickleReader } from "./pickle-reader.ts";
import { scalars } from "./pickle-scalars.ts";
import { refuse } from "./refuse.ts";

/**
 * What a pickle may become: plain data. Dictionaries are Maps (so that no key reaches a prototype), tuples and lists are
 * arrays, whole numbers beyond 2^53 are BigInts; `Leaf` is what the caller makes of persistent ids and of the few names
 * that it allows.
 */
export type PickleValue<Leaf> =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue<Leaf>[]
  | Map<PickleValue<Leaf>, PickleValue<Leaf>>
  | Set<PickleValue<Leaf>>
  | Leaf;

/** A name that the pickle may mention. It runs no code of the file: `call` is ours and only builds data. */
export interface PickleName<Leaf> {
  readonly pickleName: string;
  /** Missing where the name is mentioned but never called, like a storage type. */
  readonly call?: (args: readonly PickleValue<Leaf>[], spend: (work: number) => void) => PickleValue<Leaf>;
  /** Takes what the pickle sets in it after it was made, or refuses it. Missing where nothing may be set. */
  readonly build?: (state: PickleValue<Leaf>) => void;
}

export interface UnpickleOptions<Leaf> {
  /** The allow-list: throws for every name that is not on it. */
  readonly name: (module: string, name: string) => PickleName<Leaf>;
  readonly persistent: (id: PickleValue<Leaf>) => Leaf;
  readonly position?: number;
}

const MAX_CONTAINERS = 1_000_000;
const MAX_STACK = 1_000_000;
const MAX_MEMO = 4_000_000;

/**
 * Interprets a pickle of protocol 0 to 5 without Python's power to call: every name goes through the caller's allow-list.
 *
 * @returns The value, and the position behind the pickle.
 * @throws FailureError "bad-pytorch"; PickleCut when the bytes end before the pickle does
 * @see pickletools of Python, which documents every instruction
 */
export function unpickle<Leaf>(
  bytes: Uint8Array,
  options: UnpickleOptions<Leaf>,
): { readonly value: PickleValue<Leaf>; readonly end: number } {
  const machine = new Unpickler(bytes, options);
  return { value: machine.run(), end: machine.position };
}

class Unpickler<Leaf> {
  readonly #reader: PickleReader;
  readonly #options: UnpickleOptions<Leaf>;
  #stack: PickleValue<Leaf>[] = [];
  /** The stacks under each open mark. */
  readonly #below: PickleValue<Leaf>[][] = [];
  readonly #memo = new Map<number, PickleValue<Leaf>>();
  /** Lists that may still grow; a tuple is an array too but may not. */
  readonly #lists = new Set<unknown>();
  #containers = 0;
  #work: number;

  constructor(bytes: Uint8Array, options: UnpickleOptions<Leaf>) {
    this.#reader = new PickleReader(bytes, options.position);
    this.#options = options;
    this.#work = 1_000_000 + 16 * bytes.length;
  }

  get position(): number {
    return this.#reader.position;
  }

  run(): PickleValue<Leaf> {
    const reader = this.#reader;
    for (;;) {
      const code = reader.uint8();
      const scalar = scalars[code];
      if (scalar) {
        this.#push(scalar(reader));
        continue;
      }
      switch (code) {
        case 0x80: {
          // PROTO
          const version = reader.uint8();
          if (version > 5) refuse(`its pickle is of protocol ${version}; 0 to 5 are read`);
          break;
        }
        case 0x95: // FRAME: how much to read at once
          reader.uint64();
          break;
        case 0x2e: {
          // STOP
          const value = this.#pop();
          if (this.#below.length > 0 || this.#stack.length > 0) refuse("its pickle ends with values left over");
          return value;
        }

        case 0x28: // MARK
          if (this.#below.length >= MAX_STACK) refuse("its pickle is nested too deep");
          this.#below.push(this.#stack);
          this.#stack = [];
          break;
        case 0x30: // POP
          if (this.#stack.length > 0) this.#stack.pop();
          else this.#popMark();
          break;
        case 0x31: // POP_MARK
          this.#popMark();
          break;
        case 0x32: // DUP
          this.#push(this.#top());
          break;
        case 0x29: // EMPTY_TUPLE
          this.#push(this.#container([]));
          break;
        case 0x85: // TUPLE1
        case 0x86: // TUPLE2
        case 0x87: // TUPLE3
          this.#push(this.#container(this.#popMany(code - 0x84)));
          break;
        case 0x74: // TUPLE
          this.#push(this.#container(this.#popMark()));
          break;
        case 0x5d: // EMPTY_LIST
          this.#push(this.#list([]));
          break;
        case 0x6c: // LIST
          this.#push(this.#list(this.#popMark()));
          break;
        case 0x61: // APPEND
          this.#append([this.#pop()]);
          break;
        case 0x65: // APPENDS
          this.#append(this.#popMark());
          break;
        case 0x7d: // EMPTY_DICT
          this.#push(this.#container(new Map()));
          break;
        case 0x64: {
          // DICT
          const items = this.#popMark();
          this.#push(this.#container(new Map()));
          this.#setItems(items);
          break;
        }
        case 0x73: // SETITEM
          this.#setItems(this.#popMany(2));
          break;
        case 0x75: // SETITEMS
          this.#setItems(this.#popMark());
          break;
        case 0x8f: // EMPTY_SET
          this.#push(this.#container(new Set()));
          break;
        case 0x90: {
          // ADDITEMS
          const items = this.#popMark();
          const set = this.#top();
          if (!(set instanceof Set)) return refuse(`it adds to a set that is ${nameOf(set)}`);
          for (const item of items) set.add(item);
          break;
        }
        case 0x91: // FROZENSET
          this.#push(this.#container(new Set(this.#popMark())));
          break;

        case 0x71: // BINPUT
          this.#remember(reader.uint8());
          break;
        case 0x72: // LONG_BINPUT
          this.#remember(reader.uint32());
          break;
        case 0x94: // MEMOIZE
          this.#remember(this.#memo.size);
          break;
        case 0x70: // PUT
          this.#remember(indexOf(reader.line()));
          break;
        case 0x68: // BINGET
          this.#recall(reader.uint8());
          break;
        case 0x6a: // LONG_BINGET
          this.#recall(reader.uint32());
          break;
        case 0x67: // GET
          this.#recall(indexOf(reader.line()));
          break;

        case 0x63: // GLOBAL
          this.#push(this.#options.name(reader.line(), reader.line()) as Leaf);
          break;
        case 0x93: {
          // STACK_GLOBAL
          const [module, name] = this.#popMany(2);
          if (typeof module !== "string" || typeof name !== "string")
            return refuse("it asks for something without a name");
          this.#push(this.#options.name(module, name) as Leaf);
          break;
        }
        case 0x52: // REDUCE
        case 0x81: // NEWOBJ: cls.__new__(cls, *args), on the same list
          this.#reduce();
          break;
        case 0x62: {
          // BUILD
          const [state, object] = [this.#pop(), this.#top()];
          if (isName<Leaf>(object) && object.build) object.build(state);
          // A state dict carries its `_metadata` (versions of its modules) as an attribute: data about data, not needed.
          else if (!(object instanceof Map) || !(state instanceof Map))
            refuse(`it sets the inside of ${nameOf(object)}, which is not data`);
          break;
        }
        case 0x51: // BINPERSID
          this.#push(this.#options.persistent(this.#pop()));
          break;
        case 0x50: // PERSID
          this.#push(this.#options.persistent(reader.line()));
          break;
        case 0x69: {
          // INST
          // Refuses by its name; what is on the list is never made this way.
          const name = this.#options.name(reader.line(), reader.line());
          return refuse(`it makes an object of ${name.pickleName}, which is not data`);
        }
        case 0x6f: // OBJ
        case 0x92: // NEWOBJ_EX
          return refuse("it makes an object of a class, which is not data");
        case 0x82: // EXT1
        case 0x83: // EXT2
        case 0x84: // EXT4
          return refuse("it asks for an object out of Python's extension registry, which is not data");
        case 0x97: // NEXT_BUFFER
        case 0x98: // READONLY_BUFFER
          return refuse("it asks for a buffer outside the file");
        default:
          return refuse(`its pickle has an instruction that does not exist (0x${code.toString(16)})`);
      }
    }
  }

  #push(value: PickleValue<Leaf>): void {
    if (this.#stack.length >= MAX_STACK) refuse(`its pickle holds more than ${MAX_STACK} values at once`);
    this.#stack.push(value);
  }

  #pop(): PickleValue<Leaf> {
    if (this.#stack.length === 0) refuse("its pickle takes a value where there is none");
    return this.#stack.pop()!;
  }

  #top(): PickleValue<Leaf> {
    if (this.#stack.length === 0) refuse("its pickle takes a value where there is none");
    return this.#stack[this.#stack.length - 1]!;
  }

  #popMany(count: number): PickleValue<Leaf>[] {
    if (this.#stack.length < count) refuse("its pickle takes a value where there is none");
    return this.#stack.splice(-count);
  }

  #popMark(): PickleValue<Leaf>[] {
    const below = this.#below.pop();
    if (below === undefined) return refuse("its pickle closes what it did not open");
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  #container<C>(value: C): C {
    if (++this.#containers > MAX_CONTAINERS) refuse(`it holds more than ${MAX_CONTAINERS} lists and dictionaries`);
    return value;
  }

  #list(items: PickleValue<Leaf>[]): PickleValue<Leaf>[] {
    this.#lists.add(items);
    return this.#container(items);
  }

  #append(items: readonly PickleValue<Leaf>[]): void {
    const list = this.#top();
    if (!this.#lists.has(list)) refuse(`it appends to ${nameOf(list)}, which is no list`);
    for (const item of items) (list as PickleValue<Leaf>[]).push(item);
  }

  #setItems(items: readonly PickleValue<Leaf>[]): void {
    const map = this.#top();
    if (!(map instanceof Map)) refuse(`it sets entries of ${nameOf(map)}, which is no dictionary`);
    if (items.length % 2 !== 0) refuse("a dictionary in it has a key without a value");
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  }

  #remember(index: number): void {
    if (this.#memo.size >= MAX_MEMO) refuse(`its pickle remembers more than ${MAX_MEMO} values`);
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) refuse(`its pickle uses value ${index}, which it did not remember`);
    this.#push(value);
  }

  #reduce(): void {
    const args = this.#pop();
    const what = this.#pop();
    if (!isName<Leaf>(what) || !Array.isArray(args)) refuse(`it calls ${nameOf(what)}, which is not data`);
    if (!what.call) refuse(`it calls ${what.pickleName}, which is not data`);
    this.#push(this.#container(what.call(args, (work) => this.#spend(work))));
  }

  /** What names build costs more than a byte of pickle a piece; together it is bounded by the length of the pickle. */
  #spend(work: number): void {
    this.#work -= work;
    if (this.#work < 0) refuse("it builds far more data than it holds");
  }
}

export function isName<Leaf>(value: unknown): value is PickleName<Leaf> {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "pickleName");
}

function nameOf(value: unknown): string {
  return isName(value) ? value.pickleName : describe(value);
}
