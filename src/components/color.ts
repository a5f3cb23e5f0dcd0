/**
 * Scales that are told apart with every kind of colour vision: lightness alone orders the first, blue against orange the
 * second. Each has a light and a dark half so that "nothing" is the colour of the paper.
 */
type Rgb = readonly [number, number, number];
type Ramp = readonly Rgb[];

const sequential: Readonly<Record<"light" | "dark", Ramp>> = {
  light: [
    [247, 244, 236],
    [192, 218, 214],
    [104, 171, 178],
    [34, 110, 138],
    [16, 49, 89],
  ],
  dark: [
    [28, 30, 36],
    [24, 66, 92],
    [34, 120, 140],
    [110, 188, 178],
    [238, 244, 206],
  ],
};
const diverging: Readonly<Record<"light" | "dark", Ramp>> = {
  light: [
    [18, 70, 128],
    [114, 164, 204],
    [247, 244, 236],
    [234, 164, 96],
    [166, 74, 12],
  ],
  dark: [
    [132, 196, 255],
    [44, 100, 168],
    [28, 30, 36],
    [178, 92, 30],
    [255, 190, 110],
  ],
};

/** Asked once: a new query for each of a thousand colours takes milliseconds. */
let darkness: MediaQueryList | undefined;

const theme = (): "light" | "dark" => {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "dark" || chosen === "light") return chosen;
  darkness ??= matchMedia("(prefers-color-scheme: dark)");
  return darkness.matches ? "dark" : "light";
};

/** A range of values that is shown as colours. */
export interface Scale {
  readonly low: number;
  readonly high: number;
}

/** Returns the scale for values: 0 … 1 for gates, otherwise symmetric around 0 such that 97 % of the values are within, at least 1. */
export function scaleOf(data: ArrayLike<number>): Scale {
  let [most, least] = [0, 0];
  for (let k = 0; k < data.length; k++) {
    const v = data[k]!;
    // What is infinite or no number at all has no place on a scale.
    if (!Number.isFinite(v)) continue;
    if (v > most) most = v;
    if (v < least) least = v;
  }
  if (least >= 0 && most <= 1) return { low: 0, high: 1 };
  const every = Math.max(1, Math.floor(data.length / 5000));
  const sizes = Float64Array.from({ length: Math.floor(data.length / every) }, (_, k) => Math.abs(data[k * every]!))
    .filter(Number.isFinite)
    .sort();
  // A unit that counts reaches far beyond all others; its end of the scale is full, and theirs still shows.
  const bound = sizes.length > 200 ? sizes[Math.floor(sizes.length * 0.97)]! : Math.max(most, -least);
  return { low: -Math.max(1, bound), high: Math.max(1, bound) };
}

const rampOf = ({ low }: Scale): Ramp => (low < 0 ? diverging : sequential)[theme()];

/** 256 colours from one end of a scale to the other, as words of an image in the byte order of this machine. */
export function colorTable(scale: Scale): Uint32Array {
  const ramp = rampOf(scale);
  const bytes = new Uint8Array(4 * 256);
  for (let n = 0; n < 256; n++)
    bytes.set([...rgbOf(scale.low + ((scale.high - scale.low) * n) / 255, scale, ramp), 255], 4 * n);
  return new Uint32Array(bytes.buffer);
}

function rgbOf(value: number, { low, high }: Scale, ramp: Ramp = rampOf({ low, high })): Rgb {
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  const place = (Number.isNaN(share) ? 0 : share) * (ramp.length - 1);
  const index = Math.min(ramp.length - 2, Math.floor(place));
  const [from, to] = [ramp[index]!, ramp[index + 1]!];
  const part = (k: 0 | 1 | 2): number => Math.round(from[k] + (to[k] - from[k]) * (place - index));
  return [part(0), part(1), part(2)];
}

/** Returns a number as a CSS colour; what is no number has none. */
export const colorOf = (value: number, scale: Scale): string =>
  Number.isNaN(value) ? "transparent" : `rgb(${rgbOf(value, scale).join(" ")})`;

/**
 * Returns black or white, whichever has more contrast on a colour; where there is none, the colour of the text around.
 * @see Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio
 */
export function inkOn(value: number, scale: Scale): string {
  if (Number.isNaN(value)) return "inherit";
  const linear = (v: number): number => (v <= 10.31475 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = rgbOf(value, scale).map(linear) as [number, number, number];
  // Both contrasts are equal where (L + 0.05)² = 0.05 · 1.05.
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/** Returns a CSS gradient of a whole scale, for its legend. */
export const legendOf = (scale: Scale): string =>
  `linear-gradient(to right, ${Array.from({ length: 9 }, (_, k) => colorOf(scale.low + ((scale.high - scale.low) * k) / 8, scale)).join(", ")})`;
