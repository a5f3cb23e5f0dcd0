import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { generate } from "../run/generate.ts";
import { loadRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import type { ValuesOf } from "../schema/fields.ts";
import { generationFields } from "../schema/generation.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { EXIT, type Io } from "./io.ts";
import { common } from "./options.ts";

const { run, machine, json } = common;
const fields = { run, ...generationFields, machine, json } as const;

export const generateCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "generate",
    summary: "write text with a trained model",
    description: "Writes text with a trained model, to standard output as it comes.",
    fields,
    examples: ['generate runs/2026-01-31-novel --prompt "It was " --temperature 0.7 --seed 3'],
    run: (values) => generateText(values, io),
  });

async function generateText(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const machine = await openMachine(flags.machine);
  const controller = new AbortController();
  const { signal } = controller;
  const off = io.onInterrupt(() => {
    if (signal.aborted) io.exit(EXIT.interrupted);
    controller.abort();
  });
  try {
    const { model, parameters, quantized, tokenizer } = await loadRun(flags.run, machine);
    const session = await openSession({ model, parameters, quantized, machine });
    const { prompt, length, temperature, topK, topP, seed } = flags;
    const pieces = generate({
      session,
      tokenizer,
      prompt,
      length,
      temperature,
      seed,
      topK,
      topP,
      signal,
    });
    const say = (text: string): Promise<void> =>
      io.stdout.write(flags.json ? `${JSON.stringify({ type: "text", text })}\n` : text);
    if (prompt !== "") await say(prompt);
    for await (const text of pieces) {
      await say(text);
      // Lets what was written go out, and Ctrl-C come in: machines compute in this thread.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await io.stdout.write(flags.json ? `${JSON.stringify({ type: "end", interrupted: signal.aborted })}\n` : "\n");
    session.close();
    if (signal.aborted) throw new Ended(EXIT.interrupted);
  } finally {
    off();
    machine.close();
  }
}
