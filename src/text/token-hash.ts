/** A hash of 64 bits over whole numbers in a row, however they come in pieces: tells one text from another, and is no secret. */
export class TokenHash {
  private a = 0x811c9dc5;
  private b = 0x9e3779b9;
  private count = 0;

  add(tokens: Int32Array): void {
    let { a, b } = this;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      a = Math.imul(a ^ token, 0x01000193);
      b = Math.imul(b + token + 1, 0x85ebca6b);
      b ^= b >>> 15;
    }
    this.a = a;
    this.b = b;
    this.count += tokens.length;
  }

  /** In hexadecimal digits. */
  digest(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.a ^ this.count) + hex(this.b);
  }
}
