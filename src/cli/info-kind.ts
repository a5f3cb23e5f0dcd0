import type { Io } from "./io.ts";

/** A kind of thing that `info` can tell something about. */
export interface InfoKind {
  /** Completes "expected …": "the folder of a run". */
  readonly what: string;
  /** Whether a path that exists, or an address, is one of these; cheap. */
  readonly matches: (path: string) => boolean | Promise<boolean>;
  /** What there is to say, as text and as one JSON object. */
  readonly describe: (path: string, io: Io) => Promise<{ readonly text: string; readonly json: object }>;
}
