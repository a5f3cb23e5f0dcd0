import type { OwnBytes } from "./own-bytes.ts";

/** The bytes of all parts, one after the other. */
export function concatBytes(parts: readonly Uint8Array[]): OwnBytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
