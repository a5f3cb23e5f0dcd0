import { displayWidth } from "../explain/display-width.ts";
import type { Output } from "./io.ts";

/** A whole number with separators: 12,345. */
export const integer = (value: number): string => Math.round(value).toLocaleString("en-US");

/** A count for a narrow place: 950, 21.3k, 4.1M. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    // 999.95k would be printed as 1000.0k, so the larger unit begins where rounding reaches it.
    if (value >= size * 0.99995) return `${(value / size).toFixed(1)}${unit}`;
  }
  return String(Math.round(value));
}

/** A time as on a clock: 0:45, 12:03, 1:02:03. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–:––";
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** A duration in words: 4.2 s, 1 min 12 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `1 file`, `3 files`; `plural` where it is no "s" behind the word. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${integer(count)} ${count === 1 ? noun : plural}`;

/** A share of 1 in percent: 93.5 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The same without decimals: 94 %. */
export const wholePercent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** The perplexity of a mean loss in nats: 5.14, of a training that diverged 3.27e+12 or ∞. */
export function perplexity(nats: number): string {
  const value = Math.exp(nats);
  return value < 1e6 ? value.toFixed(2) : Number.isFinite(value) ? value.toExponential(2) : "∞";
}

/** A line of JSON, as with `--json`. */
export const jsonLine = (value: object): string => `${JSON.stringify(value)}\n`;

/** A line of CSV (RFC 4180). */
export const csvLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;

const two = (part: number): string => String(part).padStart(2, "0");

/** 2026-01-31, in the time of the place. */
export const dayOf = (date: Date): string =>
  [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");

/** 12:03:07, in the time of the place. */
export const timeOfDay = (date: Date): string =>
  [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");

/**
 * Rows as aligned columns: the first flush left, the others flush right, two spaces between. Where a terminal is narrower than that, each row is
 * its first cell, and below it what stands in the others with the names of their columns.
 */
export function table(rows: readonly (readonly string[])[], out?: Pick<Output, "isTTY" | "columns">): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [k, cell] of row.entries()) widths[k] = Math.max(widths[k] ?? 0, displayWidth(cell));
  }
  const whole = widths.reduce((sum, width) => sum + width + 2, -2);
  if (out?.isTTY && whole > out.columns) return listed(rows, out.columns);
  return rows
    .map((row) =>
      row
        .map((cell, k) => {
          const space = " ".repeat(widths[k]! - displayWidth(cell));
          return k === 0 ? cell + space : space + cell;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The same with as many cells on a line as there is room for. */
function listed([heads, ...rows]: readonly (readonly string[])[], columns: number): string {
  const lines = rows.map(([name, ...cells]) => {
    const parts = cells.flatMap((cell, k) => (cell === "" ? [] : [`${heads![k + 1]} ${cell}`.trim()]));
    const below: string[] = [];
    for (const part of parts) {
      const longer = `${below.at(-1) ?? ""}  ${part}`;
      if (below.length > 0 && displayWidth(longer) <= columns) below[below.length - 1] = longer;
      else below.push(`  ${part}`);
    }
    return [name, ...below].join("\n");
  });
  return [...(heads![0] === "" ? [] : [heads![0]]), ...lines].join("\n");
}

/** A word as a POSIX shell reads it back: quoted only where needed. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Lines that each begin with what they are about, aligned; those without content are left out. */
export function labelled(lines: readonly (readonly [label: string, text: string])[]): string {
  const there = lines.filter(([, text]) => text !== "");
  const width = Math.max(...there.map(([label]) => label.length));
  return there.map(([label, text]) => `${label.padEnd(width)}  ${text}`).join("\n");
}

/** Equations, one a line, as a line of text. */
export const oneLine = (equations: string): string => equations.trim().replaceAll("\n", "; ");
