/**
 * JSON for files from strangers: as JSON.parse, but objects become Maps (no key can reach a prototype), a repeated key and
 * deep nesting are refused, and so are strings that are not well-formed Unicode.
 */
export type StrictJson = null | boolean | number | string | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** A header or manifest needs a handful of levels; many more are an attack on the stack. */
const MAX_DEPTH = 16;
// JSON forbids raw control characters in strings, so this has to name them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * @param maxDepth levels of objects and lists inside one another
 * @throws SyntaxError with the position (in UTF-16 units) where the text stops being acceptable
 */
export function parseStrictJson(text: string, maxDepth = MAX_DEPTH): StrictJson {
  const reader = new Reader(text, maxDepth);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  #position = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  value(depth: number): StrictJson {
    if (depth > this.#maxDepth) this.#fail(`nested more than ${this.#maxDepth} deep`);
    this.#match(SPACE);
    const next = this.#text[this.#position];
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    if (next === '"') return this.#string();
    const word = this.#match(WORD);
    if (word !== undefined) return word === "null" ? null : word === "true";
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number);
    return this.#fail("expected a value");
  }

  end(): void {
    this.#match(SPACE);
    if (this.#position < this.#text.length) this.#fail("expected the end");
  }

  #object(depth: number): ReadonlyMap<string, StrictJson> {
    const members = new Map<string, StrictJson>();
    this.#list("}", () => {
      this.#match(SPACE);
      const start = this.#position;
      const key = this.#string();
      if (members.has(key)) {
        this.#position = start;
        this.#fail(`the key ${JSON.stringify(key)} appears twice`);
      }
      if (!this.#take(":")) this.#fail('expected ":"');
      members.set(key, this.value(depth + 1));
    });
    return members;
  }

  #array(depth: number): StrictJson[] {
    const items: StrictJson[] = [];
    this.#list("]", () => items.push(this.value(depth + 1)));
    return items;
  }

  #list(close: string, item: () => void): void {
    this.#position++;
    if (this.#take(close)) return;
    do item();
    while (this.#take(","));
    if (!this.#take(close)) this.#fail(`expected "," or "${close}"`);
  }

  #string(): string {
    const literal = this.#match(STRING);
    if (literal === undefined) return this.#fail("expected a string");
    const value: string = JSON.parse(literal);
    if (/\p{Surrogate}/u.test(value)) this.#fail("a string with half a surrogate pair");
    return value;
  }

  #take(character: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#position += found.length;
    return found;
  }

  #fail(what: string): never {
    throw new SyntaxError(`${what} at position ${this.#position}`);
  }
}
