import { describe, nearest, UsageError } from "./errors.ts";

/** The name of each option of a function: one that is missing, or is none, does not compile. */
export type OptionNames<Options> = { readonly [K in Options extends unknown ? keyof Options : never]-?: unknown };

/**
 * Refuses options that a function does not know. What values they may have the function says itself.
 *
 * @param what How the function is called.
 * @throws UsageError "unknown-option" with the nearest name; "bad-option" for what is no object
 */
export function expectOptions<Options extends object>(
  what: string,
  options: Options,
  known: OptionNames<NoInfer<Options>>,
): void {
  if (typeof options !== "object" || options === null)
    throw new UsageError("bad-option", `${what}: expected options, got ${describe(options)}`);
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name)) throw unknownName(`${what}: there is no option`, name, Object.keys(known));
}

/** An error about a name that nothing is called by, with the one that was probably meant. */
export function unknownName(what: string, name: string, known: readonly string[]): UsageError {
  const near = nearest(name, known);
  const rest = near === undefined ? `; known are ${known.join(", ")}` : `; did you mean ${near}?`;
  return new UsageError("unknown-option", `${what} ${JSON.stringify(name)}${rest}`);
}
