/**
 * The index of the first byte that does not continue a well-formed UTF-8 text, or of the first byte of a character
 * that `bytes` cut off when `final`; −1 if there is none. TextDecoder finds such bytes but does not say where.
 * @see The Unicode Standard, table 3-7, "Well-formed UTF-8 byte sequences"
 */
export function firstInvalidUtf8(bytes: Uint8Array, options: { readonly final: boolean }): number {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const rest =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    if (rest === 0) return i;
    for (let k = 1; k <= rest; k++) {
      if (i + k >= bytes.length) return options.final ? i : -1;
      const byte = bytes[i + k]!;
      // Overlong forms, surrogates and what is beyond U+10FFFF are shut out by the second byte.
      const low = k > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      const high = k > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      if (byte < low || byte > high) return i;
    }
    i += rest + 1;
  }
  return -1;
}
