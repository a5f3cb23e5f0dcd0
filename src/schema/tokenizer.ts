import type { NormalizeStep } from "../text/normalize.ts";
import type { TokenizerKind } from "../text/tokenizer.ts";
import { choice, choices, integer, number, onOff, text } from "./fields.ts";

const TOKENIZER_KINDS: readonly TokenizerKind[] = ["grapheme", "character", "byte", "word", "bpe"];
const NORMALIZE_STEPS: readonly NormalizeStep[] = [
  ...(["nfc", "nfd", "nfkc", "nfkd"] as const),
  ...(["lowercase", "strip-accents", "trim"] as const),
];

/** What a token is, and what a document. */
export const tokenizerFields = {
  tokenizer: choice(TOKENIZER_KINDS, { about: "what a token is", unit: "kind", default: "grapheme" }),
  vocabularySize: integer({
    about: "maximum size of the vocabulary; the rarest tokens are left out",
    ...{ unit: "tokens", min: 1, otherwise: "no limit, of bpe 4096" },
  }),
  vocabularySample: number({
    about: "amount of text to build the vocabulary from, in samples from all files; the rest may be unknown",
    ...{ unit: "MB", above: 0, otherwise: "all of it" },
  }),
  minCount: integer({
    about: "leave out tokens that occur less often; bpe: do not merge such pairs",
    ...{ unit: "times", formerly: "minimumCount", min: 1, otherwise: "1, of bpe 2" },
  }),
  alphabet: choice(["byte", "character"], {
    about: "bpe: what pairs are made of",
    ...{ unit: "kind", otherwise: "byte", needs: { key: "tokenizer", values: ["bpe"] } },
  }),
  normalize: choices(NORMALIZE_STEPS, {
    about: `normalization of text, in this order: ${NORMALIZE_STEPS.join(", ")}`,
    ...{ unit: "step", otherwise: "nothing" },
  }),
  documents: text({
    about: "what a document is: file, line, blank-line, or a separator text",
    ...{ unit: "split", otherwise: "the files are one text" },
  }),
  shuffle: onOff({ about: "shuffle the documents in each epoch", needs: { key: "documents" } }),
} as const;
