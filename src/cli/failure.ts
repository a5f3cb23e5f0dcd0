import { CommanderError } from "commander";
import { LongshortError, UsageError } from "../shared/errors.ts";
import { EXIT, type Io } from "./io.ts";

/** Ends a command with an exit code; everything that there is to say has been said. */
export class Ended extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Says what went wrong in one message, without a stack trace unless LONGSHORT_DEBUG is set, and returns the exit code. */
export async function report(error: unknown, io: Pick<Io, "stderr" | "env">): Promise<number> {
  if (error instanceof Ended) return error.exitCode;
  // commander has printed its message; its code for a wrong call is 1, ours 2. Help that was asked for is a success.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
  const debug = (io.env.LONGSHORT_DEBUG ?? "") !== "";
  const message = error instanceof Error ? error.message : String(error);
  await io.stderr.write(`error: ${message}\n`);
  if (debug) await io.stderr.write(`${stackOf(error)}\n`);
  if (error instanceof LongshortError) return error instanceof UsageError ? EXIT.usage : EXIT.failure;
  if (!debug)
    await io.stderr.write("This was not foreseen; run it again with LONGSHORT_DEBUG=1 to see where it happened.\n");
  return EXIT.failure;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\ncaused by: ${stackOf(error.cause)}`;
}
