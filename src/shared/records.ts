/** The same names with other values. */
export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  value: (a: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, a]) => [name, value(a, name)]));
}
