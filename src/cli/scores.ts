import { countCharacters } from "../data/count-characters.ts";
import { ngramBaselines } from "../text/ngram.ts";
import type { TokenSequence } from "../text/token-sequence.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { perplexity, table } from "./format.ts";
import type { Output } from "./io.ts";

/** How well something predicts a text. */
export interface Score {
  readonly name: string;
  /** Mean negative log probability, nats per token. */
  readonly nats: number;
  readonly perplexity: number;
  readonly bitsPerCharacter: number;
}

/** Scores of predictors over one text, with how many tokens make a character in it. */
export interface Scores {
  readonly rows: readonly Score[];
  readonly tokensPerCharacter: number;
}

export interface ScoresOptions {
  readonly tokenizer: Tokenizer;
  /** What the baselines are counted on; without it there are none. */
  readonly train: TokenSequence | undefined;
  readonly validation: TokenSequence;
  readonly model: { readonly name: string; readonly nats: number };
}

/** The model beside prediction without context (unigram) and from the token before (bigram). */
export function scores({ tokenizer, train, validation, model }: ScoresOptions): Scores {
  // Counted in code points for every tokenizer, so that bits per character can be compared between them.
  const tokensPerCharacter = validation.length / countCharacters(tokenizer, validation);
  const score = (name: string, nats: number): Score => ({
    name,
    nats,
    perplexity: Math.exp(nats),
    bitsPerCharacter: (nats / Math.LN2) * tokensPerCharacter,
  });
  const rows: Score[] = [];
  if (train !== undefined) {
    const { unigram, bigram } = ngramBaselines(train, validation, tokenizer.vocabularySize);
    rows.push(score("unigram", unigram), score("bigram", bigram));
  }
  rows.push(score(model.name, model.nats));
  return { rows, tokensPerCharacter };
}

/** The scores as a table; where a token is not a character, with the figure that turns one into the other. */
export function scoresTable({ rows, tokensPerCharacter }: Scores, out: Output): string {
  const lines = [
    ["", "nats per token", "perplexity", "bits per character"],
    ...rows.map(({ name, nats, bitsPerCharacter }) => [
      name,
      nats.toFixed(4),
      perplexity(nats),
      bitsPerCharacter.toFixed(4),
    ]),
  ];
  const note =
    tokensPerCharacter.toFixed(4) === "1.0000"
      ? ""
      : `Bits per character are bits per token × ${tokensPerCharacter.toFixed(4)} tokens per character (code point).\n`;
  return `${table(lines, out)}\n${note}`;
}
