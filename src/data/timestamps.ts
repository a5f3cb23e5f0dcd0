import { UsageError } from "../shared/errors.ts";

/** A time as a file says it. */
export interface Timestamp {
  /** Milliseconds since 1970 UTC, or what a clock shows as if it were UTC (`local`). */
  readonly value: number;
  /** Whether it is the time of clocks somewhere: nothing in it says which moment that is. */
  readonly local: boolean;
}

const [SECONDS, OFFSET] = [String.raw`(\d{2})(?:[.,](\d{1,9}))?`, String.raw`\s*(Z|UTC|[+-]\d{2}:?(?:\d{2})?)?`];
const DATE = String.raw`(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2})`;
const ISO = new RegExp(`^${DATE}(?:[T ]+(\\d{1,2})(?::(\\d{2})(?::${SECONDS})?)?${OFFSET})?)?$`, "i");
/** The same without marks between, which those of the time may have all the same. */
const COMPACT = new RegExp(
  String.raw`^(\d{4})(\d{2})(\d{2})(?:[T ]*(\d{2})(?::?(\d{2})(?::?${SECONDS})?)?${OFFSET})?$`,
  "i",
);
const NUMBER = /^-?\d{9,13}(\.\d+)?$/;
/** Digits that are years, months, days and hours of this century or the last one. */
const DIGITS = /^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])(?:[0-5]\d)*$/;

/**
 * Reads dates and times: 2024-01-31, 2024-01, 2024-01-31 10:00, with seconds, fractions, Z or an offset (ISO 8601, also with / or . in place of -), 20240131,
 * 20240131T1000 or 202401311000, and seconds or milliseconds since 1970. What may be either is refused: days before months (31.01.2024, 1/31/2024), and ten digits
 * that are a date with its hour as well as seconds.
 *
 * @throws UsageError "bad-time"
 */
export function parseTimestamp(text: string, place: () => string): Timestamp {
  const word = text.trim();
  const dated = DIGITS.test(word);
  if (dated && word.length === 10)
    throw badTime(word, place(), "; that is a date with its hour, or seconds since 1970: write 2024-01-31T10");
  if (NUMBER.test(word) && !dated) {
    const number = Number(word);
    // Seconds reach 10 digits until the year 2286, milliseconds have had 12 since 1973.
    return { value: Math.abs(number) < 1e11 ? number * 1000 : number, local: false };
  }
  const found = ISO.exec(word) ?? COMPACT.exec(word);
  if (!found) throw badTime(word, place());
  const [year, month, day, hour, minute, second] = found
    .slice(1, 7)
    .map((part, k) => (part === undefined ? (k === 2 ? 1 : 0) : Number(part))) as [
    ...[number, number, number, number, number, number],
  ];
  const fraction = Number(`0.${found[7] ?? 0}`);
  const value = momentOf([year, month, day, hour, minute, second], place) + Math.round(fraction * 1000);
  const offset = found[8];
  if (offset === undefined) return { value, local: true };
  if (/^(z|utc)$/i.test(offset)) return { value, local: false };
  const digits = offset.slice(1).replace(":", "").padEnd(4, "0");
  const ahead = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
  return { value: value - (offset.startsWith("-") ? -ahead : ahead), local: false };
}

/**
 * What a clock shows, from year, month, day and, optional, hour, minute, second.
 * @throws UsageError "bad-time" for a day that no calendar has
 */
export function momentOf(parts: readonly number[], place: () => string): number {
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts as [number, ...number[]];
  const value = Date.UTC(year, month - 1, day, hour, minute, second);
  const read = new Date(value);
  // Date lets the 30th of February be the 2nd of March.
  const same = read.getUTCFullYear() === year && read.getUTCMonth() === month - 1 && read.getUTCDate() === day;
  if (same && hour < 24 && minute < 60 && second < 60) return value;
  throw badTime(parts.join("-"), place());
}

const badTime = (word: string, place: string, hint = ""): UsageError =>
  new UsageError(
    "bad-time",
    `${place}: expected a date or time such as 2024-01-31, 2024-01-31 10:00 or 2024-01-31T10:00:00Z, got ${
      word === "" ? "nothing" : JSON.stringify(word.slice(0, 40))
    }${hint}`,
  );
