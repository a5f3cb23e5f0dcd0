import { CHARACTER_OF_BYTE } from "./byte-alphabet.ts";
import { wholeCharacters } from "./normalize.ts";
import { BYTE_LEVEL } from "./pre-tokenizer.ts";
import { StreamTokenizer } from "./stream-tokenizer.ts";
import type { StreamDecoder, StreamEncoder, Tokenizer } from "./tokenizer.ts";
import { bpeSpec, fileOf, type TokenizerFile } from "./tokenizer-file.ts";
import { tokenOutOfRange } from "./vocabulary.ts";

const SIZE = 256;
const TOKENS: readonly string[] = Array.from({ length: SIZE }, (_, byte) =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `0x${byte.toString(16).padStart(2, "0")}`,
);

/**
 * Tokens that are the 256 bytes: any file can be read, no vocabulary is needed. Text is UTF-8, three bytes for most
 * Chinese characters. Line ends are kept as they are. Decoding gives back the very text; bytes that are not UTF-8 (a
 * model may write such) become U+FFFD, and so does half of a surrogate pair in the text that is encoded.
 */
export class ByteTokenizer extends StreamTokenizer implements Tokenizer {
  readonly kind = "byte";
  readonly vocabulary = TOKENS;
  readonly unknownToken = undefined;
  readonly specialTokens = {};

  encodeBytes(bytes: Uint8Array): Int32Array {
    return Int32Array.from(bytes);
  }

  override decode(tokens: ArrayLike<number>): string {
    const bytes = new Uint8Array(tokens.length);
    for (let i = 0; i < tokens.length; i++) bytes[i] = byteOf(tokens[i]!);
    return decoder().decode(bytes);
  }

  streamEncoder(): StreamEncoder {
    const whole = wholeCharacters();
    const encode = (text: string): Int32Array => this.encodeBytes(new TextEncoder().encode(text));
    return { push: (text) => encode(whole.push(text)), end: () => encode(whole.end()) };
  }

  streamDecoder(): StreamDecoder {
    const utf8 = decoder();
    const byte = new Uint8Array(1);
    return {
      push(token) {
        byte[0] = byteOf(token);
        return utf8.decode(byte, { stream: true });
      },
      end: () => utf8.decode(),
    };
  }

  /** Byte pair encoding without pairs. */
  toJSON(): TokenizerFile {
    const pre_tokenizer = { ...BYTE_LEVEL, use_regex: false };
    return fileOf({ pre_tokenizer, model: bpeSpec(CHARACTER_OF_BYTE, []), decoder: "ByteLevel" });
  }
}

/** A byte order mark is text like any other here, or decoding would not give back what was encoded. */
function decoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

function byteOf(token: number): number {
  if (!(Number.isInteger(token) && token >= 0 && token < SIZE)) throw tokenOutOfRange(token, SIZE);
  return token;
}
