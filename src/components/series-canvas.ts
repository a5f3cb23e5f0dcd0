/** A curve over the steps. */
export interface Series {
  readonly label: string;
  /** One number a step. */
  readonly data: ArrayLike<number>;
  /** Drawn in dashes: what a model said, beside what was there. */
  readonly dashed?: boolean | undefined;
  /** Drawn in the colour that the page has for what stands out (`--accent`): what was changed. */
  readonly accent?: boolean | undefined;
  /** Drawn in this colour; default the ink of the page, paler from curve to curve. */
  readonly color?: string | undefined;
  /** Its own least and most value are the ends of the scale; default those of all curves. */
  readonly alone?: boolean | undefined;
}

interface Painting {
  readonly series: readonly Series[];
  readonly steps: number;
  /** The step that is looked at. */
  readonly step: number;
  /** The colour of the ground at a step. */
  readonly ground: ((step: number) => string) | undefined;
}

/** Draws curves into a canvas, on the colours of the steps. */
export function paintSeries(canvas: HTMLCanvasElement, { series, steps, step, ground }: Painting): void {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0 || steps === 0) return;
  const ratio = Math.min(2, devicePixelRatio || 1);
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const pen = canvas.getContext("2d")!;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  const ink = style.color;
  const accented = style.getPropertyValue("--accent").trim() || ink;
  const wide = width / steps;
  // Below the curves a strip of the unit's colours.
  const strip = 18;
  for (let t = 0; ground && t < steps; t++) {
    pen.fillStyle = ground(t);
    pen.fillRect(t * wide, height - strip, wide + 0.5, strip);
  }
  const common = rangeOf(series);
  pen.lineJoin = "round";
  series.forEach((one, k) => {
    const { data, dashed = false, accent = false, color } = one;
    const [low, high] = one.alone ? rangeOf([one]) : common;
    const y = (v: number): number => 8 + (1 - (v - low) / (high - low || 1)) * (height - strip - 18);
    pen.strokeStyle = color ?? (accent ? accented : ink);
    pen.lineWidth = dashed ? 1.4 : 1.9;
    pen.globalAlpha = dashed ? 0.85 : color ? 1 : Math.max(0.35, 1 - k * 0.2);
    pen.setLineDash(dashed ? [5, 4] : []);
    pen.beginPath();
    for (let t = 0; t < data.length; t++) {
      // A gap where a number is missing.
      if (Number.isFinite(data[t - 1])) pen.lineTo((t + 0.5) * wide, y(data[t]!));
      else pen.moveTo((t + 0.5) * wide, y(data[t]!));
    }
    pen.stroke();
  });
  pen.setLineDash([]);
  pen.strokeStyle = ink;
  pen.globalAlpha = 0.6;
  pen.lineWidth = 1;
  pen.strokeRect(step * wide + 0.5, 0.5, Math.max(2, wide - 1), height - 1);
  pen.globalAlpha = 1;
}

/** The least and the most of all curves. */
export function rangeOf(series: readonly Pick<Series, "data">[]): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { data } of series)
    for (let t = 0; t < data.length; t++) {
      if (!Number.isFinite(data[t]!)) continue;
      low = Math.min(low, data[t]!);
      high = Math.max(high, data[t]!);
    }
  return [low, high];
}
