import { UsageError } from "../shared/errors.ts";
import { charactersToBytes } from "./byte-alphabet.ts";
import { type PreTokenizer, type PreTokenizerSpec, preTokenizer } from "./pre-tokenizer.ts";
import { TextSections } from "./sections.ts";
import { StreamTokenizer } from "./stream-tokenizer.ts";
import { bpeModel, type ModelSpec, type PieceModel, wordModel } from "./subword-model.ts";
import { bufferedEncoder, TokenBuffer } from "./token-buffer.ts";
import type { StreamDecoder, StreamEncoder, Tokenizer } from "./tokenizer.ts";
import { fileOf, type TokenizerFile } from "./tokenizer-file.ts";
import { tokenOutOfRange } from "./vocabulary.ts";

/** How pieces are put together again: bytes to text, one after the other, or with a space between. */
export type PieceDecoder = "ByteLevel" | "Fuse" | null;

export interface SubwordOptions {
  readonly preTokenizer: PreTokenizerSpec | null;
  readonly model: ModelSpec;
  readonly decoder: PieceDecoder;
  /** All tokens in the order of their ids, those that were added beside the model among them. */
  readonly tokens: readonly string[];
  /** Ids of tokens that stand for the text that they are, whatever pieces of the model are written in. Default none. */
  readonly added?: ReadonlySet<number>;
}

/**
 * Text cut into pieces, and each piece into tokens of a vocabulary: byte pair encoding (on bytes: any text comes back as
 * it was; on characters: those that are unknown do not), or whole pieces.
 *
 * @see Sennrich et al. 2016 (arXiv:1508.07909); on bytes Radford et al. (2019), "Language models are unsupervised
 *   multitask learners"
 */
export class SubwordTokenizer extends StreamTokenizer implements Tokenizer {
  readonly kind: "bpe" | "word";
  readonly vocabulary: readonly string[];
  readonly unknownToken: number | undefined;
  readonly specialTokens = {};
  readonly #options: SubwordOptions;
  readonly #pre: PreTokenizer;
  readonly #model: PieceModel;

  /** @throws UsageError "bad-tokenizer" */
  constructor(options: SubwordOptions) {
    super();
    const { model, tokens } = options;
    const ids = new Map(Object.entries(model.vocab));
    this.kind = model.type === "BPE" ? "bpe" : "word";
    this.vocabulary = tokens;
    this.unknownToken = model.unk_token === null ? undefined : ids.get(model.unk_token);
    this.#options = options;
    this.#pre = preTokenizer(options.preTokenizer);
    this.#model = model.type === "BPE" ? bpeModel(model, ids, this.#pre.bytes) : wordModel(ids);
  }

  streamEncoder(): StreamEncoder {
    const buffer = new TokenBuffer();
    let piece = "";
    const emit = (token: number): void => {
      if (token >= 0) buffer.push(token);
      else if (this.unknownToken !== undefined) buffer.push(this.unknownToken);
      else throw this.#missing(piece);
    };
    const sections = new TextSections(this.#pre.cut, (next) => {
      piece = next;
      this.#model(piece, emit);
    });
    return bufferedEncoder(sections, buffer);
  }

  streamDecoder(): StreamDecoder {
    const { decoder, added } = this.#options;
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    let first = true;
    return {
      push: (token) => {
        const text = token === this.unknownToken ? "\ufffd" : this.vocabulary[token];
        if (text === undefined) throw tokenOutOfRange(token, this.vocabularySize);
        const bytes = decoder === "ByteLevel" && !added?.has(token) ? charactersToBytes(text) : undefined;
        if (bytes) return utf8.decode(bytes, { stream: true });
        const before = decoder === null && !first ? " " : utf8.decode();
        first = false;
        return before + text;
      },
      end: () => utf8.decode(),
    };
  }

  toJSON(): TokenizerFile {
    const { preTokenizer: pre_tokenizer, model, decoder } = this.#options;
    return fileOf({ pre_tokenizer, model, decoder });
  }

  #missing(piece: string): UsageError {
    return new UsageError(
      "unknown-token",
      `the text has ${JSON.stringify(piece.slice(0, 40))}, which the ${this.vocabularySize} tokens of the vocabulary do not cover, and there is none for what is unknown; train on bytes (alphabet "byte"), which know any text`,
    );
  }
}
