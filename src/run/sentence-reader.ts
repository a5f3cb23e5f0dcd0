import type { SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** An encoded sentence. */
export interface ReadSentence {
  readonly words: Int32Array;
  /** [T · L] with L = `wordLength`; undefined if the model does not read characters. `lengths` has the number of characters of each word. */
  readonly characters: Int32Array | undefined;
  readonly lengths: Int32Array;
}

/** Encodes the tokens of sentences for a tagger. */
export class SentenceReader {
  private readonly tokenizer: Tokenizer;
  private readonly wordLength: number;
  private readonly characterIds: ReadonlyMap<string, number> | undefined;
  private readonly wordIds = new Map<string, number>();

  constructor(
    { characters, wordLength = 0 }: Pick<SequenceTaggerConfig, "characters" | "wordLength">,
    tokenizer: Tokenizer,
  ) {
    this.tokenizer = tokenizer;
    this.wordLength = wordLength;
    this.characterIds = characters && new Map(characters.map((character, k) => [character, k + 1]));
  }

  /** @throws UsageError "wrong-input" */
  read(tokens: readonly string[]): ReadSentence {
    if (!isTokens(tokens))
      throw new UsageError("wrong-input", `expected the tokens of a sentence, at least one, got ${describe(tokens)}`);
    const L = this.wordLength;
    const lengths = new Int32Array(tokens.length);
    const characters = this.characterIds && new Int32Array(tokens.length * L);
    if (characters)
      for (const [t, token] of tokens.entries()) {
        const all = Array.from(token);
        // Beginning and end of a word say more than its middle.
        const kept = all.length <= L ? all : [...all.slice(0, Math.ceil(L / 2)), ...all.slice(-Math.floor(L / 2))];
        lengths[t] = Math.min(kept.length, L);
        for (let k = 0; k < lengths[t]!; k++) characters[t * L + k] = this.characterIds!.get(kept[k]!) ?? 0;
      }
    return { words: Int32Array.from(tokens, (token) => this.word(token)), characters, lengths };
  }

  /** Sentences side by side, padded at the end to T steps: the inputs of a plan by name. */
  inputs(sentences: readonly ReadSentence[], steps: number): Record<string, Int32Array | Float64Array> {
    const [B, L] = [sentences.length, this.wordLength];
    const words = new Int32Array(steps * B);
    const mask = new Float64Array(steps * B);
    const lengths = new Float64Array(steps * B);
    const characters = new Int32Array(this.characterIds ? L * steps * B : 0);
    for (const [b, sentence] of sentences.entries())
      for (let t = 0; t < sentence.words.length; t++) {
        const at = t * B + b;
        words[at] = sentence.words[t]!;
        mask[at] = 1;
        lengths[at] = sentence.lengths[t]!;
        for (let k = 0; k < sentence.lengths[t]!; k++)
          characters[k * steps * B + at] = sentence.characters![t * L + k]!;
      }
    return { words, mask, ...(this.characterIds && { characters, lengths }) };
  }

  private word(token: string): number {
    let id = this.wordIds.get(token);
    if (id === undefined) {
      // A token that the tokenizer splits, such as one with a space in it, is unknown.
      const ids = this.tokenizer.encode(token);
      id = ids.length === 1 ? ids[0]! : 0;
      this.wordIds.set(token, id);
    }
    return id;
  }
}

const isTokens = (tokens: unknown): boolean =>
  Array.isArray(tokens) && tokens.length > 0 && tokens.every((token) => typeof token === "string");
