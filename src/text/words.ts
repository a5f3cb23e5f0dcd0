import { type Segmenter, takeSegments } from "./segments.ts";
import { StreamTokenizer } from "./stream-tokenizer.ts";
import { vocabOf } from "./subword-model.ts";
import { bufferedEncoder, TokenBuffer } from "./token-buffer.ts";
import {
  END_OF_LINE,
  type StreamDecoder,
  type StreamEncoder,
  type Tokenizer,
  UNKNOWN,
  type WordSegmentation,
} from "./tokenizer.ts";
import { BETWEEN_SPACES, fileOf, LINE_ENDS, type TokenizerFile, UNICODE_WORDS } from "./tokenizer-file.ts";
import { Vocabulary } from "./vocabulary.ts";
import { type TakeWindow, TextWindows } from "./windows.ts";

/** "<unk>" and "<eos>" in the text stand for those tokens: prepared texts have them, and decoded text does. */
const SPECIAL = new RegExp(`(${UNKNOWN}|${END_OF_LINE})`);

/** The words, punctuation marks and line ends of a stream of text; spaces are dropped. */
export function wordSegmenter(segmentation: WordSegmentation, emit: (word: string) => void): Segmenter {
  const cut = segmentation === "space" ? takeBetweenSpaces(emit) : takeByUnicode(emit);
  return new TextWindows((window, complete) => {
    if (!complete) return cut(window, false);
    const line = window.replace(/\r?\n$/, "");
    if (line !== "") cut(line, true);
    if (line.length < window.length) emit(END_OF_LINE);
    return window.length;
  });
}

function takeBetweenSpaces(emit: (word: string) => void): TakeWindow {
  return (window, complete) => {
    // The last word may go on. A word longer than a window is cut.
    const lastSpace = window.search(/\p{White_Space}\P{White_Space}*$/u);
    const end = complete ? window.length : lastSpace >= 0 ? lastSpace + 1 : window.length;
    for (const word of window.slice(0, end).split(/\p{White_Space}+/u)) if (word !== "") emit(word);
    return end;
  };
}

function takeByUnicode(emit: (word: string) => void): TakeWindow {
  const segmenter = new Intl.Segmenter("und", { granularity: "word" });
  const emitUnlessSpace = (piece: string) => {
    if (piece.trim() !== "") emit(piece);
  };
  return (window, complete) => {
    if (!window.includes("<")) return takeSegments(segmenter, window, complete, emitUnlessSpace);
    const parts = window.split(SPECIAL);
    const tail = parts.pop()!;
    for (const part of parts) {
      if (part === UNKNOWN || part === END_OF_LINE) emit(part);
      else takeSegments(segmenter, part, true, emitUnlessSpace);
    }
    const taken = window.length - tail.length;
    if (!complete && taken > 0) return taken;
    return taken + takeSegments(segmenter, complete ? tail : withoutBegunSpecial(tail), complete, emitUnlessSpace);
  };
}

/** The text without a "<", "<u", … at its end: the next window shows whether that is a special token. */
function withoutBegunSpecial(text: string): string {
  const begun = text.lastIndexOf("<");
  return begun > 0 && begun > text.length - Math.max(UNKNOWN.length, END_OF_LINE.length) ? text.slice(0, begun) : text;
}

/**
 * Tokens that are words, punctuation marks and ends of lines ("\n" or "\r\n" become "<eos>").
 *
 * With segmentation "unicode" words are those of Intl.Segmenter, which also cuts Chinese, Japanese and Thai, by the
 * dictionary of the engine: other engines may cut otherwise. With "space" they are what stands between spaces.
 *
 * Decoding loses: how many and what kind of spaces stood between words; words that
 * became "<unk>"; "\r". With "unicode" it sets a space between words, none before closing and after opening punctuation
 * and none between Chinese or Japanese words, so a space comes or goes around quotation marks, dashes and the like.
 * With "space" it sets one space, so text with single spaces comes back as it was.
 */
export class WordTokenizer extends StreamTokenizer implements Tokenizer {
  readonly kind = "word";
  readonly vocabulary: readonly string[];
  readonly unknownToken: number | undefined;
  readonly specialTokens = {};
  readonly #vocabulary: Vocabulary;
  readonly #segmentation: WordSegmentation;

  /** @param tokens the words in the order of their ids; "<unk>" first if `options.unknown`; one is "<eos>" */
  constructor(
    tokens: readonly string[],
    options: { readonly segmentation: WordSegmentation; readonly unknown: boolean },
  ) {
    super();
    this.vocabulary = tokens;
    this.unknownToken = options.unknown ? 0 : undefined;
    this.#vocabulary = new Vocabulary(tokens, { unknown: options.unknown, noun: "words" });
    this.#segmentation = options.segmentation;
  }

  streamEncoder(): StreamEncoder {
    const buffer = new TokenBuffer();
    const segmenter = wordSegmenter(this.#segmentation, (word) => buffer.push(this.#vocabulary.id(word)));
    return bufferedEncoder(segmenter, buffer);
  }

  streamDecoder(): StreamDecoder {
    const spaceBetween = this.#segmentation === "space" ? () => true : needsSpace;
    let previous = END_OF_LINE;
    return {
      push: (token) => {
        const word = this.#vocabulary.piece(token);
        const text = word === END_OF_LINE ? "\n" : word;
        const space = previous !== END_OF_LINE && word !== END_OF_LINE && spaceBetween(previous, word);
        previous = word;
        return space ? ` ${text}` : text;
      },
      end: () => "",
    };
  }

  toJSON(): TokenizerFile {
    return fileOf({
      normalizer: [LINE_ENDS],
      pre_tokenizer: this.#segmentation === "space" ? BETWEEN_SPACES : UNICODE_WORDS,
      model: { type: "WordLevel", vocab: vocabOf(this.vocabulary), unk_token: UNKNOWN },
      decoder: null,
    });
  }
}

const CLOSING = /^(?:[\p{Pe}\p{Pf},.;:!?%…、。，．！？；：]|['’]\p{L}+$)/u;
const OPENING = /[\p{Ps}\p{Pi}]$/u;
/** Scripts that are written without spaces, and their punctuation. */
const UNSPACED = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u3000-\u303f\uff01-\uff60]`;
const UNSPACED_END = new RegExp(`${UNSPACED}$`, "u");
const UNSPACED_START = new RegExp(`^${UNSPACED}`, "u");

function needsSpace(left: string, right: string): boolean {
  if (right !== UNKNOWN && CLOSING.test(right)) return false;
  if (left !== UNKNOWN && OPENING.test(left)) return false;
  return !(UNSPACED_END.test(left) && UNSPACED_START.test(right));
}
