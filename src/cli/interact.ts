import { platform } from "#platform";
import type { LoadedRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import { TextWriter } from "../run/text-writer.ts";
import type { WriteOptions } from "../run/write-options.ts";
import { LongshortError, UsageError } from "../shared/errors.ts";
import { wasAborted } from "../shared/signal.ts";
import { EXIT, type Io } from "./io.ts";
import { turn } from "./turn.ts";

const HELP = `Each line is read and answered; the model remembers what was said.
/reset        forget everything
/save FILE    write what was said to a file
/help         this
/quit         leave (so does Ctrl-D; Ctrl-C ends an answer)
`;

/** Reads lines and answers each until they end; the state of the model is carried from line to line. */
export async function interact(
  run: LoadedRun,
  { prompt, ...options }: Omit<WriteOptions, "signal"> & { readonly prompt: string },
  io: Io,
): Promise<void> {
  const session = await openSession(run);
  const writer = new TextWriter({ session, tokenizer: run.tokenizer });
  let said = "";
  let answering: AbortController | undefined;
  const off = io.onInterrupt((signal) => {
    if (answering && signal === "SIGINT") answering.abort();
    else io.exit(EXIT.interrupted);
  });
  const ask = (): Promise<void> => (io.stdin.isTTY ? io.stdout.write("> ") : Promise.resolve());
  const answer = async (text: string): Promise<void> => {
    answering = new AbortController();
    const { signal } = answering;
    try {
      await writer.read(text, { signal });
      said += text;
      for await (const piece of writer.write({ ...options, signal })) {
        await io.stdout.write(piece.text);
        said += piece.text;
        await turn();
      }
    } catch (error) {
      if (!wasAborted(error, signal)) throw error;
    } finally {
      answering = undefined;
    }
    await io.stdout.write("\n");
  };
  const command = async (name: string, rest: string): Promise<boolean> => {
    if (name === "quit" || name === "exit") return true;
    if (name === "reset") {
      writer.reset();
      said = "";
      await io.stderr.write("Forgotten.\n");
    } else if (name === "save") {
      if (rest === "") throw new UsageError("missing-option", "/save: expected the name of a file, got nothing");
      await platform.writeFileAtomic(rest, said);
      await io.stderr.write(`Wrote ${rest}\n`);
    } else await io.stderr.write(name === "help" ? HELP : `error: unknown command '/${name}'\n${HELP}`);
    return false;
  };
  try {
    if (io.stdin.isTTY) await io.stderr.write("/help lists the commands; Ctrl-D leaves.\n");
    if (prompt !== "") await answer(prompt);
    await ask();
    for await (const line of io.stdin.lines()) {
      try {
        const [, name, rest] = /^\/(\S*)\s*(.*)$/.exec(line) ?? [];
        if (name !== undefined) {
          if (await command(name, rest!)) return;
        } else await answer(`${line}\n`);
      } catch (error) {
        // A character that the model does not know is no reason to leave.
        if (!(error instanceof LongshortError)) throw error;
        await io.stderr.write(`error: ${error.message}\n`);
      }
      await ask();
    }
    if (io.stdin.isTTY) await io.stdout.write("\n");
  } finally {
    off();
    session.close();
  }
}
