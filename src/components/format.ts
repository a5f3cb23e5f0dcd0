/** Formats a number for display, with three decimals and a true minus sign. */
export const formatNumber = (value: number, digits = 3): string =>
  Number.isNaN(value)
    ? "—"
    : value
        .toFixed(digits)
        .replace(/^-(?=[0.]*$)/, "")
        .replace("-", "−")
        .replace("Infinity", "∞");

const SYMBOLS: Readonly<Record<string, string>> = { "\n": "↵", "\r\n": "↵", "\t": "→", " ": "␣" };

/** Formats a token for display: white space and control characters, also those that change the writing direction, become symbols. */
export const formatToken = (token: string): string =>
  SYMBOLS[token] ?? token.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => (c === "\u200d" ? c : "·"));

/** Formats a number for display in powers of ten: 1.2e-7 as 1.2 × 10⁻⁷. */
export function formatPower(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return formatNumber(value, 0);
  const [figures, power] = value.toExponential(1).split("e") as [string, string];
  const exponent = Number(power);
  if (exponent >= -2 && exponent <= 3) return formatNumber(value, exponent >= 2 ? 0 : 2 - Math.min(0, exponent));
  const digits = [...String(exponent)].map((d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)])).join("");
  return `${figures.replace("-", "−")} × 10${digits}`;
}
