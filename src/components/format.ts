/** A number as the page shows it: three figures after the point, a true minus. */
export const shown = (value: number, digits = 3): string =>
  Number.isFinite(value)
    ? value
        .toFixed(digits)
        .replace(/^-(?=[0.]*$)/, "")
        .replace("-", "−")
    : value > 0
      ? "∞"
      : "—";

const SYMBOLS: Readonly<Record<string, string>> = { "\n": "↵", "\r\n": "↵", "\t": "→", " ": "␣" };

/** A token as it may stand on the page: nothing in a text can turn the direction of what follows it. */
export const shownToken = (token: string): string =>
  SYMBOLS[token] ?? token.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => (c === "\u200d" ? c : "·"));

/** 1.2e-7 as 1.2 × 10⁻⁷. */
export function shownPower(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return shown(value, 0);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -2 && exponent <= 3) return shown(value, exponent >= 2 ? 0 : 2 - Math.min(0, exponent));
  const digits = [...String(exponent)].map((d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)])).join("");
  return `${(value / 10 ** exponent).toFixed(1)} × 10${digits}`;
}
