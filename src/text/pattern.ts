import { UsageError } from "../shared/errors.ts";

/** What \w is in the regular expressions of tokenizer files (Oniguruma's, with Unicode). */
const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d`;

/**
 * A regular expression of a tokenizer file, which is written for Oniguruma, as one of JavaScript: white space, digits and
 * word characters are those of Unicode, and a group that ignores case is written out.
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
  return source.replace(/\\(u[0-9a-fA-F]{4}|[\s\S])|[[\]]/gu, (token, escaped: string | undefined) => {
    if (token === "[") inClass = true;
    else if (token === "]") inClass = false;
    if (escaped === "s") return String.raw`\p{White_Space}`;
    if (escaped === "S") return String.raw`\P{White_Space}`;
    if (escaped === "d") return String.raw`\p{Nd}`;
    if (escaped === "D") return String.raw`\P{Nd}`;
    if (escaped === "w") return inClass ? WORD : `[${WORD}]`;
    if (escaped === "W" && !inClass) return `[^${WORD}]`;
    // JavaScript refuses to escape what needs no escape.
    if (escaped !== undefined && /^['"`#%&,:;<=>@_~! ]$/.test(escaped)) return escaped;
    return token;
  });
}

/** Everything in `text`: what the pattern finds, and what stands between. */
export function* partsOf(
  text: string,
  pattern: RegExp,
): Generator<{ readonly text: string; readonly matched: boolean }> {
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === "") continue;
    if (match.index > at) yield { text: text.slice(at, match.index), matched: false };
    yield { text: match[0], matched: true };
    at = match.index + match[0].length;
  }
  if (at < text.length) yield { text: text.slice(at), matched: false };
}
