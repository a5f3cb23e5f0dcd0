import { isHighSurrogate, type TakeWindow, TextWindows } from "./windows.ts";

/**
 * Cuts text into the pieces of one kind of tokenizer. `emit` gets a piece that is one UTF-16 code unit as that number,
 * any other as a string: most text is the first, and numbers cost nothing.
 */
export interface Segmenter {
  push(text: string): void;
  end(): void;
}

export type EmitPiece = (piece: string | number) => void;

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

/** Code points. Half of a surrogate pair without the other half is a piece of its own. */
export function characterSegmenter(emit: EmitPiece): Segmenter {
  let high = -1;
  return {
    push(text) {
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        if (high >= 0) {
          const pair = high;
          high = -1;
          if (isLowSurrogate(unit)) {
            emit(String.fromCharCode(pair, unit));
            continue;
          }
          emit(pair);
        }
        if (isHighSurrogate(unit)) high = unit;
        else emit(unit);
      }
    },
    end() {
      if (high >= 0) emit(high);
      high = -1;
    },
  };
}

/**
 * Text of which every code unit is a grapheme by itself: printable ASCII, line feed, and the letters and punctuation of
 * Latin, Greek, Cyrillic, Chinese and Japanese that neither combine with what precedes nor with what follows (their
 * Grapheme_Cluster_Break is Other, Control or LF; a test compares each with Intl.Segmenter).
 */
export const SIMPLE =
  /^[\t\n\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u0377\u0391-\u0482\u048a-\u052f\u2010-\u2027\u3001-\u3029\u3041-\u3096\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff60]*$/;

/**
 * Extended grapheme clusters, what a reader takes for one character ("é" in one code point or two, flags, families,
 * "\r\n"). A cluster of more than WINDOW code units is cut.
 * @see Unicode Standard Annex #29, "Unicode text segmentation", section 3
 */
export function graphemeSegmenter(emit: EmitPiece): Segmenter {
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
  const take: TakeWindow = (window, complete) => {
    const body = window.endsWith("\r\n") ? window.slice(0, -2) : window;
    if (SIMPLE.test(body)) {
      const count = complete ? body.length : body.length - 1;
      for (let i = 0; i < count; i++) emit(body.charCodeAt(i));
      if (!complete || body === window) return count;
      emit("\r\n");
      return window.length;
    }
    return takeSegments(segmenter, window, complete, (piece) => emit(piece.length === 1 ? piece.charCodeAt(0) : piece));
  };
  return new TextWindows(take);
}

/**
 * Gives the segments of a window to `emit` and returns how many code units they had. Starting again at the boundary of
 * a cluster finds the same further boundaries, because no rule of Annex #29 looks back beyond one.
 */
export function takeSegments(
  segmenter: Intl.Segmenter,
  window: string,
  complete: boolean,
  emit: (piece: string) => void,
): number {
  let previous: string | undefined;
  let taken = 0;
  for (const { segment } of segmenter.segment(window)) {
    if (previous !== undefined) {
      emit(previous);
      taken += previous.length;
    }
    previous = segment;
  }
  if (previous !== undefined && (complete || taken === 0)) {
    emit(previous);
    taken += previous.length;
  }
  return taken;
}
