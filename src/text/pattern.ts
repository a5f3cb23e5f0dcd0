import { UsageError } from "../shared/errors.ts";

/** Characters of words by Unicode; programs differ in what they count among them beside these. */
export const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}`;
/** What \w is to Oniguruma, but not between brackets: all numbers of Latin-1, too. */
const ONIGURUMA_WORD = String.raw`${WORD}\u00b2\u00b3\u00b9\u00bc-\u00be`;

/** What stands for something else, or for more, than in JavaScript. */
const OUTSIDE_CLASSES: Readonly<Record<string, string>> = {
  ".": String.raw`[^\n]`,
  "^": String.raw`(?<![^\n])`,
  $: String.raw`(?![^\n])`,
  "\\w": `[${ONIGURUMA_WORD}]`,
  "\\W": `[^${ONIGURUMA_WORD}]`,
  "\\b": `(?:(?<=[${ONIGURUMA_WORD}])(?![${ONIGURUMA_WORD}])|(?<![${ONIGURUMA_WORD}])(?=[${ONIGURUMA_WORD}]))`,
  "\\B": `(?:(?<=[${ONIGURUMA_WORD}])(?=[${ONIGURUMA_WORD}])|(?<![${ONIGURUMA_WORD}])(?![${ONIGURUMA_WORD}]))`,
};
const ANYWHERE: Readonly<Record<string, string>> = {
  "\\s": String.raw`\p{White_Space}`,
  "\\S": String.raw`\P{White_Space}`,
  "\\d": String.raw`\p{Nd}`,
  "\\D": String.raw`\P{Nd}`,
};

/**
 * A regular expression of a tokenizer file, which is written for Oniguruma, as one of JavaScript: white space, digits,
 * word characters and where words end are those of Unicode, lines end with a line feed alone, and a group that ignores
 * case is written out.
 *
 * @throws UsageError "bad-tokenizer" for what JavaScript cannot say
 */
export function compilePattern(source: string): RegExp {
  try {
    return new RegExp(translate(source.replace(/\(\?i:([^()[\]\\]*)\)/g, ignoringCase)), "gu");
  } catch (cause) {
    throw new UsageError(
      "bad-tokenizer",
      `tokenizer: the pattern ${JSON.stringify(source)} of a pre-tokenizer cannot be used here (${(cause as Error).message})`,
      { cause },
    );
  }
}

function ignoringCase(_: string, body: string): string {
  // "ſ" (long s) and "K" (kelvin) are equal to s and k when case is ignored.
  const more: Readonly<Record<string, string>> = { s: "\u017f", k: "\u212a" };
  const letters = body.replace(/[a-z]/gi, (letter) => {
    const small = letter.toLowerCase();
    return `[${small}${small.toUpperCase()}${more[small] ?? ""}]`;
  });
  return `(?:${letters})`;
}

function translate(source: string): string {
  let inClass = false;
  return source.replace(
    /\\(u[0-9a-fA-F]{4}|[pP]\{\w+\}|[\s\S])|&&|[[\].^$]/gu,
    (token, escaped: string | undefined) => {
      if (token === "[") inClass = true;
      else if (token === "]") inClass = false;
      const changed = ANYWHERE[token] ?? (inClass ? undefined : OUTSIDE_CLASSES[token]);
      if (changed !== undefined) return changed;
      if (token === "\\w") return WORD;
      if (inClass && (token === "\\W" || token === "&&")) throw new SyntaxError(`${token} between brackets`);
      if (escaped !== undefined && /^p\{/i.test(escaped)) return property(token);
      // JavaScript refuses to escape what needs no escape.
      if (escaped !== undefined && /^['"`#%&,:;<=>@_~! ]$/.test(escaped)) return escaped;
      return token;
    },
  );
}

/** A pattern that matches a text as it is written. */
export const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** A property of Unicode; scripts go by their names alone in Oniguruma. */
function property(token: string): string {
  try {
    new RegExp(token, "u");
    return token;
  } catch {
    return token.replace("{", "{Script=");
  }
}

/** Everything in `text`: what the pattern finds, and what stands between; where it finds nothing, text is cut all the same. */
export function* partsOf(
  text: string,
  pattern: RegExp,
): Generator<{ readonly text: string; readonly matched: boolean }> {
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) yield { text: text.slice(at, match.index), matched: false };
    if (match[0] !== "") yield { text: match[0], matched: true };
    at = match.index + match[0].length;
  }
  if (at < text.length) yield { text: text.slice(at), matched: false };
}
