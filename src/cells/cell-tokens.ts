import { UsageError } from "../shared/errors.ts";

/** Thrown when equations cannot be parsed; names the place. `code` is "bad-equations". */
export class EquationError extends UsageError {
  override name = "EquationError";
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1, in UTF-16 units as editors count them. */
  readonly column: number;
  /** Number of UTF-16 units concerned; at least 1. */
  readonly length: number;

  constructor(
    { line, column, text }: { readonly line: number; readonly column: number; readonly text: string },
    what: string,
  ) {
    super("bad-equations", `line ${line}, column ${column}: ${what}`);
    [this.line, this.column, this.length] = [line, column, Math.max(1, text.length)];
  }
}

export interface EquationToken {
  readonly kind: "number" | "word" | "sign" | "end";
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const TOKEN =
  /(?<blank>[^\S\n]+|#.*)|(?<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z][A-Za-z0-9_]*|σ)|(?<sign>\[t\s*[-−]\s*1\]|<=|[-+*/()=,:<≤·⊙−])/uy;

/** Signs that stand for others. */
const SAME: ReadonlyMap<string, string> = new Map([
  ["·", "*"],
  ["⊙", "*"],
  ["−", "-"],
  ["≤", "<="],
]);

/** One line of equations as tokens, ended by one of kind "end". @throws EquationError */
export function tokensOf(text: string, line: number): EquationToken[] {
  const tokens: EquationToken[] = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) {
      const sign = String.fromCodePoint(text.codePointAt(at)!);
      throw new EquationError(
        { line, column: at + 1, text: sign },
        text[at] === "["
          ? "expected [t-1], the step before: nothing else stands in square brackets"
          : `expected a name, a number or one of + - * / ( ), got ${JSON.stringify(sign)}`,
      );
    }
    const { blank, number, word, sign } = found.groups!;
    if (blank === undefined)
      tokens.push({
        kind: number !== undefined ? "number" : word !== undefined ? "word" : "sign",
        text: sign?.startsWith("[") ? "[t-1]" : (SAME.get(found[0]) ?? found[0]),
        ...{ line, column: at + 1 },
      });
    at += found[0].length;
  }
  tokens.push({ kind: "end", text: "", line, column: text.length + 1 });
  return tokens;
}
