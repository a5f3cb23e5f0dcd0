import { isHighSurrogate } from "./windows.ts";

/** A section has at least so many code units, if more text follows. */
const ENOUGH = 2048;
/** And at most so many. */
const MOST = 1 << 16;

/** After a letter, before white space or punctuation that no contraction begins with: no pre-tokenizer joins what stands on both sides. */
const BETWEEN = /\p{L}(?=[\s.,;:!?、。，．！？；：（）()"“”«»])/gu;

/**
 * Cuts a stream of text into sections of a few thousand characters that can be cut into pieces one by one. Where it cuts
 * depends on the text alone, never on how the stream was cut. Text without any letter before white space or punctuation
 * is cut after 65,536 code units.
 */
export class TextSections {
  #rest = "";
  readonly #take: (section: string) => void;

  constructor(take: (section: string) => void) {
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
    while (at < text.length) {
      BETWEEN.lastIndex = at + ENOUGH;
      const found = text.length - at > ENOUGH ? BETWEEN.exec(text) : null;
      let end = found ? found.index + found[0].length : Number.POSITIVE_INFINITY;
      if (end - at > MOST && text.length - at > MOST)
        end = at + (isHighSurrogate(text.charCodeAt(at + MOST - 1)) ? MOST - 1 : MOST);
      if (end > text.length) {
        if (!final) break;
        end = text.length;
      }
      this.#take(text.slice(at, end));
      at = end;
    }
    this.#rest = text.slice(at);
  }
}
