import type { ForecastRow } from "./forecast-table.ts";

/** A table of forecasts as a Parquet file. */
export async function parquetOf(rows: readonly ForecastRow[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const text = (of: (row: ForecastRow) => string) => ({ data: rows.map(of), type: "STRING" as const });
  const number = (of: (row: ForecastRow) => number) => ({ data: rows.map(of), type: "DOUBLE" as const });
  const levels = Object.keys(rows[0]?.quantiles ?? {});
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "series", ...text(({ series }) => series) },
        { name: "time", ...text(({ time }) => time) },
        { name: "target", ...text(({ target }) => target) },
        { name: "value", ...number(({ value }) => value) },
        ...levels.map((level) => ({ name: level, ...number(({ quantiles }) => quantiles[level]!) })),
      ],
    }),
  );
}
