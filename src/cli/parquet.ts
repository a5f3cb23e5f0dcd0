import type { DecodedArray, SchemaElement } from "hyparquet";
import type { ForecastRow } from "./forecast-table.ts";

/** A table of forecasts as a Parquet file. */
export async function parquetOf(rows: readonly ForecastRow[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const levels = Object.keys(rows[0]?.quantiles ?? {});
  const columns = [
    { name: "series", ...texts(rows.map(({ series }) => series)) },
    { name: "time", ...times(rows.map(({ time }) => time)) },
    { name: "target", ...texts(rows.map(({ target }) => target)) },
    { name: "value", ...numbers(rows.map(({ value }) => value)) },
    ...levels.map((level) => ({ name: level, ...numbers(rows.map(({ quantiles }) => quantiles[level]!)) })),
  ];
  const fields = columns.map(({ name, type }): SchemaElement => ({ name, repetition_type: "REQUIRED", ...type }));
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: columns.map(({ name, data }) => ({ name, data })),
      schema: [{ name: "root", num_children: columns.length }, ...fields],
    }),
  );
}

interface Column {
  readonly data: DecodedArray;
  readonly type: Pick<SchemaElement, "type" | "converted_type" | "logical_type">;
}

const texts = (data: string[]): Column => ({ data, type: { type: "BYTE_ARRAY", converted_type: "UTF8" } });
const numbers = (data: number[]): Column => ({ data, type: { type: "DOUBLE" } });

/**
 * What the texts of the times say, which are all alike: moments, days, or numbers of steps. A day is the time at which clocks show its beginning, wherever they
 * are: pandas takes that for a time, and a date of Parquet for an object.
 */
function times(said: string[]): Column {
  if (said.every((time) => /^\d+$/.test(time))) return { data: said.map(Number), type: { type: "INT32" } };
  const isAdjustedToUTC = said[0]!.includes("T");
  return {
    data: said.map((time) => new Date(time)),
    type: { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC, unit: "MILLIS" } },
  };
}
