import { describe, UsageError } from "../shared/errors.ts";
import { CHARACTER_OF_BYTE } from "./byte-alphabet.ts";
import { ByteTokenizer } from "./bytes.ts";
import { CharacterTokenizer } from "./characters.ts";
import type { NormalizeStep } from "./normalize.ts";
import type { PreTokenizerSpec } from "./pre-tokenizer.ts";
import { type ExtraToken, preparedTokenizer } from "./prepared.ts";
import { type PieceDecoder, SubwordTokenizer } from "./subword.ts";
import type { ModelSpec } from "./subword-model.ts";
import { END_OF_LINE, type Tokenizer, UNKNOWN } from "./tokenizer.ts";
import {
  BETWEEN_SPACES,
  GRAPHEMES,
  LINE_ENDS,
  type NormalizerSpec,
  STEP_SPECS,
  UNICODE_WORDS,
} from "./tokenizer-file.ts";
import { bad, readAddedTokens, readModel, readTokens } from "./tokenizer-file-read.ts";
import { WordTokenizer } from "./words.ts";

/**
 * Makes a tokenizer from the content of a `tokenizer.json`: one that `toJSON` wrote, or one of another program in the format of Hugging
 * Face's tokenizers, as far as its parts are supported: models BPE and WordLevel; normalizers NFC, NFD, NFKC, NFKD, Lowercase,
 * StripAccents, Strip; pre-tokenizers ByteLevel, Split, Whitespace, WhitespaceSplit, Digits, Punctuation; decoders ByteLevel and Fuse.
 * Unsupported parts are refused by name. A post-processor is ignored. `value` may come from anywhere: everything in it is checked.
 * @throws UsageError "bad-tokenizer"
 */
export function tokenizerFromJSON(value: unknown): Tokenizer {
  if (typeof value !== "object" || value === null) throw bad("an object", value);
  const file = value as Record<string, unknown>;
  const model = readModel(file.model);
  const added = readAddedTokens(file.added_tokens);
  const tokens = readTokens(model, added);
  const steps = flatNormalizer(file.normalizer);
  const pre = (file.pre_tokenizer ?? null) as PreTokenizerSpec | null;
  const decoder = readDecoder(file.decoder);
  const pieces = Object.keys(model.vocab).sort((a, b) => model.vocab[a]! - model.vocab[b]!);
  const words = ownWords({ steps, pre, model, pieces, decoder, added });
  if (words) return words;
  const normalize = steps.map(stepOf);
  const inner =
    ownCharacters({ pre, model, pieces, decoder, added }) ??
    new SubwordTokenizer({ preTokenizer: pre, model, decoder, tokens, added: new Set(added.map(({ id }) => id)) });
  return preparedTokenizer({ inner, normalize, added });
}

interface Parts {
  readonly steps: readonly NormalizerSpec[];
  readonly pre: PreTokenizerSpec | null;
  readonly model: ModelSpec;
  /** Of the model, by their ids. */
  readonly pieces: readonly string[];
  readonly decoder: PieceDecoder;
  readonly added: readonly ExtraToken[];
}

/** Bytes, characters and graphemes, as their own classes say it. */
function ownCharacters({ pre, model, pieces, decoder, added }: Omit<Parts, "steps">): Tokenizer | undefined {
  if (pieces.length === 0 || pieces.some((_, id) => model.vocab[pieces[id]!] !== id)) return undefined;
  if (added.some(({ id }) => id < pieces.length)) return undefined;
  const unknown = pieces[0] === UNKNOWN;
  if (model.type === "WordLevel")
    return decoder === "Fuse" && same(pre, GRAPHEMES) && model.unk_token === UNKNOWN
      ? new CharacterTokenizer("grapheme", pieces, { unknown })
      : undefined;
  if (model.merges.length > 0) return undefined;
  if (pre?.type === "ByteLevel" && pre.use_regex === false && decoder === "ByteLevel")
    return same(pieces, CHARACTER_OF_BYTE) ? new ByteTokenizer() : undefined;
  if (pre !== null || decoder !== "Fuse" || model.unk_token !== (unknown ? UNKNOWN : null)) return undefined;
  const single = pieces.slice(unknown ? 1 : 0).every((piece) => [...piece].length === 1);
  return single ? new CharacterTokenizer("character", pieces, { unknown }) : undefined;
}

/** Words as their own class says it: with ends of lines. */
function ownWords({ steps, pre, model, pieces, decoder, added }: Parts): Tokenizer | undefined {
  const segmentation = same(pre, UNICODE_WORDS) ? "unicode" : same(pre, BETWEEN_SPACES) ? "space" : undefined;
  if (segmentation === undefined || model.type !== "WordLevel" || decoder !== null || !same(steps.at(-1), LINE_ENDS))
    return undefined;
  if (!pieces.includes(END_OF_LINE)) throw bad(`"${END_OF_LINE}" among the words`, model.vocab);
  const unknown = pieces[0] === UNKNOWN;
  return preparedTokenizer({
    inner: new WordTokenizer(pieces, { unknown, segmentation }),
    normalize: steps.slice(0, -1).map(stepOf),
    added,
  });
}

function flatNormalizer(value: unknown): NormalizerSpec[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== "object" || typeof (value as NormalizerSpec).type !== "string") throw bad("a normalizer", value);
  const spec = value as NormalizerSpec;
  if (spec.type !== "Sequence") return [spec];
  if (!Array.isArray(spec.normalizers)) throw bad("normalizers in a Sequence", spec.normalizers);
  return spec.normalizers.flatMap(flatNormalizer);
}

function stepOf(spec: NormalizerSpec): NormalizeStep {
  for (const [step, own] of Object.entries(STEP_SPECS)) if (same(spec, own)) return step as NormalizeStep;
  throw new UsageError(
    "bad-tokenizer",
    `tokenizer: the normalizer ${spec.type}${Object.keys(spec).length > 1 ? ` with ${JSON.stringify(spec).slice(0, 100)}` : ""} is not known here; known are NFC, NFD, NFKC, NFKD, Lowercase, StripAccents and Strip on both sides`,
  );
}

function readDecoder(value: unknown): PieceDecoder {
  if (value === null || value === undefined) return null;
  const { type, decoders } = value as { type?: unknown; decoders?: unknown };
  if (type === "Sequence" && Array.isArray(decoders) && decoders.length === 1) return readDecoder(decoders[0]);
  if (type === "ByteLevel" || type === "Fuse") return type;
  throw new UsageError(
    "bad-tokenizer",
    `tokenizer: the decoder ${typeof type === "string" ? type : describe(value)} is not known here; known are ByteLevel, Fuse and none`,
  );
}

const same = (a: unknown, b: unknown): boolean =>
  a === b ||
  (typeof a === "object" &&
    typeof b === "object" &&
    a !== null &&
    b !== null &&
    Object.keys(a).length === Object.keys(b).length &&
    Object.entries(a).every(([key, value]) => same(value, (b as Record<string, unknown>)[key])));
