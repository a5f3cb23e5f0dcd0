/** Mean and standard deviation over seeds. */

/** Of each measure; the deviation is that of a sample (n − 1), none for one seed. @param {readonly { measures: Record<string, number> }[]} results */
export function summary(results) {
  const names = Object.keys(results[0]?.measures ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = results.map(({ measures }) => measures[name]);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return [name, { mean, ...(values.length > 1 && { std: Math.sqrt(squares / (values.length - 1)) }), values }];
    }),
  );
}

/** @param {string} name @param {{ mean: number, std?: number, values: readonly number[] }} summary */
export function summaryLine(name, { mean, std, values }) {
  const deviation = std === undefined ? "" : ` ± ${std.toPrecision(2)}`;
  return `${name}: ${mean.toPrecision(5)}${deviation} (${values.map((value) => value.toPrecision(5)).join(", ")})`;
}
