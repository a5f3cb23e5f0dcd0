/**
 * A visible character for each of the 256 bytes, so that a file can show pieces of text that are no UTF-8 by themselves:
 * printable ASCII and Latin-1 stand for themselves, the other bytes for U+0100 and on.
 * @see Radford et al., "Language models are unsupervised multitask learners" (2019): GPT-2's vocabulary is written so
 */
export const CHARACTER_OF_BYTE: readonly string[] = (() => {
  const plain = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(plain(byte) ? byte : next++));
})();

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  CHARACTER_OF_BYTE.map((character, byte) => [character, byte]),
);

/** Bytes as the characters that stand for them. */
export function bytesToCharacters(bytes: ArrayLike<number>): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += CHARACTER_OF_BYTE[bytes[i]!]!;
  return text;
}

/** The bytes that characters stand for; undefined if one of them stands for none. */
export function charactersToBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = BYTE_OF_CHARACTER.get(text[i]!);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
