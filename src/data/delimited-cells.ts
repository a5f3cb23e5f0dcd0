/** A row and where it begins: lines from 1. */
export interface CellRow {
  readonly cells: readonly string[];
  readonly line: number;
}

/** What is wrong with quotation marks, and in which line. */
export class QuoteError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Where the rows that are whole end: the rest of the text begins at `at`, in this line. */
export interface Rest {
  readonly at: number;
  readonly line: number;
}

export interface CellOptions {
  /** False: a quotation mark is a character like any other. */
  readonly quotes?: boolean;
  /** Of the text's first line; default 1. */
  readonly line?: number;
  /** The text goes on: a row that reaches its end is left for later. */
  readonly more?: boolean;
}

/**
 * Cells of a text: rows end with CRLF, LF or CR, and at the end. A cell that begins with a quotation mark goes to the next single
 * one, and may hold delimiters, line ends and, doubled, quotation marks (RFC 4180). Empty lines are no rows, but "" is one.
 *
 * @param delimiter one character
 * @throws QuoteError
 */
export function* cellRows(
  text: string,
  delimiter: string,
  { quotes = true, line: firstLine = 1, more = false }: CellOptions = {},
): Generator<CellRow, Rest> {
  const plain = delimiter === "\t" ? /[^\t\r\n]*/y : new RegExp(`[^${escaped(delimiter)}\\r\\n]*`, "y");
  let [at, line] = [0, firstLine];
  while (at < text.length) {
    const rest: Rest = { at, line };
    const [begin, first] = [line, at];
    const cells: string[] = [];
    for (;;) {
      if (quotes && text[at] === '"') {
        let cell = "";
        for (;;) {
          const end = text.indexOf('"', at + 1);
          if (end < 0 && more) return rest;
          if (end < 0) throw new QuoteError(line, "a quotation mark is not closed");
          const part = text.slice(at + 1, end);
          line += part.match(/\r\n|\n|\r/g)?.length ?? 0;
          cell += part;
          at = end + 1;
          if (text[at] !== '"') break;
          cell += '"';
        }
        if (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r")
          throw new QuoteError(line, `after a closed quotation mark stands ${JSON.stringify(text[at])}`);
        cells.push(cell);
      } else {
        plain.lastIndex = at;
        const [cell] = plain.exec(text)!;
        cells.push(cell);
        at += cell.length;
      }
      if (text[at] !== delimiter) break;
      at += 1;
    }
    const empty = at === first;
    // The last character may be the first half of a CRLF.
    if (more && (at >= text.length || (text[at] === "\r" && at + 1 === text.length))) return rest;
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    line += 1;
    if (!empty) yield { cells, line: begin };
  }
  return { at, line };
}

const escaped = (character: string): string => character.replace(/[\\\]^-]/, "\\$&");
