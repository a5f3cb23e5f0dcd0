/** Numbers one after the other in one array that `room` makes. */
export function join<A extends Float32Array | Float64Array>(
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
