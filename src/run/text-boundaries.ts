import { describe, nearest, UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { TokenReader } from "./session.ts";

/** @throws UsageError "vocabulary-mismatch", "batch-of-many" */
export function expectWritable({
  session,
  tokenizer,
}: {
  readonly session: TokenReader;
  readonly tokenizer: Tokenizer;
}): void {
  expectVocabulary(tokenizer, session.model.config.vocabularySize);
  if (session.batchSize !== 1)
    throw new UsageError("batch-of-many", `session: expected one of batch 1, got one of batch ${session.batchSize}`);
}

/** @throws UsageError "vocabulary-mismatch" */
export function expectVocabulary(tokenizer: Tokenizer, vocabularySize: number): void {
  if (tokenizer.vocabularySize !== vocabularySize)
    throw new UsageError(
      "vocabulary-mismatch",
      `tokenizer: it has ${tokenizer.vocabularySize} tokens, the model was made for ${vocabularySize}; use the tokenizer it was trained with`,
    );
}

/** A text without prompt begins as after a document or the end of a line; where the vocabulary has none, after its first token. */
export function startToken(tokenizer: Tokenizer): number {
  const special = Object.values(tokenizer.specialTokens)[0];
  if (special !== undefined) return special;
  const first = tokenizer.unknownToken === 0 && tokenizer.vocabularySize > 1 ? 1 : 0;
  try {
    const token = tokenizer.encode("\n")[0];
    return token === undefined || token === tokenizer.unknownToken ? first : token;
  } catch (error) {
    if (error instanceof UsageError) return first;
    throw error;
  }
}

/** Tokens that must not be written. */
export function excludedTokens(tokenizer: Tokenizer, ends: ReadonlySet<number>): number[] {
  const special = Object.values(tokenizer.specialTokens).filter((token) => !ends.has(token));
  return tokenizer.unknownToken === undefined ? special : [tokenizer.unknownToken, ...special];
}

export function endTokensOf({ specialTokens }: Tokenizer, names: readonly string[] | undefined): ReadonlySet<number> {
  return new Set(
    (names ?? Object.keys(specialTokens)).map((name) => {
      if (Object.hasOwn(specialTokens, name)) return specialTokens[name]!;
      const known = Object.keys(specialTokens);
      const near = nearest(name, known);
      throw new UsageError(
        "unknown-special-token",
        `endTokens: the tokenizer has no special token ${describe(name)}${near ? `; did you mean "${near}"?` : `; it has ${known.join(", ") || "none"}`}`,
      );
    }),
  );
}
