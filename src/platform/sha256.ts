import { platform } from "#platform";

/** A SHA-256, in hexadecimal digits; undefined where the host has no such function (pages without https). */
export interface Checksum {
  readonly add: (part: Uint8Array) => void;
  readonly digest: () => Promise<string | undefined>;
}

/** Of bytes that come in parts, `length` in all. Where a host hashes only all at once, they are put together. */
export function sha256Parts(length: number): Checksum {
  const hash = platform.sha256();
  if (hash) return { add: (part) => hash.update(part), digest: async () => hash.digest() };
  const whole = new Uint8Array(length);
  let at = 0;
  return {
    add(part) {
      whole.set(part, at);
      at += part.length;
    },
    async digest() {
      const digest = await globalThis.crypto?.subtle?.digest("SHA-256", whole);
      return digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    },
  };
}

/** Of the bytes of all parts, one behind the other. */
export function sha256(parts: readonly Uint8Array[]): Promise<string | undefined> {
  const checksum = sha256Parts(parts.reduce((sum, { length }) => sum + length, 0));
  for (const part of parts) checksum.add(part);
  return checksum.digest();
}
