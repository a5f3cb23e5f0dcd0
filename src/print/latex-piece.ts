/** How tightly a piece of LaTeX holds together: it stands without brackets wherever the place asks for no more than it has. */
export const tightness = {
  cases: 0,
  comparison: 1,
  sum: 2,
  /** A matrix times a vector: may be added, gets brackets beside ⊙. */
  matrix: 3,
  times: 4,
  fraction: 5,
  power: 6,
  call: 7,
  atom: 8,
} as const;

/** Printed LaTeX and how tightly it holds together. */
export interface Piece {
  readonly text: string;
  readonly tight: number;
}
export const piece = (text: string, tight: number = tightness.atom): Piece => ({ text, tight });

/** Text in brackets that are as high as what they hold. */
export const bracketed = (text: string): string =>
  /\\frac|\\begin|\\sqrt/.test(text) ? `\\left(${text}\\right)` : `(${text})`;

/** A piece's text, in brackets where the place asks for more than it has. */
export const within = (p: Piece, asked: number): string => (p.tight >= asked ? p.text : bracketed(p.text));

/** A function by name, always with brackets around its arguments. */
export const call = (name: string, ...args: readonly Piece[]): Piece =>
  piece(`${name}${bracketed(args.map((a) => a.text).join(", "))}`, tightness.call);

/** `a + b` or, where b begins with a minus, `a − …`. */
export function plus(a: Piece, b: Piece): Piece {
  const right = within(b, tightness.sum);
  const joined = right.startsWith("-") ? `- ${right.slice(1).trimStart()}` : `+ ${right}`;
  return piece(`${within(a, tightness.sum)} ${joined}`, tightness.sum);
}

/** `a − b` */
export const minus = (a: Piece, b: Piece): Piece =>
  piece(`${within(a, tightness.sum)} - ${within(b, tightness.matrix)}`, tightness.sum);

/** Constants that are known better by their root or fraction, found by their exact value. */
const exactly = new Map<number, string>([
  [1 / 2, "\\tfrac{1}{2}"],
  [1 / 3, "\\tfrac{1}{3}"],
  [1 / 6, "\\tfrac{1}{6}"],
  [Math.SQRT1_2, "\\tfrac{1}{\\sqrt{2}}"],
  [2 / Math.sqrt(Math.PI), "\\tfrac{2}{\\sqrt{\\pi}}"],
]);

/** A number as it is written, to its last digit. */
export function numeral(value: number): Piece {
  if (Number.isNaN(value)) return piece("\\mathrm{NaN}");
  if (value < 0 || Object.is(value, -0)) return piece(`-${numeral(-value).text}`, tightness.sum);
  if (value === Number.POSITIVE_INFINITY) return piece("\\infty");
  const known = exactly.get(value);
  if (known) return piece(known, tightness.fraction);
  const [digits, exponent] = (value !== 0 && value < 1e-3 ? value.toExponential() : String(value)).split("e");
  if (!exponent) return piece(digits!);
  const power = `10^{${Number(exponent)}}`;
  return digits === "1" ? piece(power, tightness.power) : piece(`${digits} \\cdot ${power}`, tightness.times);
}
