import type { Abortable } from "../../../src/shared/signal.ts";

/** Two things to see, one where an option is given and one where it is not (or is something else). */
type Pair = () => Promise<readonly [unknown, unknown]> | readonly [unknown, unknown];

/** A value that the option is given, and what is given besides on both sides because the option means nothing without it. */
type Value = readonly [value: unknown, besides?: object];

/** A place where options are given, and how to see what each of them does. */
export interface OptionEffects {
  /** What comes of a call with these options, in a form that can be compared. */
  readonly observe: (options: never) => unknown;
  /** What is given in any case: `observe` must not fail with it. */
  readonly base: object;
  /** Of each option what shows its effect. One that has to be given may be left out here: without it the call must fail or show something else. */
  readonly options: Readonly<Record<string, Value | Pair>>;
}

/** Options that are those of another place, which hands them on as they are. */
export interface SameEffects {
  readonly sameAs: string;
  /** How it can be known. */
  readonly because: string;
}

/** By the place: "openTrainer", "openTrainer earlyStopping", "new Graph", "Graph.input". */
export type EffectTable = Readonly<Record<string, OptionEffects | SameEffects>>;

type Keys<O> = O extends unknown ? keyof O : never;
type Of<O, K> = O extends { readonly [key in K & PropertyKey]?: infer V } ? V : never;

/**
 * A place with its options: `shows((options: SgdOptions) => …, {}, { momentum: [0.9] })` says that what is observed is not the same with
 * a momentum of 0.9 as with `{}`. A second element is given on both sides: `nesterov: [true, { momentum: 0.9 }]`.
 */
export function shows<O extends object>(
  observe: (options: O) => unknown,
  base: { readonly [K in Keys<O>]?: Of<O, K> },
  options: {
    readonly [K in Keys<O>]?: readonly [value: Of<O, K>, besides?: { readonly [L in Keys<O>]?: Of<O, L> }] | Pair;
  },
): OptionEffects {
  return { observe: observe as (options: never) => unknown, base, options: options as OptionEffects["options"] };
}

/** A call that is aborted before it begins, where its signal is its only option. */
export const abortable = (call: (options: Abortable) => unknown): OptionEffects =>
  shows((options: Abortable) => outcomeOf(() => call(options)), {}, { signal: [AbortSignal.abort()] });

/** What comes of a call, or the code of its error where that is what an option decides. */
export async function outcomeOf(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return { error: (error as { code?: string }).code ?? String(error) };
  }
}
