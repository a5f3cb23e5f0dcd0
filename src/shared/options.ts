import { describe, nearest, UsageError } from "./errors.ts";

/**
 * The name of each option of a function: one that is missing, or is none, does not compile. An option that is itself an object of options has their
 * names, and they are looked at with it. Anything else has 1 where it may be left out, "required" where not, and "named" where it has to be
 * there but may be undefined.
 */
export type OptionNames<Options> = {
  readonly [K in KeyOf<Options>]-?:
    | Table<Values<Options, K>>
    | (undefined extends Marks<Options, K> ? 1 : "required" | "named");
};

/** Options with whatever could be left out: what a function has once every default has been put in its place. */
export type Complete<Options> = { readonly [K in keyof Options]-?: Exclude<Options[K], undefined> };

/** Not what is called by a symbol: `using` has its own of whatever can be closed. */
type KeyOf<Options> = Options extends unknown ? keyof Options & string : never;
type Values<Options, K> = Options extends { readonly [key in K & PropertyKey]?: infer Value }
  ? Extract<Value, object>
  : never;
type Table<Value> = [Value] extends [never]
  ? never
  : Value extends (...given: never) => unknown
    ? never
    : OptionNames<Value>;
/** `undefined` among them: an option that some of the options do without. */
type Marks<Options, K> = Options extends unknown
  ? K extends keyof Options
    ? { [N in keyof Options]: 1 }[K]
    : undefined
  : never;

/**
 * Refuses options that a function does not know (but not what an instance of a class, such as a classifier, holds besides), and calls
 * without one that it needs. What values they may have the function says itself.
 *
 * @param what How the function is called.
 * @throws UsageError "unknown-option" with the nearest name; "missing-option"; "bad-option" for what is no object
 */
export function expectOptions<Options extends object>(
  what: string,
  options: Options,
  known: OptionNames<NoInfer<Options>>,
): void {
  const machineAlone = "machine" in known && isShownBy(options, KINDS.machine!);
  if (typeof options !== "object" || options === null || machineAlone) {
    const needed = Object.entries<unknown>(known).flatMap(([name, mark]) => (typeof mark === "string" ? [name] : []));
    const wanted = needed.length > 0 ? `{ ${needed.join(", ")}, … }` : "options";
    const came = machineAlone ? "a machine by itself; write { machine }" : describe(options);
    throw new UsageError("bad-option", `${what}: expected ${wanted}, got ${came}`);
  }
  expectNames(what, options, known);
}

/** Tables of names, without types. */
export type Names = { readonly [name: string]: 1 | "required" | "named" | Names };

/** What something is, and what shows it: a property that only such a thing has. Machines and models may be the caller's own, so no class is asked for. */
type Kind = readonly [what: string, ...shownBy: string[]];

const aTensor: Kind = ["a tensor, such as `graph.input(…)`", "range"];
const aFunction: Kind = ["a function", "call"];
const aList: Kind = ["a list of names", "map"];

/** An option of one of these names is of one kind, whichever function is given it. */
const KINDS: { readonly [name: string]: Kind } = {
  machine: ['a machine, as `await openMachine("wasm")` gives it', "limits"],
  // A classifier's may be a function that makes one.
  model: ["a model, as `languageModel({ … })` or `loadRun` gives it", "parts", "call"],
  parameters: ["parameters, as `createParameters` or `loadRun` gives them", "layout", "names"],
  session: ["a session, as `await openSession({ … })` gives it", "feed"],
  tokenizer: ['a tokenizer (of a corpus or a run, or one to be made: `{ kind: "bpe" }`)', "encode", "kind", "toJSON"],
  optimizer: ["an optimizer, such as `adam()`", "moments", "of"],
  signal: ["an AbortSignal", "addEventListener"],
  ...{ mask: aTensor, inputLengths: aTensor, targetLengths: aTensor },
  ...{ onProgress: aFunction, compile: aFunction, record: aFunction, without: aFunction },
  ...{ endTokens: aList, normalize: aList, specialTokens: aList },
};

const isShownBy = (value: unknown, [, ...properties]: Kind): boolean =>
  properties.length === 0 || properties.some((property) => property in Object(value));

const isLate = (value: unknown): boolean => typeof (value as PromiseLike<unknown> | null)?.then === "function";

/** Refuses null, what is still to come, and what is of another kind than an option of this name. @throws UsageError "bad-option" */
function expectKind(where: string, name: string, value: unknown): void {
  if (value === undefined) return;
  const kind = KINDS[name] ?? ["a value, or nothing at all"];
  if (value !== null && isShownBy(value, kind) && !isLate(value)) return;
  const [what] = kind;
  const hint = isLate(value) ? "; is an `await` missing?" : "";
  throw new UsageError("bad-option", `${where}: ${name}: expected ${what}, got ${describe(value)}${hint}`);
}

/** Whether something is made by a class: what it inherits from inherits itself, unlike that of `{}` in any realm. */
const isInstance = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
};

/** As `expectOptions`, for any table: the value of a name that is an object is the table of what lies within it. */
export function expectNames(what: string, options: object, known: Names): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      // What a classifier is made of besides `model` and `parameters` is its own affair.
      if (isInstance(options)) continue;
      throw unknownName(`${what}: there is no option`, name, Object.keys(known));
    }
    const within = known[name];
    const holdsMore = typeof within === "object" && typeof value === "object" && value !== null && !isLate(value);
    if (holdsMore) expectNames(`${what}: ${name}`, value, within as Names);
    else expectKind(what, name, value);
  }
  for (const [name, kind] of Object.entries(known)) {
    const lacks = kind === "required" ? (options as Names)[name] === undefined : kind === "named" && !(name in options);
    if (lacks) throw new UsageError("missing-option", `${what}: expected ${name}, which cannot be left out`);
  }
}

/** An error about a name that nothing is called by, with the one that was probably meant. */
export function unknownName(what: string, name: string, known: readonly string[]): UsageError {
  const near = nearest(name, known);
  const rest = near === undefined ? `; known are ${known.join(", ") || "none"}` : `; did you mean ${near}?`;
  return new UsageError("unknown-option", `${what} ${JSON.stringify(name)}${rest}`);
}
