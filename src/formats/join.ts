/** Numbers one after the other in one array. */
export function join<A extends Float32Array | Float64Array>(
  parts: readonly ArrayLike<number>[],
  Kind: new (length: number) => A,
): A {
  const whole = new Kind(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
