import { describe, expectOneOf, UsageError } from "../shared/errors.ts";

/**
 * Where a document ends: with its file, with each line, before blank lines, or at a separator text. Separators belong to no document,
 * and empty documents do not count.
 */
export type DocumentSplit = "file" | "line" | "blank-line" | { readonly marker: string };

/** A piece of a document; `ends` after its last one. */
export interface DocumentPiece {
  readonly text: string;
  readonly ends: boolean;
}

/** Takes the text of files in pieces and gives documents in pieces. */
export interface DocumentSplitter {
  push(text: string): Iterable<DocumentPiece>;
  /** The file ends, and its last document with it. */
  end(): Iterable<DocumentPiece>;
}

/** @throws UsageError "unknown-choice", "bad-option" */
export function expectSplit(value: unknown): DocumentSplit {
  if (typeof value !== "object" || value === null)
    return expectOneOf("documents", value, ["file", "line", "blank-line"] as const);
  const { marker } = value as { marker?: unknown };
  if (typeof marker === "string" && marker !== "") return { marker };
  throw new UsageError("bad-option", `documents.marker: expected a text that is not empty, got ${describe(marker)}`);
}

export function documentSplitter(split: DocumentSplit): DocumentSplitter {
  if (split === "file") return wholeFiles();
  if (split === "line") return byLine((line) => (line === "" ? "end" : "line"));
  if (split === "blank-line") return byLine((line) => (line.trim() === "" ? "end" : "more"));
  return byMarker(split.marker);
}

/** Ends a document that has begun. */
const END: DocumentPiece = { text: "", ends: true };

function wholeFiles(): DocumentSplitter {
  let begun = false;
  return {
    *push(text) {
      begun ||= text !== "";
      if (text !== "") yield { text, ends: false };
    },
    *end() {
      if (begun) yield END;
      begun = false;
    },
  };
}

/** "line": it is a document; "more": it belongs to the open one; "end": it ends that, if one is open. */
function byLine(kind: (line: string) => "line" | "more" | "end"): DocumentSplitter {
  let rest = "";
  let open = false;
  function* take(line: string): Generator<DocumentPiece> {
    const what = kind(line);
    if (what === "line") yield { text: line, ends: true };
    else if (what === "more") yield { text: open ? `\n${line}` : line, ends: false };
    else if (open) yield END;
    open = what === "more";
  }
  return {
    *push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield* take(line.endsWith("\r") ? line.slice(0, -1) : line);
    },
    *end() {
      if (rest !== "") yield* take(rest.endsWith("\r") ? rest.slice(0, -1) : rest);
      if (open) yield END;
      rest = "";
      open = false;
    },
  };
}

/** The end of a line right after a marker belongs to it. */
function byMarker(marker: string): DocumentSplitter {
  let held = "";
  let begun = false;
  let afterMarker = false;
  function* text(piece: string): Generator<DocumentPiece> {
    const body = afterMarker ? piece.replace(/^\r?\n/, "") : piece;
    if (piece !== "") afterMarker = false;
    begun ||= body !== "";
    if (body !== "") yield { text: body, ends: false };
  }
  function* finish(): Generator<DocumentPiece> {
    if (begun) yield END;
    begun = false;
  }
  return {
    *push(more) {
      let all = held + more;
      for (let at = all.indexOf(marker); at >= 0; at = all.indexOf(marker)) {
        yield* text(all.slice(0, at));
        yield* finish();
        afterMarker = true;
        all = all.slice(at + marker.length);
      }
      // The beginning of a marker, or of the end of a line behind one, may still come to its end.
      let kept = 0;
      for (let n = Math.min(all.length, marker.length - 1); n > 0 && kept === 0; n--)
        if (all.endsWith(marker.slice(0, n))) kept = n;
      if (afterMarker && all === "\r") kept = 1;
      held = all.slice(all.length - kept);
      yield* text(all.slice(0, all.length - kept));
    },
    *end() {
      yield* text(held);
      yield* finish();
      held = "";
      afterMarker = false;
    },
  };
}
