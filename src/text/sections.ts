import type { Cut } from "./pre-tokenizer.ts";
import { isHighSurrogate } from "./windows.ts";

/** A section has at least so many code units, if more text follows. */
const ENOUGH = 2048;
/** And at most so many. */
const MOST = 1 << 16;
/** Code units on each side that say whether pieces end at a place. */
const AROUND = 64;

/** After a letter, before white space or punctuation that no contraction begins with: few pre-tokenizers join what stands on both sides. */
const BETWEEN = /\p{L}(?=[\s.,;:!?、。，．！？；：（）()"“”«»])/gu;

/**
 * Cuts a stream of text into pieces, by sections of a few thousand characters. A section ends where the text around has the same pieces with and
 * without that end, which depends on the text alone, never on how the stream was cut. Text that has no such place is cut after
 * 65,536 code units.
 */
export class TextSections {
  #rest = "";
  /** So much of the rest has been looked through for an end. */
  #searched = ENOUGH;
  readonly #cut: Cut;
  readonly #emit: (piece: string) => void;

  constructor(cut: Cut, emit: (piece: string) => void) {
    this.#cut = cut;
    this.#emit = emit;
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
      let end = this.#endOf(text, at, final);
      if (end - at > MOST && text.length - at > MOST)
        end = at + (isHighSurrogate(text.charCodeAt(at + MOST - 1)) ? MOST - 1 : MOST);
      if (end > text.length) {
        if (!final) break;
        end = text.length;
      }
      for (const piece of this.#cut(text.slice(at, end))) this.#emit(piece);
      at = end;
      this.#searched = ENOUGH;
    }
    this.#rest = text.slice(at);
  }

  /** Where a section may end; infinity where that is not known yet. */
  #endOf(text: string, begin: number, final: boolean): number {
    while (begin + this.#searched < text.length) {
      BETWEEN.lastIndex = begin + this.#searched;
      const found = BETWEEN.exec(text);
      const end = found ? found.index + found[0].length : text.length;
      // What follows may still change what is found here.
      if (!final && end + AROUND > text.length) break;
      if (found && this.#divides(text, end)) return end;
      this.#searched = end + AROUND - begin;
    }
    return Number.POSITIVE_INFINITY;
  }

  #divides(text: string, at: number): boolean {
    const [before, after] = [text.slice(at - AROUND, at), text.slice(at, at + AROUND)];
    const apart = [...this.#cut(before), ...this.#cut(after)];
    const together = this.#cut(before + after);
    return together.length === apart.length && together.every((piece, k) => piece === apart[k]);
  }
}
