import { describe, UsageError } from "../shared/errors.ts";
import { LONGEST_TOKEN } from "./pair-merges.ts";
import type { ExtraToken } from "./prepared.ts";
import type { ModelSpec } from "./subword-model.ts";

/** Reads the parts of a `tokenizer.json`, which may come from anywhere, into what the rest of the package can trust. */

const MOST_TOKENS = 1 << 24;

type Fields = Readonly<Record<string, unknown>>;

/** @throws UsageError "bad-tokenizer" */
export function readModel(value: unknown): ModelSpec {
  const model = fields("model", value);
  const vocab = readVocab(model.vocab);
  if (model.type === "WordLevel")
    return { type: "WordLevel", vocab, unk_token: text("model.unk_token", model.unk_token ?? "<unk>") };
  if (model.type !== "BPE")
    throw new UsageError(
      "bad-tokenizer",
      `tokenizer: expected model.type as "BPE" or "WordLevel", got ${describe(model.type)}`,
    );
  for (const name of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"])
    if (model[name] !== null && model[name] !== undefined && model[name] !== "")
      throw new UsageError("bad-tokenizer", `tokenizer: a BPE model with ${name} is not known here`);
  if (model.byte_fallback === true)
    throw new UsageError("bad-tokenizer", "tokenizer: a BPE model with byte_fallback is not known here");
  return {
    type: "BPE",
    ...{ dropout: null, continuing_subword_prefix: null, end_of_word_suffix: null, byte_fallback: false },
    unk_token: typeof model.unk_token === "string" ? model.unk_token : null,
    fuse_unk: model.fuse_unk === true,
    ignore_merges: model.ignore_merges === true,
    vocab,
    merges: readMerges(model.merges),
  };
}

function readVocab(value: unknown): Record<string, number> {
  const entries = Object.entries(fields("model.vocab", value));
  if (entries.length === 0 || entries.length > MOST_TOKENS)
    throw bad(`model.vocab with 1 to ${MOST_TOKENS} tokens`, value);
  for (const [token, id] of entries)
    if (token === "" || token.length > LONGEST_TOKEN || !isId(id))
      throw bad(`model.vocab: a token of 1 to ${LONGEST_TOKEN} code units and its number`, `${token}: ${String(id)}`);
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Pairs, as two strings or (in older files) as one with a space between. */
function readMerges(value: unknown): [string, string][] {
  if (!Array.isArray(value)) throw bad("model.merges as an array of pairs", value);
  return value.map((merge: unknown) => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || pair.some((part) => typeof part !== "string" || part === ""))
      throw bad("model.merges: pairs of tokens", merge);
    return pair as [string, string];
  });
}

/** @throws UsageError "bad-tokenizer" */
export function readAddedTokens(value: unknown): ExtraToken[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw bad("added_tokens as an array", value);
  const seen = new Set<string>();
  return value.map((entry: unknown) => {
    const token = fields("added_tokens", entry);
    const content = text("added_tokens: content", token.content);
    if (content === "" || seen.has(content)) throw bad("added_tokens: every content once, not empty", content);
    seen.add(content);
    if (!isId(token.id)) throw bad("added_tokens: id as a number of a token", token.id);
    for (const flag of ["single_word", "lstrip", "rstrip"])
      if (token[flag] === true)
        throw new UsageError(
          "bad-tokenizer",
          `tokenizer: the added token ${JSON.stringify(content)} with ${flag} is not known here`,
        );
    return { id: token.id, content, special: token.special === true, normalized: token.normalized === true };
  });
}

/** All tokens in the order of their ids, which must be 0 … V − 1. @throws UsageError "bad-tokenizer" */
export function readTokens(model: ModelSpec, added: readonly ExtraToken[]): string[] {
  const known = new Map<number, string>();
  for (const [token, id] of Object.entries(model.vocab)) {
    if (known.has(id)) throw bad("every id in model.vocab once", `${id} twice`);
    known.set(id, token);
  }
  for (const { id, content } of added) {
    const token = known.get(id) ?? content;
    if (token !== content)
      throw bad("added_tokens: ids that are free or of the same token", `${id}, which is ${token}`);
    known.set(id, content);
  }
  return Array.from({ length: known.size }, (_, id) => {
    const token = known.get(id);
    if (token !== undefined) return token;
    throw new UsageError(
      "bad-tokenizer",
      `tokenizer: expected ids from 0 to ${known.size - 1} without a gap, but there is no token ${id}`,
    );
  });
}

const isId = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < MOST_TOKENS;

function fields(name: string, value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${name} as an object`, value);
  return value as Fields;
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string") throw bad(`${name} as a string`, value);
  return value;
}

export function bad(expected: string, came: unknown): UsageError {
  return new UsageError("bad-tokenizer", `tokenizer: expected ${expected}, got ${describe(came)}`);
}
