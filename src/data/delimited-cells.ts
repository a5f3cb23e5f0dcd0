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

/**
 * Cells of a text: rows end with CRLF, LF or CR, and at the end. A cell that begins with a quotation mark goes to the next single
 * one, and may hold delimiters, line ends and, doubled, quotation marks (RFC 4180). Empty lines are no rows.
 *
 * @param delimiter one character @param quotes false: a quotation mark is a character like any other
 * @throws QuoteError
 */
export function* cellRows(text: string, delimiter: string, { quotes = true } = {}): Generator<CellRow> {
  const plain = delimiter === "\t" ? /[^\t\r\n]*/y : new RegExp(`[^${escaped(delimiter)}\\r\\n]*`, "y");
  let [at, line] = [0, 1];
  while (at < text.length) {
    const begin = line;
    const cells: string[] = [];
    for (;;) {
      if (quotes && text[at] === '"') {
        let cell = "";
        for (;;) {
          const end = text.indexOf('"', at + 1);
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
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    line += 1;
    if (cells.length > 1 || cells[0] !== "") yield { cells, line: begin };
  }
}

const escaped = (character: string): string => character.replace(/[\\\]^-]/, "\\$&");
