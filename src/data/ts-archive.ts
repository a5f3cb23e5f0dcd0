import { type FileSource, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, expectSome, readRow } from "./bad-rows.ts";
import { type Examples, finiteNumber, type Placed, type Series } from "./examples.ts";
import { readLines } from "./text-files.ts";
import { interleaved } from "./time-series.ts";

/** Options of `readLabelledSeries`. */
export interface ReadLabelledSeriesOptions extends Abortable, BadRows {}

/**
 * Reads series and their labels from a `.ts` file of the UCR/UEA archive, optionally gzip: after a header of `@` lines, lines
 * `channel:channel:…:label` with the values of a channel separated by commas. Series may differ in length, channels of one series may
 * not.
 * @see Bagnall et al. (2018), "The UEA multivariate time series classification archive", arXiv:1811.00075
 * @throws UsageError "not-text", "file-empty", "bad-series" (another layout, time stamps, channels of different length),
 *   "missing-value", "not-a-number" (NaN and infinity among them), "ragged-row" (another number of channels), "no-label"; the
 *   reason of `signal`
 */
export async function readLabelledSeries(
  file: FileSource,
  options: ReadLabelledSeriesOptions = {},
): Promise<Placed<Examples<Series>>> {
  expectOptions("readLabelledSeries", options, { onBadRow: 1, signal: 1 });
  const name = sourceName(file);
  const lines = await readLines(file, { signal: options.signal });
  const begin = headerOf(lines, name);
  const [inputs, labels, places]: [Series[], string[], string[]] = [[], [], []];
  let some = false;
  for (let k = begin; k < lines.length; k++) {
    const line = lines[k]!.trim();
    if (line === "" || line.startsWith("#")) continue;
    const place = `${name}, line ${k + 1}`;
    const read = readRow(() => seriesIn(line, place, inputs[0]?.channels), options);
    some = true;
    if (read === undefined) continue;
    inputs.push(read.series);
    labels.push(read.label);
    places.push(place);
  }
  if (!some) throw new UsageError("table-empty", `${name}: expected series after @data, got none`);
  expectSome(name, inputs.length);
  return { inputs, labels, places };
}

/** @param channels of the first series */
function seriesIn(line: string, place: string, channels: number | undefined) {
  const cells = line.split(":");
  const label = cells.pop()!.trim();
  if (cells.length === 0)
    throw new UsageError("bad-series", `${place}: expected values and a label with ":" between, found no ":"`);
  if (label === "") throw new UsageError("no-label", `${place}: expected a label after the last ":", got nothing`);
  if (cells.length !== (channels ?? cells.length))
    throw new UsageError(
      "ragged-row",
      `${place}: expected ${channels} channels as in the first series, got ${cells.length}`,
    );
  return { series: { channels: cells.length, values: together(cells, place) }, label };
}

/** The line after `@data`. */
function headerOf(lines: readonly string[], name: string): number {
  for (const [k, raw] of lines.entries()) {
    const line = raw.trim();
    if (/^@data$/i.test(line)) return k + 1;
    if (/^@timestamps\s+true/i.test(line))
      throw new UsageError(
        "bad-series",
        `${name}, line ${k + 1}: series with time stamps are not read; write equal steps and @timeStamps false`,
      );
    if (/^@(classLabel|targetLabel)\s+false/i.test(line))
      throw new UsageError("no-label", `${name}, line ${k + 1}: the file says that its series have no labels`);
    if (line !== "" && !/^[#@]/.test(line))
      throw new UsageError(
        "bad-series",
        `${name}, line ${k + 1}: expected a header of "#" and "@" lines that ends with @data, got ${JSON.stringify(line.slice(0, 40))}`,
      );
  }
  throw new UsageError(
    "bad-series",
    `${name}: expected a line @data before the series; is it a .ts file of the UCR/UEA archive?`,
  );
}

/** Channels as steps of all channels. */
function together(cells: readonly string[], place: string): Float64Array {
  const channels = cells.map((cell, d) =>
    Float64Array.from(cell.split(","), (word, t) => {
      const where = (): string => `${place}, channel ${d + 1}, value ${t + 1}`;
      if (/^(\?|nan)$/i.test(word.trim()))
        throw new UsageError(
          "missing-value",
          `${where()} is missing (${word.trim()}): fill in the values first, or leave the series out`,
        );
      return finiteNumber(word, where, "a finite number");
    }),
  );
  const [{ length }] = channels as [Float64Array, ...Float64Array[]];
  const other = channels.findIndex((channel) => channel.length !== length);
  if (other >= 0)
    throw new UsageError(
      "bad-series",
      `${place}: channel ${other + 1} has ${channels[other]!.length} values, channel 1 has ${length}; all channels of a series must be as long`,
    );
  return interleaved(channels);
}
