/** What values an option can have, as data: what is said of it, tested, read and printed follows from this. */
export type Kind =
  | { readonly type: "integer"; readonly min?: number; readonly max?: number }
  | {
      readonly type: "number";
      readonly min?: number;
      readonly above?: number;
      readonly max?: number;
      readonly below?: number;
    }
  | {
      readonly type: "choice";
      readonly names: readonly string[];
      /** Names that earlier versions wrote, and what they are called now. */
      readonly formerNames?: Readonly<Record<string, string>>;
    }
  /** `what` is named in errors: "a text", "the path of a file". A `path` in a file is meant from that file's folder. */
  | { readonly type: "text"; readonly what: string; readonly path?: true }
  | { readonly type: "switch" }
  /** Of functions only: files and flags cannot say it. */
  | { readonly type: "infinity" }
  | { readonly type: "list"; readonly of: Kind }
  | { readonly type: "either"; readonly of: readonly [Kind, Kind] };

type Bounds = Extract<Kind, { readonly type: "integer" | "number" }>;

/** The range of a number in words, such as "from 0 to below 1"; empty where there is none. */
export function rangeOf(kind: Bounds): string {
  const { min, max } = kind;
  const { above, below } = kind.type === "number" ? kind : {};
  const low = min ?? above;
  const high = max ?? below;
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return min === undefined ? `above ${low}` : `of at least ${low}`;
  const upper = max === undefined ? `below ${high}` : `${high}`;
  if (low === undefined) return max === undefined ? upper : `of at most ${upper}`;
  return min === undefined
    ? `above ${low} and ${max === undefined ? upper : `at most ${upper}`}`
    : `from ${low} to ${upper}`;
}

/** Completes "expected …". */
export function expectation(kind: Kind): string {
  switch (kind.type) {
    case "integer":
      return `a whole number ${rangeOf(kind)}`.trimEnd();
    case "number":
      return `a number ${rangeOf(kind)}`.trimEnd();
    case "choice":
      return `one of ${kind.names.join(", ")}`;
    case "text":
      return kind.what;
    case "switch":
      return "true or false";
    case "infinity":
      return "Infinity";
    case "list":
      return `a list, each element ${expectation(kind.of)}`;
    case "either":
      return kind.of.map(expectation).join(", or ");
  }
}

/** Whether a value is of a kind; nothing is converted. */
export function accepts(kind: Kind, value: unknown): boolean {
  switch (kind.type) {
    case "integer":
      return Number.isSafeInteger(value) && inRange(kind, value as number);
    case "number":
      return typeof value === "number" && Number.isFinite(value) && inRange(kind, value);
    case "choice":
      return typeof value === "string" && kind.names.includes(value);
    case "text":
      return typeof value === "string";
    case "switch":
      return typeof value === "boolean";
    case "infinity":
      return value === Number.POSITIVE_INFINITY;
    case "list":
      return Array.isArray(value) && value.length > 0 && value.every((one) => accepts(kind.of, one));
    case "either":
      return kind.of.some((one) => accepts(one, value));
  }
}

/** A value as it is called now: an earlier version may have written it. */
export function renamed(kind: Kind, value: unknown): unknown {
  if (kind.type !== "choice" || typeof value !== "string" || !Object.hasOwn(kind.formerNames ?? {}, value))
    return value;
  return kind.formerNames![value];
}

function inRange(kind: Bounds, value: number): boolean {
  const { min = -Infinity, max = Infinity } = kind;
  const { above = -Infinity, below = Infinity } = kind.type === "number" ? kind : {};
  return value >= min && value <= max && value > above && value < below;
}

/** A decimal number as people write it: "0.002", "2e-3"; "10_000" is none. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The value that a word of a command line stands for; the word itself where it stands for none of this kind. */
export function read(kind: Kind, word: string): unknown {
  switch (kind.type) {
    case "integer":
    case "number":
      return DECIMAL.test(word.trim()) ? Number(word) : word;
    case "choice":
      return renamed(kind, word);
    case "text":
    case "infinity":
    case "switch":
      return word;
    case "list":
      return [read(kind.of, word)];
    case "either":
      // A number is always meant as one: "1" is a wrong fraction, not a file (./1 is).
      return read(kind.of[0], word);
  }
}
