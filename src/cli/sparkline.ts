const HEIGHTS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Values as a row of blocks between the smallest and the largest, at most `width` of them: each is a mean of its part. */
export function sparkline(values: readonly number[], width: number): string {
  const count = Math.min(width, values.length);
  const parts = Array.from({ length: count }, (_, k) => {
    const part = values.slice(Math.floor((k * values.length) / count), Math.floor(((k + 1) * values.length) / count));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...parts);
  const range = Math.max(...parts) - low;
  return parts.map((part) => HEIGHTS[range === 0 ? 0 : Math.round(((part - low) / range) * 7)]).join("");
}
