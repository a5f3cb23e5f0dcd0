import { EquationError, type EquationToken, tokensOf } from "./cell-tokens.ts";

/** A line of equations, token by token. */
export class EquationReader {
  /** Of the line that is read. */
  protected tokens: EquationToken[] = [];
  /** Where the line ends. */
  protected end: EquationToken = { kind: "end", text: "", line: 1, column: 1 };
  private at = 0;

  /** Begins with another line, from 1. @returns whether anything stands in it */
  protected begin(line: string, number: number): boolean {
    this.tokens = tokensOf(line, number);
    this.at = 0;
    this.end = this.tokens.at(-1)!;
    return this.tokens.length > 1;
  }

  /** One thing after the other, with commas between. */
  protected list(one: () => void): void {
    do one();
    while (this.take(","));
  }

  /** The next word, which must be one of these. */
  protected oneOf<const T extends string>(words: readonly T[]): T {
    const token = this.next();
    const found = words.find((word) => word === token.text);
    return found ?? this.fail(token, `expected ${words.join(" or ")}`);
  }

  /** The next number, which may have a minus before it. */
  protected number(): number {
    const negative = this.take("-");
    const token = this.next();
    if (token.kind !== "number") this.fail(token, "expected a number");
    return negative ? -this.finite(token) : this.finite(token);
  }

  protected finite(token: EquationToken): number {
    const value = Number(token.text);
    if (!Number.isFinite(value)) this.fail(token, `the number ${token.text} is too large`);
    return value;
  }

  /** Reads this text. `why` says what it is for, where something else stands. */
  protected expect(text: string, why: string): void {
    if (!this.take(text)) this.fail(this.peek(), `expected ${text}: ${why}`);
  }

  /** Reads this text if it is what comes next. */
  protected take(text: string): boolean {
    if (this.peek().text !== text || this.peek().kind === "end") return false;
    this.at++;
    return true;
  }

  protected peek(): EquationToken {
    return this.tokens[this.at] ?? this.end;
  }

  protected next(): EquationToken {
    const token = this.peek();
    this.at++;
    return token;
  }

  protected fail(token: EquationToken, what: string): never {
    const got = token.kind === "end" ? "the end of the line" : token.text;
    throw new EquationError(token, what.startsWith("expected") ? `${what}, got ${got}` : what);
  }
}
