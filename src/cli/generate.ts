import { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { generate } from "../run/generate.ts";
import { loadRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import { Ended } from "./failure.ts";
import { EXIT, type Io } from "./io.ts";
import { examples, type MACHINES, number, option, shared, whole } from "./options.ts";

interface GenerateFlags {
  readonly prompt: string;
  readonly length: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed: number;
  readonly machine: (typeof MACHINES)[number];
  readonly json?: true;
}

export function generateCommand(io: Io): Command {
  const command = new Command("generate")
    .summary("write text with a trained model")
    .description("Writes text with a trained model, to standard output as it comes.")
    .argument("<run>", "folder of a run, as `train` made it")
    .addOption(option("--prompt <text>", "text to go on from; it is written first", String, ""))
    .addOption(option("--length <tokens>", "how many tokens to write after the prompt", whole(0), 400))
    .addOption(
      option(
        "--temperature <number>",
        "below 1 safer, above 1 wilder, 0 always the likeliest token",
        number((x) => x >= 0, "of at least 0"),
        0.8,
      ),
    )
    .addOption(option("--top-k <count>", "choose among the likeliest so many tokens only (default: all)", whole(1)))
    .addOption(
      option(
        "--top-p <share>",
        "choose among the likeliest tokens that together have this probability (default: all)",
        number((x) => x > 0 && x <= 1, "above 0, at most 1"),
      ),
    )
    .addOption(shared.seed("seed of the draws"))
    .addOption(shared.machine())
    .addOption(shared.json());
  examples(command, io.program, ['generate runs/2026-01-31-novel --prompt "It was " --temperature 0.7 --seed 3']);
  return command.action((folder: string, flags: GenerateFlags) => generateText(folder, flags, io));
}

async function generateText(folder: string, flags: GenerateFlags, io: Io): Promise<void> {
  const machine = await openMachine(flags.machine);
  const controller = new AbortController();
  const { signal } = controller;
  const off = io.onInterrupt(() => {
    if (signal.aborted) io.exit(EXIT.interrupted);
    controller.abort();
  });
  try {
    const { model, parameters, tokenizer } = await loadRun(folder, machine);
    const session = await openSession({ model, parameters, machine });
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
