/** Names with their values, as the types know them. */
export const entriesOf = <K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] =>
  Object.entries(record) as [K, V][];

/** The same names with other values. */
export function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  value: (a: A, name: K) => B,
): Record<K, B> {
  return Object.fromEntries(entriesOf(record).map(([name, a]) => [name, value(a, name)])) as Record<K, B>;
}

/** Each name with a value of its own. */
export const recordOf = <K extends string, V>(names: readonly K[], value: (name: K, k: number) => V): Record<K, V> =>
  Object.fromEntries(names.map((name, k) => [name, value(name, k)])) as Record<K, V>;

/** Each name with the value at its place. */
export const zipRecord = <K extends string, V>(
  names: readonly K[],
  values: { readonly [index: number]: V },
): Record<K, V> => recordOf(names, (_, k) => values[k]!);

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
