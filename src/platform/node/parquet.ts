import type { SchemaElement } from "hyparquet";
import type { ByteSource, ParquetTable } from "../platform.ts";

/** The libraries that read it are loaded here, because few programs need them. */
export async function openParquet(source: ByteSource): Promise<ParquetTable> {
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const file = {
    byteLength: source.size,
    slice: async (start: number, end = source.size): Promise<ArrayBuffer> =>
      (await source.read(start, end - start)).slice().buffer,
  };
  const metadata = await parquetMetadataAsync(file);
  return {
    columns: outermost(metadata.schema).map(({ name }) => name),
    local: new Set(
      outermost(metadata.schema)
        .filter(ofClocks)
        .map(({ name }) => name),
    ),
    groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    rows: (columns, rowStart, rowEnd) =>
      parquetReadObjects({ file, metadata, compressors, columns: [...columns], rowStart, rowEnd }) as Promise<
        Record<string, unknown>[]
      >,
  };
}

/** Whether a column holds days, or times that do not say of which place: those of clocks somewhere. */
const ofClocks = ({ type, converted_type, logical_type }: SchemaElement): boolean =>
  converted_type === "DATE" ||
  logical_type?.type === "DATE" ||
  (logical_type?.type === "TIMESTAMP" && !logical_type.isAdjustedToUTC) ||
  // The times of old programs, which have no word for it and mean those of clocks.
  type === "INT96";

/** The columns themselves: the parts of nested ones follow them in the list. */
function outermost(schema: readonly SchemaElement[]): SchemaElement[] {
  const columns: SchemaElement[] = [];
  for (let k = 1, inside = 0; k < schema.length; k++) {
    if (inside === 0) columns.push(schema[k]!);
    else inside -= 1;
    inside += schema[k]!.num_children ?? 0;
  }
  return columns;
}
