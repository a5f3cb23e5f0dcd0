import { platform } from "#platform";

/** The SHA-256 of bytes in hexadecimal digits; undefined where the host has no such function (pages without https). */
export async function sha256(bytes: Uint8Array): Promise<string | undefined> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return undefined;
  const digest = await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same of bytes that come in parts, `length` in all. Where a host hashes only all at once, they are put together. */
export function sha256Parts(length: number): {
  readonly add: (part: Uint8Array) => void;
  readonly digest: () => Promise<string | undefined>;
} {
  const hash = platform.sha256();
  if (hash) return { add: (part) => hash.update(part), digest: async () => hash.digest() };
  const whole = new Uint8Array(length);
  let at = 0;
  return {
    add(part) {
      whole.set(part, at);
      at += part.length;
    },
    digest: () => sha256(whole),
  };
}
