import { characterSegmenter, type EmitPiece, graphemeSegmenter, type Segmenter } from "./segments.ts";
import { StreamTokenizer } from "./stream-tokenizer.ts";
import { vocabOf } from "./subword-model.ts";
import { bufferedEncoder, TokenBuffer } from "./token-buffer.ts";
import { type StreamDecoder, type StreamEncoder, type Tokenizer, UNKNOWN } from "./tokenizer.ts";
import { bpeSpec, fileOf, GRAPHEMES, type TokenizerFile } from "./tokenizer-file.ts";
import { Vocabulary } from "./vocabulary.ts";

const SEGMENTERS: { readonly [K in CharacterKind]: (emit: EmitPiece) => Segmenter } = {
  grapheme: graphemeSegmenter,
  character: characterSegmenter,
};

export type CharacterKind = "grapheme" | "character";

/** Pieces of the kind, of a stream of text. */
export function characterPieces(kind: CharacterKind, emit: EmitPiece): Segmenter {
  return SEGMENTERS[kind](emit);
}

/**
 * Tokens that are graphemes (what a reader takes for one character) or characters (code points).
 *
 * Decoding gives back the very text, but for pieces that became "<unk>": they come back as U+FFFD. Line ends are kept as
 * they are: "\r\n" is one grapheme, and two characters. Where graphemes end depends on the Unicode version of the
 * engine; newer ones keep some emoji and Indic syllables together that older ones cut.
 */
export class CharacterTokenizer extends StreamTokenizer implements Tokenizer {
  readonly kind: CharacterKind;
  readonly vocabulary: readonly string[];
  readonly unknownToken: number | undefined;
  readonly specialTokens = {};
  readonly #vocabulary: Vocabulary;

  /** @param tokens the pieces in the order of their ids; "<unk>" first if `options.unknown` */
  constructor(kind: CharacterKind, tokens: readonly string[], options: { readonly unknown: boolean }) {
    super();
    this.kind = kind;
    this.vocabulary = tokens;
    this.unknownToken = options.unknown ? 0 : undefined;
    this.#vocabulary = new Vocabulary(tokens, { unknown: options.unknown, noun: `${kind}s` });
  }

  streamEncoder(): StreamEncoder {
    const vocabulary = this.#vocabulary;
    const buffer = new TokenBuffer();
    const segmenter = characterPieces(this.kind, (piece) => {
      buffer.push(typeof piece === "number" ? vocabulary.idOfUnit(piece) : vocabulary.id(piece));
    });
    return bufferedEncoder(segmenter, buffer);
  }

  streamDecoder(): StreamDecoder {
    const push = (token: number): string => (token === this.unknownToken ? "\ufffd" : this.#vocabulary.piece(token));
    return { push, end: () => "" };
  }

  /** Characters are byte pair encoding on characters without pairs, graphemes are pieces that are tokens. */
  toJSON(): TokenizerFile {
    if (this.kind === "grapheme") {
      const model = { type: "WordLevel", vocab: vocabOf(this.vocabulary), unk_token: UNKNOWN } as const;
      return fileOf({ pre_tokenizer: GRAPHEMES, model, decoder: "Fuse" });
    }
    const model = bpeSpec(this.vocabulary, [], this.unknownToken === undefined ? null : UNKNOWN);
    return fileOf({ pre_tokenizer: null, model, decoder: "Fuse" });
  }
}
