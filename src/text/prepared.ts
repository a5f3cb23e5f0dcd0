import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { type NormalizeStep, normalizer, type TextStage } from "./normalize.ts";
import { escaped } from "./pattern.ts";
import { joined, StreamTokenizer } from "./stream-tokenizer.ts";
import type { EncodeOptions, StreamDecoder, StreamEncoder, Tokenizer } from "./tokenizer.ts";
import { type AddedToken, STEP_SPECS, sequence, type TokenizerFile } from "./tokenizer-file.ts";

/** A token beside those of the tokenizer itself. */
export interface ExtraToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Whether it is looked for in normalized text, as what becomes of it there. Default false: in the text as it came. */
  readonly normalized?: boolean;
}

export interface PreparedOptions {
  readonly inner: Tokenizer;
  /** Done to all text first, in this order. */
  readonly normalize: readonly NormalizeStep[];
  /** Ids go on from those of `inner`, or stand for ones that it has. */
  readonly added: readonly ExtraToken[];
}

/** Special tokens after those of `inner`, and steps of normalization before it; `inner` itself where there is neither. */
export function prepared(inner: Tokenizer, normalize: readonly NormalizeStep[], special: readonly string[]): Tokenizer {
  const taken = new Set(inner.vocabulary);
  const added = special.map((content, k) => {
    if (typeof content !== "string" || content === "")
      throw new UsageError(
        "bad-option",
        `specialTokens: expected strings that are not empty, got ${describe(content)}`,
      );
    if (taken.has(content))
      throw new UsageError(
        "bad-option",
        `specialTokens: ${JSON.stringify(content)} is a token already; give it another name`,
      );
    taken.add(content);
    return { id: inner.vocabularySize + k, content, special: true };
  });
  return preparedTokenizer({ inner, normalize, added });
}

export function preparedTokenizer(options: PreparedOptions): Tokenizer {
  return options.added.length === 0 && options.normalize.length === 0 ? options.inner : new PreparedTokenizer(options);
}

/**
 * A tokenizer with special tokens and with text that is normalized first. A special token stands for no text: it is put
 * between documents or where a caller asks for it, text that looks like it is text, and decoding leaves it out.
 */
class PreparedTokenizer extends StreamTokenizer implements Tokenizer {
  readonly kind: Tokenizer["kind"];
  readonly vocabulary: readonly string[];
  readonly unknownToken: number | undefined;
  readonly specialTokens: Readonly<Record<string, number>>;
  readonly encodeBytes?: (bytes: Uint8Array) => Int32Array;
  readonly #options: PreparedOptions;

  constructor(options: PreparedOptions) {
    super();
    const { inner, added, normalize } = options;
    const tokens = [...inner.vocabulary];
    for (const { id, content } of added) tokens[id] = content;
    this.kind = inner.kind;
    this.unknownToken = inner.unknownToken;
    this.vocabulary = tokens;
    this.specialTokens = Object.fromEntries(added.filter((t) => t.special).map(({ content, id }) => [content, id]));
    this.#options = options;
    const { encodeBytes } = inner;
    if (encodeBytes && normalize.length === 0 && added.every((t) => t.special))
      this.encodeBytes = encodeBytes.bind(inner);
  }

  streamEncoder(options: EncodeOptions = {}): StreamEncoder {
    expectOptions("encode", options, { allowSpecial: 1 });
    const { allowSpecial = false } = options;
    const { inner, normalize, added } = this.#options;
    const meant = added.filter((token) => allowSpecial || !token.special);
    const asWritten = meant.filter((token) => !token.normalized);
    const later = meant.filter((token) => token.normalized);
    const changed = later.map((token) => ({ ...token, content: whole(normalizer(normalize), token.content) }));
    return finding(asWritten, () => normalizing(normalize, () => finding(changed, () => inner.streamEncoder())));
  }

  streamDecoder(): StreamDecoder {
    const { inner, added } = this.#options;
    const own = new Map(added.map((token) => [token.id, token]));
    let decoder = inner.streamDecoder();
    return {
      push(token) {
        const found = own.get(token);
        if (!found) return decoder.push(token);
        if (found.special) return "";
        if (token < inner.vocabularySize) return decoder.push(token);
        const before = decoder.end();
        decoder = inner.streamDecoder();
        return before + found.content;
      },
      end: () => decoder.end(),
    };
  }

  toJSON(): TokenizerFile {
    const { inner, normalize, added } = this.#options;
    const file = inner.toJSON();
    const steps = [...normalize.map((step) => STEP_SPECS[step]), ...(file.normalizer ? [file.normalizer] : [])];
    const flags = { single_word: false, lstrip: false, rstrip: false };
    const added_tokens: AddedToken[] = added.map(({ id, content, special, normalized = false }) => ({
      ...{ id, content, ...flags, normalized, special },
    }));
    return { ...file, normalizer: sequence(steps), added_tokens };
  }
}

/** All that becomes of a text. */
const whole = (stage: TextStage, text: string): string => stage.push(text) + stage.end();

/** An encoder of text that is changed first. */
function normalizing(steps: readonly NormalizeStep[], open: () => StreamEncoder): StreamEncoder {
  const encoder = open();
  if (steps.length === 0) return encoder;
  const stage = normalizer(steps);
  return {
    push: (text) => encoder.push(stage.push(text)),
    end: () => joined([encoder.push(stage.end()), encoder.end()]),
  };
}

/** An encoder of text with these tokens in it; what stands between goes to an encoder of its own. */
function finding(tokens: readonly ExtraToken[], open: () => StreamEncoder): StreamEncoder {
  let encoder = open();
  if (tokens.length === 0) return encoder;
  const finder = new TokenFinder(tokens);
  let held = "";
  const take = (text: string, final: boolean): Int32Array => {
    const parts: Int32Array[] = [];
    let rest = held + text;
    for (let match = finder.find(rest, final); match; match = finder.find(rest, final)) {
      parts.push(encoder.push(rest.slice(0, match.at)), encoder.end(), Int32Array.of(match.token.id));
      encoder = open();
      rest = rest.slice(match.at + match.token.content.length);
    }
    const settled = final ? rest.length : finder.settled(rest);
    held = rest.slice(settled);
    parts.push(encoder.push(rest.slice(0, settled)));
    if (final) parts.push(encoder.end());
    return joined(parts);
  };
  return { push: (text) => take(text, false), end: () => take("", true) };
}

/** Finds tokens in text as they are written: the leftmost, of those that begin there the longest. */
class TokenFinder {
  readonly #pattern: RegExp;
  readonly #tokens: ReadonlyMap<string, ExtraToken>;
  readonly #longest: number;

  constructor(tokens: readonly ExtraToken[]) {
    const contents = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
    this.#pattern = new RegExp(contents.map(escaped).join("|"));
    this.#tokens = new Map(tokens.map((token) => [token.content, token]));
    this.#longest = contents[0]!.length;
  }

  /** A match that no further text can make longer. */
  find(text: string, final: boolean): { readonly at: number; readonly token: ExtraToken } | undefined {
    const match = this.#pattern.exec(text);
    if (!match || !(final || match.index + this.#longest <= text.length)) return undefined;
    return { at: match.index, token: this.#tokens.get(match[0])! };
  }

  /** How much of a text without a settled match cannot be part of one. */
  settled(text: string): number {
    return Math.max(0, text.length - this.#longest + 1);
  }
}
