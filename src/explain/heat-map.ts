import { UsageError } from "../shared/errors.ts";
import { extremes } from "../shared/extremes.ts";
import { expectOptions } from "../shared/options.ts";
import { displayWidth } from "./display-width.ts";

/** A row of a heat map. */
export interface HeatMapRow {
  readonly label: string;
  /** One number per column. */
  readonly values: ArrayLike<number>;
}

/** Options of `renderHeatMap`. */
export interface HeatMapOptions {
  /** A line above the map. Default none. */
  readonly title?: string | undefined;
  /** Labels above the columns: characters or short words. Blanks and control characters are shown as symbols. */
  readonly columns: readonly string[];
  /** Labelled rows of values. */
  readonly rows: readonly HeatMapRow[];
  /** The value at the lower end of the scale; smaller values are drawn like it. */
  readonly low: number;
  /** The value at the upper end of the scale; larger values are drawn like it. */
  readonly high: number;
  /** Width of the terminal in characters; longer texts are continued in another band below. Default 80. */
  readonly width?: number | undefined;
  /** Whether to use 24-bit background colours instead of the shades ` ░▒▓█`. Default false. */
  readonly color?: boolean | undefined;
}

const LONGEST_LABEL = 8;
const SHADES = [" ", "░", "▒", "▓", "█"] as const;

type Rgb = readonly [number, number, number];

/** Dark to light, evenly in lightness: for what goes from none to all. */
const SEQUENTIAL: readonly Rgb[] = [
  [10, 8, 28],
  [82, 18, 110],
  [178, 50, 90],
  [240, 120, 40],
  [250, 235, 130],
];
/** Blue, dark, orange: for what has a sign; told apart with every kind of colour vision. */
const DIVERGING: readonly Rgb[] = [
  [120, 190, 255],
  [30, 90, 180],
  [18, 18, 24],
  [190, 90, 20],
  [255, 190, 90],
];

/**
 * Renders numbers over a text as a heat map for the terminal: the text along the top, one line per row. If the scale has both signs
 * (`low` < 0 < `high`), colours are dark in its middle; otherwise they go from dark to light. Shades go from `low` (blank) to `high`
 * (full). NaN is drawn as "?".
 * @returns lines, each ended by a line feed
 * @throws UsageError "wrong-length" when a row has another number of values than there are columns, "out-of-range" when
 *   `low` is not below `high`
 */
export function renderHeatMap(options: HeatMapOptions): string {
  expectOptions("renderHeatMap", options, {
    title: 1,
    columns: "required",
    rows: "required",
    low: "required",
    high: "required",
    width: 1,
    color: 1,
  });
  const { rows, low, high, width = 80, color = false } = options;
  if (!(low < high)) throw new UsageError("out-of-range", `low: expected a number below high (${high}), got ${low}`);
  for (const { label, values } of rows) {
    if (values.length === options.columns.length) continue;
    throw new UsageError(
      "wrong-length",
      `rows: expected ${options.columns.length} values, one a column, got ${values.length} in row "${label}"`,
    );
  }
  const columns = options.columns.map(shownLabel);
  // Two terminal columns make about a square. Words must not run into one another.
  const gap = columns.some(isWord) ? 1 : 0;
  const [, widest] = extremes(columns.map(displayWidth));
  const cellWidth = Math.max(2, widest + gap);
  const margin = Math.max(0, ...rows.map(({ label }) => displayWidth(label))) + 1;
  const perBand = Math.max(1, Math.floor((width - margin) / cellWidth));

  const lines: string[] = options.title === undefined ? [] : [options.title];
  for (let start = 0; start < columns.length; start += perBand) {
    const end = Math.min(columns.length, start + perBand);
    const head = columns.slice(start, end).map((label) => padded(inPlace(label), cellWidth));
    lines.push(`${" ".repeat(margin)}${head.join("")}`.trimEnd());
    for (const { label, values } of rows) {
      const cells: string[] = [];
      for (let k = start; k < end; k++) cells.push(cell(values[k]!, low, high, cellWidth, color));
      lines.push(`${padded(label, margin)}${cells.join("")}${color ? "\u001b[0m" : ""}`);
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Returns the scale to print beside a title: `0 ░▒▓█ 1`. */
export function heatMapLegend(options: Pick<HeatMapOptions, "low" | "high" | "color">): string {
  expectOptions("heatMapLegend", options, { low: "required", high: "required", color: 1 });
  const { low, high, color = false } = options;
  const steps = color ? 12 : SHADES.length;
  const cells = Array.from({ length: steps }, (_, k) =>
    cell(low + ((high - low) * (k + 0.5)) / steps, low, high, 1, color),
  );
  return `${number(low)} ${cells.join("")}${color ? "\u001b[0m" : ""} ${number(high)}`;
}

const number = (value: number): string => String(Number(value.toPrecision(3))).replace("-", "−");

function cell(value: number, low: number, high: number, width: number, color: boolean): string {
  if (Number.isNaN(value)) return `${color ? "\u001b[0m" : ""}${"?".repeat(width)}`;
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  if (!color) return SHADES[Math.min(SHADES.length - 1, Math.floor(share * SHADES.length))]!.repeat(width);
  const [r, g, b] = mixed(low < 0 && high > 0 ? DIVERGING : SEQUENTIAL, share);
  return `\u001b[48;2;${r};${g};${b}m${" ".repeat(width)}`;
}

/** The colour at `share` (0 … 1) of a ramp, by straight lines between its stops. */
function mixed(ramp: readonly Rgb[], share: number): Rgb {
  const place = share * (ramp.length - 1);
  const index = Math.min(ramp.length - 2, Math.floor(place));
  const [from, to] = [ramp[index]!, ramp[index + 1]!];
  const part = (k: 0 | 1 | 2): number => Math.round(from[k] + (to[k] - from[k]) * (place - index));
  return [part(0), part(1), part(2)];
}

const SYMBOLS: Readonly<Record<string, string>> = { "\n": "↵", "\r\n": "↵", "\r": "←", "\t": "→", " ": "␣" };

/** A token as it may stand in a terminal: nothing in a text can move the cursor or change colours. */
export function shownLabel(token: string): string {
  const symbol = SYMBOLS[token];
  if (symbol !== undefined) return symbol;
  const safe = token.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "·");
  const characters = [...safe];
  return characters.length <= LONGEST_LABEL ? safe : `${characters.slice(0, LONGEST_LABEL - 1).join("")}…`;
}

const isWord = (label: string): boolean => label.length > 1 && [...new Intl.Segmenter().segment(label)].length > 1;

const padded = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - displayWidth(text)));

/** Letters of scripts that run from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko, Adlam and their neighbours. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A label that stays above its column: terminals turn neighbouring words of such scripts round, but not across this mark. */
const inPlace = (label: string): string => (RIGHT_TO_LEFT.test(label) ? `${label}\u200e` : label);
