/**
 * A name for a module, from its bytes: 16 hexadecimal digits. For hosts that do not compile: where a program saved its modules under their names
 * (`compile` of `openMachine`), the same program finds them by these.
 */
export function moduleName(bytes: Uint8Array): string {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ (byte + 1), 0x85ebca6b);
    b ^= b >>> 15;
  }
  return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
