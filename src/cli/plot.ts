import { extremes } from "../shared/extremes.ts";
import type { Point } from "./run-story.ts";

/** A curve with the colour that it is drawn in. */
export interface PlottedCurve {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface PlotOptions {
  readonly width: number;
  readonly height: number;
  /** Whether the output shows 24-bit colours; else each curve is drawn with a letter of its own. */
  readonly color: boolean;
  /** What the curves go along; default "step". */
  readonly along?: string;
}

/** Colours that people with any colour vision tell apart. @see Okabe & Ito (2008), "Color Universal Design" */
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"] as const;

/** Dots of a Braille character by [column][row]. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

export const letterOf = (k: number): string => String.fromCharCode("a".charCodeAt(0) + (k % 26));

export function inked(text: string, k: number, color: boolean): string {
  if (!color) return text;
  const rgb = PALETTE[k % PALETTE.length]!.match(/\w\w/g)!.map((part) => Number.parseInt(part, 16));
  return `\u001b[38;2;${rgb.join(";")}m${text}\u001b[0m`;
}

/** Curves over the same axes as lines of text: values up, steps to the right. Empty where there is nothing to draw. */
export function plot(curves: readonly PlottedCurve[], { width, height, color, along = "step" }: PlotOptions): string {
  // What is no number, as of a training that diverged, has no place.
  const drawn = curves.map(({ points }) => points.filter(([, value]) => Number.isFinite(value)));
  const all = drawn.flat();
  if (all.length === 0) return "";
  const [low, high] = extremes(all.map(([, value]) => value));
  const [first, last] = extremes(all.map(([step]) => step));
  const labels = [high, (low + high) / 2, low].map((value) => value.toPrecision(4));
  const margin = Math.max(...labels.map((label) => label.length)) + 1;
  const columns = Math.max(10, width - margin - 2);
  // With colours each character has 2 × 4 dots; a letter has one.
  const [dotsX, dotsY] = color ? [columns * 2, height * 4] : [columns, height];
  const cells = Array.from({ length: columns * height }, () => ({ curve: -1, dots: 0 }));
  for (const [curve, points] of drawn.entries()) {
    for (const [x, y] of traced(points)) {
      const cell = cells[Math.floor(y / (dotsY / height)) * columns + Math.floor(x / (dotsX / columns))]!;
      cell.dots = cell.curve === curve ? cell.dots : 0;
      cell.curve = curve;
      if (color) cell.dots |= DOTS[x % 2]![y % 4]!;
    }
  }
  const rows = Array.from({ length: height }, (_, row) => {
    const label = row === 0 ? labels[0]! : row === height - 1 ? labels[2]! : row === (height - 1) / 2 ? labels[1]! : "";
    const line = cells.slice(row * columns, (row + 1) * columns).map(({ curve, dots }) => {
      if (curve < 0) return " ";
      return inked(color ? String.fromCharCode(0x2800 + dots) : letterOf(curve), curve, color);
    });
    return `${label.padStart(margin)} │${line.join("")}`.trimEnd();
  });
  const axis = `${" ".repeat(margin + 1)}└${"─".repeat(columns)}`;
  const ends = `${" ".repeat(margin + 2)}${String(first)}${`${along} ${last}`.padStart(columns - String(first).length)}`;
  return [...rows, axis, ends].join("\n");

  /** The dots of a curve, with those between its points. */
  function* traced(points: readonly Point[]): Generator<readonly [number, number]> {
    const at = ([step, value]: Point): [number, number] => [
      ((step - first) / (last - first || 1)) * (dotsX - 1),
      (1 - (value - low) / (high - low || 1)) * (dotsY - 1),
    ];
    let before = points.length > 0 ? at(points[0]!) : undefined;
    for (const point of points) {
      const [x, y] = at(point);
      const [x0, y0] = before!;
      const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x - x0), Math.abs(y - y0))));
      for (let k = 0; k <= steps; k++)
        yield [Math.round(x0 + ((x - x0) * k) / steps), Math.round(y0 + ((y - y0) * k) / steps)];
      before = [x, y];
    }
  }
}
