/**
 * Longest stretch of text, in UTF-16 code units, that is given to a segmenter at once. The time of Intl.Segmenter grows
 * faster than the text (Node 20: 100,000 characters in one call take 12 s), and a file may be one single line.
 */
export const WINDOW = 1024;

/**
 * Looks at a window and says how many of its code units it has taken, at least one. A window that is `complete` (it
 * ends a line or the text) is to be taken whole; of another one the last piece is left, because it may go on, unless it
 * is the only one: a piece longer than a window is cut.
 */
export type TakeWindow = (window: string, complete: boolean) => number;

/**
 * Cuts a stream of text into lines, and lines that are too long into windows. Where it cuts depends on the text alone,
 * never on how the stream was cut into pieces. A line ends after "\n", so that "\r\n" stays together.
 */
export class TextWindows {
  #rest = "";
  readonly #take: TakeWindow;

  constructor(take: TakeWindow) {
    this.#take = take;
  }

  push(text: string): void {
    this.#drain(this.#rest + text, false);
  }

  end(): void {
    this.#drain(this.#rest, true);
  }

  #drain(text: string, final: boolean): void {
    let at = 0;
    let lineEnd = 0;
    while (at < text.length) {
      if (lineEnd <= at) {
        const newline = text.indexOf("\n", at);
        lineEnd = newline >= 0 ? newline + 1 : Number.POSITIVE_INFINITY;
      }
      if (lineEnd - at <= WINDOW) {
        this.#take(text.slice(at, lineEnd), true);
        at = lineEnd;
      } else if (text.length - at >= WINDOW) {
        // Half of a surrogate pair would look like a piece of its own and end the piece before it.
        const end = isHighSurrogate(text.charCodeAt(at + WINDOW - 1)) ? at + WINDOW - 1 : at + WINDOW;
        at += this.#take(text.slice(at, end), false);
      } else if (final) {
        this.#take(text.slice(at), true);
        at = text.length;
      } else break;
    }
    this.#rest = text.slice(at);
  }
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
