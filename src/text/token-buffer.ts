import type { Segmenter } from "./segments.ts";
import type { StreamEncoder } from "./tokenizer.ts";

/** Holds the tokens of one push; grows as needed. */
export class TokenBuffer {
  #tokens = new Int32Array(1024);
  #length = 0;

  push(token: number): void {
    if (this.#length === this.#tokens.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    this.#tokens[this.#length++] = token;
  }

  /** Returns a copy of all tokens, and empties the buffer. */
  take(): Int32Array {
    const taken = this.#tokens.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}

/** An encoder from a segmenter that puts the tokens of its pieces into a buffer. */
export const bufferedEncoder = (segmenter: Segmenter, buffer: TokenBuffer): StreamEncoder => ({
  push(text) {
    segmenter.push(text);
    return buffer.take();
  },
  end() {
    segmenter.end();
    return buffer.take();
  },
});
