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
    columns: outermost(metadata.schema),
    groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    rows: (columns, rowStart, rowEnd) =>
      parquetReadObjects({ file, metadata, columns: [...columns], rowStart, rowEnd }) as Promise<
        Record<string, unknown>[]
      >,
  };
}

/** Names of the columns themselves: the parts of nested ones follow them in the list. */
function outermost(schema: readonly { readonly name: string; readonly num_children?: number }[]): string[] {
  const names: string[] = [];
  for (let k = 1, inside = 0; k < schema.length; k++) {
    if (inside === 0) names.push(schema[k]!.name);
    else inside -= 1;
    inside += schema[k]!.num_children ?? 0;
  }
  return names;
}
