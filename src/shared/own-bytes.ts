/**
 * Bytes in memory of their own, not shared with threads: what a `Blob`, a request or IndexedDB takes. TypeScript before 5.7 has no name for them
 * (`Uint8Array<ArrayBuffer>`), but finds them here, too.
 */
export type OwnBytes = ReturnType<typeof Uint8Array.of>;
/** Numbers in such memory. */
export type OwnFloat64Array = ReturnType<typeof Float64Array.of>;
/** Numbers in such memory. */
export type OwnFloat32Array = ReturnType<typeof Float32Array.of>;
/** Numbers in such memory. */
export type OwnInt32Array = ReturnType<typeof Int32Array.of>;
