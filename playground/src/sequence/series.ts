import { say } from "../language.ts";

/** Numbers of a text, [T, channels] row-major: rows of a table, or of one channel all numbers in their order. */
export function seriesOf(text: string, channels: number): Float32Array {
  const rows = text
    .split(/\r?\n/)
    .map((line) => line.split(/[,;\t ]+/).filter((part) => part !== ""))
    .filter((row) => row.length > 0);
  // The names of columns.
  if (rows.length > 1 && rows[0]!.every((part) => Number.isNaN(Number(part)))) rows.shift();
  const numbers = rows.map((row) => row.map(Number));
  // What is larger than any float32 is none to compute with either.
  const [bad] = rows.flatMap((row, k) => row.filter((_, n) => !Number.isFinite(Math.fround(numbers[k]![n]!))));
  if (bad !== undefined)
    throw new Error(
      say(`“${bad}” is no number, or too large; give numbers only.`, `“${bad}”不是数字，或者太大；这里只能填数字。`),
    );
  if (rows.length === 0)
    throw new Error(say("Draw, type or drop a series first.", "请先画一条序列，或者输入、拖入一串数字。"));
  if (channels === 1) return Float32Array.from(numbers.flat());
  const other = numbers.find((row) => row.length !== channels);
  if (other)
    throw new Error(
      say(
        `This model reads ${channels} numbers a step; give so many in each line. There is a line of ${other.length}.`,
        `这个模型每步读 ${channels} 个数，请每行给这么多；现在有一行是 ${other.length} 个。`,
      ),
    );
  return Float32Array.from(numbers.flat());
}

/** A wave with a second one on it, as a beginning. */
export const START_SERIES = Array.from({ length: 160 }, (_, t) =>
  (0.62 * Math.sin(t / 5.1) + 0.34 * Math.sin(t / 2.3 + 1)).toFixed(2),
).join(" ");
