/** The same names with other values. */
export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  value: (a: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, a]) => [name, value(a, name)]));
}

/** Each name with the value at its place. */
export const zipRecord = <V>(names: readonly string[], values: { readonly [index: number]: V }): Record<string, V> =>
  Object.fromEntries(names.map((name, k) => [name, values[k]!]));

/** The same values under names that begin with `prefix`. */
export const prefixed = <V>(prefix: string, record: Readonly<Record<string, V>>): Record<string, V> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));

/** Of named values those whose names begin with `prefix`, under what follows it. */
export const unprefixed = <V>(prefix: string, named: Iterable<readonly [string, V]>): [string, V][] =>
  [...named].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : []));

/** Of named values those that are there. */
export const defined = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
