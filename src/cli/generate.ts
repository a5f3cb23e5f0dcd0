import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { beamSearch } from "../run/beam-search.ts";
import { generateTokens } from "../run/generate.ts";
import { generateBatch } from "../run/generate-batch.ts";
import { type LoadedRun, loadRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import type { WriteOptions } from "../run/write-options.ts";
import { type Field, flagName, integer, number, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { generationFields } from "../schema/generation.ts";
import { UsageError } from "../shared/errors.ts";
import { wasAborted } from "../shared/signal.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { jsonLine } from "./format.ts";
import { interact } from "./interact.ts";
import { EXIT, type Io } from "./io.ts";
import { common } from "./options.ts";
import { textIn } from "./standard-input.ts";
import { turn } from "./turn.ts";

const { run, machine, json } = common;
const fields = {
  run,
  ...generationFields,
  interactive: onOff({ about: "read lines and answer each; the model remembers what was said", short: "i" }),
  prompts: path({
    about: "file with one prompt per line, all continued at once",
    unit: "file",
    standardInput: true,
    otherwise: "none",
  }),
  beams: integer({
    about: "beam search for the most likely text with this many candidates, without sampling",
    ...{ unit: "count", min: 1, otherwise: "sample at random" },
  }),
  count: integer({
    about: "with --beams: how many texts to write",
    ...{ unit: "count", min: 1, otherwise: "1", needs: { key: "beams" } },
  }),
  lengthPenalty: number({
    about: "with --beams: 0 ranks by total log probability, which favours short texts; 1 by the mean per token",
    ...{ unit: "number", min: 0, otherwise: "1", needs: { key: "beams" } },
  }),
  alternatives: integer({
    about: "with --json: tokens with log probabilities, and this many of the most likely ones",
    ...{ unit: "count", min: 0, otherwise: "text only", needs: { key: "json" } },
  }),
  machine,
  json,
} as const;
type Flags = ValuesOf<typeof fields>;

export const generateCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "generate",
    summary: "write text with a trained model",
    description: "Generates text with a trained model and writes it to standard output as it is generated.",
    fields,
    examples: [
      'generate runs/2026-01-31-novel --prompt "It was " --temperature 0.7 --seed 3',
      'generate runs/2026-01-31-novel --interactive --stop "."',
      'generate runs/2026-01-31-novel --prompt "It was " --beams 8 --count 3 --length 40',
    ],
    run: (values) => generateText(values, io),
  });

async function generateText(flags: Flags, io: Io): Promise<void> {
  expectTogether(flags);
  using machine = await openMachine(flags.machine);
  const run = await loadRun(flags.run, { machine });
  if (flags.interactive) return await interact(run, { ...writing(flags), prompt: flags.prompt }, io);
  const controller = new AbortController();
  const { signal } = controller;
  const off = io.onInterrupt(() => {
    if (signal.aborted) io.exit(EXIT.interrupted);
    controller.abort();
  });
  try {
    if (flags.prompts !== undefined) await answerAll(run, flags, io, signal);
    else if (flags.beams !== undefined) await search(run, flags, io, signal);
    else await write(run, flags, io, signal);
  } catch (error) {
    if (!wasAborted(error, signal)) throw error;
  } finally {
    off();
  }
  if (signal.aborted) throw new Ended(EXIT.interrupted);
}

/** Of the flags, those that say how text is written. */
function writing(flags: Flags): WriteOptions {
  const { length, seed, temperature, topK, topP, minP, typicalP, repetitionPenalty, repetitionWindow, stop } = flags;
  return { length, seed, temperature, topK, topP, minP, typicalP, repetitionPenalty, repetitionWindow, stop };
}

async function write(run: LoadedRun, flags: Flags, io: Io, signal: AbortSignal): Promise<void> {
  const { json, prompt, alternatives } = flags;
  using session = await openSession(run);
  const tokens = generateTokens({
    ...{ ...writing(flags), session, tokenizer: run.tokenizer, prompt, alternatives, signal },
  });
  const say = async (text: string): Promise<void> => {
    if (text !== "") await io.stdout.write(json ? jsonLine({ type: "text", text }) : text);
  };
  await say(prompt);
  for (;;) {
    const { done, value } = await tokens.next();
    if (done) break;
    if (alternatives === undefined) await say(value.text);
    else await io.stdout.write(jsonLine({ type: "token", ...value, alternatives: named(run, value.alternatives) }));
    await turn();
  }
  await io.stdout.write(json ? jsonLine({ type: "end", interrupted: signal.aborted }) : "\n");
}

const named = ({ tokenizer }: LoadedRun, candidates: readonly { token: number; probability: number }[]): object[] =>
  candidates.map((one) => ({ ...one, piece: tokenizer.vocabulary[one.token] }));

async function search(run: LoadedRun, flags: Flags, io: Io, signal: AbortSignal): Promise<void> {
  const { prompt, length, beams, count, lengthPenalty, stop } = flags;
  const texts = await beamSearch({
    ...run,
    ...{ prompt, length, beams, count, lengthPenalty, stop, signal },
  });
  for (const [k, found] of texts.entries()) {
    if (flags.json) await io.stdout.write(jsonLine({ type: "beam", ...found, text: prompt + found.text }));
    else {
      const head = texts.length > 1 ? `${k > 0 ? "\n" : ""}── score ${found.score.toFixed(4)}\n` : "";
      await io.stdout.write(`${head}${prompt}${found.text}\n`);
    }
  }
}

async function answerAll(run: LoadedRun, flags: Flags, io: Io, signal: AbortSignal): Promise<void> {
  const prompts = linesOf(await textIn(flags.prompts!, io), flags.prompts!);
  const answers = await generateBatch({ ...writing(flags), ...run, prompts, signal });
  for (const [k, answer] of answers.entries())
    await io.stdout.write(
      flags.json ? jsonLine({ type: "answer", ...answer }) : `${k > 0 ? "\n" : ""}${answer.prompt}${answer.text}\n`,
    );
}

function linesOf(text: string, file: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0)
    throw new UsageError("text-empty", `--prompts ${file}: expected a prompt on each line, it is empty`);
  return lines;
}

/** What a search leaves aside. */
const SAMPLING = [
  ...(["seed", "temperature", "topK", "topP", "minP", "typicalP"] as const),
  ...(["repetitionPenalty", "repetitionWindow"] as const),
];

/** Flags that have no meaning beside another one. */
function expectTogether(flags: Flags): void {
  const wrong = (message: string): UsageError => new UsageError("bad-option", message);
  const { prompts, beams, alternatives } = flags;
  const modes = { interactive: flags.interactive || undefined, prompts, beams, alternatives };
  const given = Object.entries(modes).filter(([, value]) => value !== undefined);
  if (given.length > 1) throw wrong(`${given.map(([name]) => `--${name}`).join(" and ")}: give one of them`);
  if (prompts !== undefined && flags.prompt !== "") throw wrong("--prompts and --prompt: give one of them");
  if (flags.interactive && flags.json) throw wrong("--interactive: does not go with --json");
  for (const key of SAMPLING) {
    const field: Field = generationFields[key];
    if (beams !== undefined && flags[key] !== field.default)
      throw wrong(`--${flagName(key, field)}: --beams searches and samples nothing; give one of them`);
  }
}
