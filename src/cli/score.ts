import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { loadRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import { surprisal, type TokenSurprisal } from "../run/surprisal.ts";
import { integer, path, text, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { counted, jsonLine, perplexity, table, wholePercent } from "./format.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import { textIn } from "./standard-input.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({ about: "file with the text", unit: "file", positional: true, standardInput: true, otherwise: "--text" }),
  text: text({ about: "the text", unit: "text", otherwise: "a file" }),
  alternatives: integer({
    about: "number of most likely tokens to show at each position",
    ...{ unit: "count", min: 0, max: 20, default: 0 },
  }),
  machine,
  json,
} as const;

export const scoreCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "score",
    summary: "show how surprising each token of a text is to a model",
    description:
      "Shows the surprisal of each token of a text, in nats: coloured in a terminal (the redder, the more surprising), else as a table. The text is read as after the end of a line.",
    fields,
    examples: [
      'score runs/2026-01-31-novel --text "It was the best of times"',
      "score runs/2026-01-31-novel - --json < letter.txt",
    ],
    run: (values) => score(values, io),
  });

async function score(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const text = await textOf(flags, io);
  using machine = await openMachine(flags.machine);
  const run = await loadRun(flags.run, { machine });
  const { tokenizer } = run;
  using session = await openSession(run);
  const found: TokenSurprisal[] = [];
  for await (const one of surprisal({ session, tokenizer, text, alternatives: flags.alternatives })) {
    found.push(one);
    const { alternatives, ...rest } = one;
    if (flags.json)
      await io.stdout.write(
        jsonLine({
          type: "token",
          ...rest,
          alternatives: alternatives.map((a) => ({ ...a, piece: tokenizer.vocabulary[a.token] })),
        }),
      );
  }
  const nats = found.reduce((sum, one) => sum + one.nats, 0);
  const mean = nats / found.length;
  if (flags.json) {
    await io.stdout.write(jsonLine({ type: "text", tokens: found.length, nats, mean }));
    return;
  }
  const piece = (token: number): string => JSON.stringify(tokenizer.vocabulary[token]);
  await io.stdout.write(
    io.color && flags.alternatives === 0
      ? `${found.map(colored).join("")}\x1b[0m\n\n`
      : `${table(
          [
            ["token", "nats", "rank", ...(flags.alternatives > 0 ? ["expected"] : [])],
            ...found.map((one) => [
              ...[piece(one.token), one.nats.toFixed(3), String(one.rank)],
              ...(flags.alternatives > 0
                ? [one.alternatives.map((a) => `${piece(a.token)} ${wholePercent(a.probability)}`).join(" ")]
                : []),
            ]),
          ],
          io.stdout,
        )}\n`,
  );
  await io.stdout.write(
    `${counted(found.length, "token")}, ${nats.toFixed(2)} nats, ${mean.toFixed(4)} per token (perplexity ${perplexity(mean)})\n`,
  );
}

/** The text on a ground from none (foreseen) to red (6 nats and more: one in 400). */
function colored({ text, nats }: TokenSurprisal): string {
  const share = Math.min(1, nats / 6);
  const [red, rest] = [Math.round(60 + 150 * share), Math.round(60 * (1 - share))];
  return `\x1b[48;2;${red};${rest};${rest}m\x1b[38;2;255;255;255m${text.replace(/\n/g, "⏎\x1b[0m\n")}`;
}

async function textOf({ file, text }: ValuesOf<typeof fields>, io: Io): Promise<string> {
  if ((file === undefined) === (text === undefined))
    throw new UsageError(
      "missing-option",
      "expected a text: give a file (- is standard input) or --text TEXT, not both",
    );
  if (text !== undefined) return text;
  return textIn(file!, io);
}
