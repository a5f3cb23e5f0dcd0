import { html, nothing, svg, type TemplateResult } from "lit";
import { shownNumber, ticks, withAir } from "../../../src/shared/axis.ts";
import { extremes } from "../../../src/shared/extremes.ts";

export interface Curve {
  readonly label: string;
  /** A CSS colour. */
  readonly colour: string;
  readonly dash?: string;
  readonly values: ArrayLike<number>;
}

export interface CurvesOptions {
  readonly label: string;
  readonly curves: readonly Curve[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** Where the first and the last value stand; default 0 and their number less 1. */
  readonly x?: readonly [number, number];
  readonly logarithmic?: boolean;
  readonly height?: number;
  /** Bounds of y; default those of the values. Of a logarithmic scale powers of ten. */
  readonly y?: readonly [number, number];
}

const WIDTH = 640;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 14, 12, 36];

/** Curves over steps, with their names at their ends' side. An SVG that scales with its place. */
export function curves(options: CurvesOptions): TemplateResult {
  const { label, xLabel, yLabel, logarithmic = false, height = 240 } = options;
  const scale = (v: number): number => (logarithmic ? Math.log10(Math.max(v, 1e-45)) : v);
  const [low, high] = options.y?.map(scale) ?? extremes(finite(options.curves, scale));
  const [bottom, top] = bounds(low!, high!, logarithmic);
  const [from, to] = options.x ?? [0, Math.max(1, ...options.curves.map(({ values }) => values.length - 1))];
  const px = (x: number): number => LEFT + ((x - from) / (to - from || 1)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => TOP + (1 - (y - bottom) / (top - bottom)) * (height - TOP - BOTTOM);
  const levels = yTicks(bottom, top, logarithmic);
  const path = ({ values }: Curve): string => {
    const n = values.length;
    const every = Math.max(1, Math.floor(n / 600));
    // What lies below the chart is not drawn along its edge, as if it stayed there: the curve leaves and may come back.
    let [path, below] = ["", true];
    for (let k = 0; k < n; k += every) {
      const y = scale(values[k]!);
      if (!Number.isFinite(y)) continue;
      const out = y < bottom;
      if (!out || !below) {
        const [x, shown] = [from + ((to - from) * k) / Math.max(1, n - 1), Math.min(top, Math.max(bottom, y))];
        path += `${below ? "M" : "L"}${px(x).toFixed(1)} ${py(shown).toFixed(1)}`;
      }
      below = out;
    }
    return path;
  };
  return html`<figure class="curves">
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label=${label}>
      ${levels.map(
        ([y, text]) =>
          svg`<path d="M${LEFT} ${py(y)}H${WIDTH - RIGHT}" class="grid"/><text x=${LEFT - 6} y=${py(y) + 4} text-anchor="end">${text}</text>`,
      )}
      ${ticks(from, to, 5, 1).map(
        (x) =>
          svg`<path d="M${px(x)} ${height - BOTTOM}v4" class="grid"/><text x=${px(x)} y=${height - BOTTOM + 16} text-anchor="middle">${x.toLocaleString("en")}</text>`,
      )}
      <text x=${WIDTH - RIGHT} y=${height - 4} text-anchor="end" class="axis">${xLabel}</text>
      ${options.curves.map((c) => svg`<path d=${path(c)} fill="none" stroke=${c.colour} stroke-width="2.2" stroke-linejoin="round" stroke-dasharray=${c.dash ?? nothing}/>`)}
    </svg>
    <figcaption><span class="axis">${yLabel}</span>${options.curves.map(
      (c) =>
        html`<span class="key"><svg width="26" height="8" aria-hidden="true"><path d="M1 4H25" stroke=${c.colour} stroke-width="3" stroke-dasharray=${c.dash ?? nothing}/></svg>${c.label}</span>`,
    )}</figcaption>
  </figure>`;
}

const finite = (curves: readonly Curve[], scale: (v: number) => number): number[] =>
  curves.flatMap(({ values }) => Array.from(values, scale).filter(Number.isFinite));

function bounds(low: number, high: number, logarithmic: boolean): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (logarithmic) return [Math.floor(low), Math.max(Math.floor(low) + 1, Math.ceil(high))];
  return withAir(low, high);
}

function yTicks(bottom: number, top: number, logarithmic: boolean): [number, string][] {
  if (!logarithmic) return ticks(bottom, top, 4).map((v) => [v, shownNumber(v).replaceAll("-", "−")]);
  return ticks(bottom, top, 5, 1).map((e) => [
    e,
    `10${[...String(e)].map((d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)])).join("")}`,
  ]);
}
