import type { Kind } from "./kinds.ts";

/** One thing that can be set: its flag, its key in a config file and its place among the options of a function. */
export interface Field<T = unknown> {
  readonly kind: Kind;
  /** What it is, in one line without a full stop: `--help`, the reference page and the JSON schema print it. */
  readonly about: string;
  /** What a value counts, as `--help` writes it between angle brackets. */
  readonly unit?: string;
  /** What holds where nothing is said. */
  readonly default?: T;
  /** The same in words, where there is no default or it depends on something else. */
  readonly otherwise?: string;
  /** The flag without its dashes, where it is not the key in kebab case. */
  readonly flag?: string;
  /** Its key in config files of earlier versions, in kebab case its flag then; both are still read. */
  readonly formerly?: string;
  /** What held in runs whose config does not name it, from before it could be chosen. */
  readonly inOldRuns?: T;
  /** One letter, without its dash. */
  readonly short?: string;
  /** For a switch that is on by default: what it means to switch it off. */
  readonly off?: string;
  /** Beside what it says something: another setting that is given, or has one of these values. */
  readonly needs?: { readonly key: string; readonly values?: readonly unknown[] };
  /** A command cannot run without it. */
  readonly required?: true;
  /** On a command line it is a word without a flag, called as `unit` says. */
  readonly positional?: true;
  /** A file that is read once, and may be standard input: "-". */
  readonly standardInput?: true;
}

export type Fields = Readonly<Record<string, Field>>;

export type Value<F> = F extends Field<infer T> ? T : never;
type Certain = { readonly default: unknown } | { readonly required: true };

/** What a table of fields gives: values that have a default are always there. */
export type ValuesOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Certain ? K : never]: Value<F[K]>;
} & { readonly [K in keyof F as F[K] extends Certain ? never : K]?: Value<F[K]> };

/** What is said of a field beside its kind. */
export type About<T> = Omit<Field<T>, "kind">;
type Made<T, A> = Field<T> &
  (A extends { readonly default: unknown } ? { readonly default: T } : unknown) &
  (A extends { readonly required: true } ? { readonly required: true } : unknown);

/** The parts of `options` that belong to the kind go there. */
function make<T, A>(kind: Kind, about: A): Made<T, A> {
  return { ...about, kind } as Made<T, A>;
}

export const integer = <const A extends About<number> & { readonly min?: number; readonly max?: number }>(about: A) => {
  const { min, max, ...rest } = about;
  return make<number, A>(
    { type: "integer", ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    rest as unknown as A,
  );
};

type Range = { readonly min?: number; readonly above?: number; readonly max?: number; readonly below?: number };

/** The kind of a number, and what else is said of its field. */
function ranged<A extends Range>({ min, above, max, below, ...rest }: A) {
  const range = Object.fromEntries(Object.entries({ min, above, max, below }).filter(([, one]) => one !== undefined));
  return { kind: { type: "number", ...range } as const, rest: rest as unknown as A };
}

export const number = <const A extends About<number> & Range>(about: A) => {
  const { kind, rest } = ranged(about);
  return make<number, A>(kind, rest);
};

/** One of a few names. `formerNames` are those that earlier versions wrote, with what they are called now. */
export const choice = <
  const N extends string,
  const A extends About<N> & { readonly formerNames?: Readonly<Record<string, NoInfer<N>>> },
>(
  names: readonly N[],
  about: A,
) => {
  const { formerNames, ...rest } = about;
  return make<N, A>({ type: "choice", names, ...(formerNames && { formerNames }) }, rest as unknown as A);
};

export const text = <const A extends About<string>>(about: A) =>
  make<string, A>({ type: "text", what: "a text" }, about);

export const path = <const A extends About<string>>(about: A) =>
  make<string, A>({ type: "text", what: "a path", path: true }, about);

export const paths = <const A extends About<readonly string[]>>(about: A) =>
  make<readonly string[], A>({ type: "list", of: { type: "text", what: "a path", path: true } }, about);

export const texts = <const A extends About<readonly string[]>>(about: A) =>
  make<readonly string[], A>({ type: "list", of: { type: "text", what: "a text" } }, about);

export const numbers = <const A extends About<readonly number[]> & Range>(about: A) => {
  const { kind, rest } = ranged(about);
  return make<readonly number[], A>({ type: "list", of: kind }, rest);
};

/** Several of a few names. */
export const choices = <const N extends string, const A extends About<readonly N[]>>(names: readonly N[], about: A) =>
  make<readonly N[], A>({ type: "list", of: { type: "choice", names } }, about);

/** Off unless it is given, or on if `default` says so. */
export const onOff = <const A extends Omit<About<boolean>, "default"> & { readonly default?: boolean }>(about: A) =>
  make<boolean, { readonly default: boolean }>({ type: "switch" }, { default: false, ...about });

/** A share of something, or else the path of a file. */
export const fractionOrFile = <const A extends About<number | string>>(about: A) =>
  make<number | string, A>(
    {
      type: "either",
      of: [
        { type: "number", min: 0, below: 1 },
        { type: "text", what: "the path of a file (./1 if it is called 1)", path: true },
      ],
    },
    about,
  );

/** A number that a function also takes as `Infinity`: no limit. */
export const orInfinity = (field: Field<number>): Field<number> => ({
  ...field,
  kind: { type: "either", of: [field.kind, { type: "infinity" }] },
});

/** The defaults of a table. */
export function defaultsOf<F extends Fields>(fields: F): DefaultsOf<F> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, field]) => (field.default === undefined ? [] : [[key, field.default]])),
  ) as DefaultsOf<F>;
}

export type DefaultsOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { readonly default: unknown } ? K : never]: Value<F[K]>;
};

/** `hiddenSize` → `hidden-size`. */
const kebabCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const flagName = (key: string, { flag }: Field): string => flag ?? kebabCase(key);

/** The flag that a field had before, if it had another one. */
export const formerFlagName = ({ formerly }: Field): string | undefined =>
  formerly === undefined ? undefined : kebabCase(formerly);
