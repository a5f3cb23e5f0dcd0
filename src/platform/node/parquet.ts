import * as zlib from "node:zlib";
import type { SchemaElement } from "hyparquet";
import type { ByteSource, ParquetTable } from "../platform.ts";
import { unpackLz4Block } from "./lz4-block.ts";

type Unpack = (input: Uint8Array, length: number) => Uint8Array;

/** Node's own from 22.15 on; the types are those of the oldest Node. */
const { zstdDecompressSync } = zlib as {
  zstdDecompressSync?: (input: Uint8Array, options: zlib.ZlibOptions) => Uint8Array;
};

/** Compressions beside Snappy, which the library itself knows. No more is unpacked than a page says that it holds. */
const unpackers: Readonly<Record<string, Unpack>> = {
  GZIP: (input, length) => zlib.gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => zlib.brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  LZ4_RAW: unpackLz4Block,
  ZSTD(input, length) {
    if (!zstdDecompressSync) throw new Error("compressed with Zstandard, which needs Node 22.15 or later");
    return zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) });
  },
};

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
    columns: outermost(metadata.schema).map(({ name }) => name),
    local: new Set(
      outermost(metadata.schema)
        .filter(ofClocks)
        .map(({ name }) => name),
    ),
    groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    rows: (columns, rowStart, rowEnd) =>
      parquetReadObjects({
        file,
        metadata,
        compressors: unpackers,
        columns: [...columns],
        rowStart,
        rowEnd,
      }) as Promise<Record<string, unknown>[]>,
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
