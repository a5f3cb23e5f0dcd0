import type { ByteSource, ParquetTable } from "../platform.ts";

/** The library that reads it is loaded here, because few programs need it. */
export async function openParquet(source: ByteSource): Promise<ParquetTable> {
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const file = {
    byteLength: source.size,
    slice: async (start: number, end = source.size): Promise<ArrayBuffer> =>
      (await source.read(start, end - start)).slice().buffer,
  };
  const metadata = await parquetMetadataAsync(file);
  return {
    columns: metadata.schema.slice(1).map(({ name }) => name),
    groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    rows: (columns, rowStart, rowEnd) =>
      parquetReadObjects({ file, metadata, columns: [...columns], rowStart, rowEnd }) as Promise<
        Record<string, unknown>[]
      >,
  };
}
