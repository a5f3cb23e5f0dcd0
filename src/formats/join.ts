import type { OwnBytes } from "../shared/own-bytes.ts";

/** Arrays one after the other in one that `room` makes. */
export function join<A extends Uint8Array | Float32Array | Float64Array>(
  parts: readonly ArrayLike<number>[],
  room: (length: number) => A,
): A {
  const whole = room(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const joinBytes = (parts: readonly Uint8Array[]): OwnBytes => join(parts, (length) => new Uint8Array(length));
