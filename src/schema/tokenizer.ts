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
    about: "most tokens; the rarest pieces are left out",
    ...{ unit: "tokens", min: 1, otherwise: "no limit, of bpe 4096" },
  }),
  vocabularySample: number({
    about: "text that the vocabulary is made from, in pieces from all over the files; what it lacks is then unknown",
    ...{ unit: "MB", above: 0, otherwise: "all of it" },
  }),
  minimumCount: integer({
    about: "pieces that occur less often are left out; of bpe: pairs are not joined",
    ...{ unit: "times", min: 1, otherwise: "1, of bpe 2" },
  }),
  alphabet: choice(["byte", "character"], {
    about: "what the pairs of bpe are made of",
    ...{ unit: "kind", otherwise: "byte" },
  }),
  normalize: choices(NORMALIZE_STEPS, {
    about: `what is done to text first, in this order: ${NORMALIZE_STEPS.join(", ")}`,
    ...{ unit: "step", otherwise: "nothing" },
  }),
  documents: text({
    about: "what a document is: file, line, blank-line, or a text that stands between documents",
    ...{ unit: "split", otherwise: "the files are one text" },
  }),
  shuffle: onOff({ about: "documents in another order in each epoch" }),
} as const;
