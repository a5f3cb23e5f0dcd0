import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { openCorpus } from "../data/corpus.ts";
import { traceText } from "../explain/trace-text.ts";
import { generate } from "../run/generate.ts";
import { type LoadedRun, loadRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";
import { integer, path, type ValuesOf } from "../schema/fields.ts";
import { embeddingSizeOf, TEXT_DEFAULTS } from "../schema/text-training.ts";
import { trainingFields } from "../schema/training.ts";
import { FailureError } from "../shared/errors.ts";
import { evaluateText } from "../train/evaluate-text.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { quoted } from "./format.ts";
import { heatMaps } from "./heat-maps.ts";
import { EXIT, type Io, type Output } from "./io.ts";
import { common } from "./options.ts";
import { inRunFolder, newRunFolder } from "./run-paths.ts";
import { scores, scoresTable } from "./scores.ts";
import type { TextSettings } from "./text-settings.ts";
import { trainToFolder } from "./training.ts";

/** Frozen: the README's figures were measured on it. See examples/text/README.md. */
const TEXT = fileURLToPath(new URL("../../examples/text/longshort-v1.txt", import.meta.url));

/** A budget of about a minute and a half on two cores with Node 20; three minutes are left for installing and building. */
const DEMO = {
  epochs: 7,
  hiddenSize: 128,
  batchSize: 32,
  sequenceLength: 32,
  learningRate: 5e-3,
  validation: 0.1,
} as const;

const PROMPT = "/** The ";
const SAMPLE_LENGTH = 500;
const SAMPLE_TEMPERATURE = 0.6;
/** Short enough for one band of 80 columns. */
const TRACED = "const h = mul(o, tanh(c)); // out";
const TRACED_VALUES = ["i", "f", "g", "o", "c"];
const TRACED_UNITS = 6;

const { machine, force } = common;
const fields = {
  epochs: integer({ about: "number of passes over the text", unit: "count", min: 1, default: DEMO.epochs }),
  maxSteps: trainingFields.maxSteps,
  output: path({ about: "folder for the run", unit: "run", short: "o", otherwise: "runs/DATE-demo" }),
  force,
  seed: integer({ about: "seed of weights and of the sample", unit: "number", min: 0, default: 0 }),
  machine,
} as const;
type DemoFlags = ValuesOf<typeof fields>;

export const demoCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "demo",
    summary: "train on this project's own text and show the result",
    description:
      "Trains an LSTM on this project's own guides, formulas and source, then shows its loss beside two baselines, text that it generates, and its gates while it reads a line. Takes one to two minutes. `npm start` runs this.",
    fields,
    examples: ["demo", "demo --epochs 2 --output runs/short"],
    run: (values) => demo(values, io),
  });

async function demo(flags: DemoFlags, io: Io): Promise<void> {
  if (!existsSync(TEXT))
    throw new FailureError(
      "no-demo-text",
      `the text of the demonstration is only in a clone of the repository; train on a text of yours: ${io.program} train text FILE`,
    );
  const folder = flags.output ?? newRunFolder("demo", io.today());
  const settings: TextSettings = {
    ...TEXT_DEFAULTS,
    ...DEMO,
    embeddingSize: embeddingSizeOf({ ...TEXT_DEFAULTS, ...DEMO }),
    files: [TEXT],
    epochs: flags.epochs,
    ...(flags.maxSteps === undefined ? {} : { maxSteps: flags.maxSteps }),
    seed: flags.seed,
    machine: flags.machine,
  };
  await io.stdout.write(
    "An LSTM learns to predict the next character of this project's own guides, formulas and source.\n\n",
  );
  const { interrupted } = await inRunFolder(folder, flags, () =>
    trainToFolder(settings, { io, folder, quiet: false, json: false, existing: "overwrite" }),
  );
  if (interrupted) {
    await io.stdout.write(`\nSaved in ${folder}. To see it write: ${io.program} generate ${quoted(folder)}\n`);
    throw new Ended(EXIT.interrupted);
  }
  using machine = await openMachine(flags.machine);
  // From the files, so that what is shown is what was saved.
  const run = await loadRun(folder, { machine });
  await showScores(run, io);
  await showSample(run, flags.seed, io);
  await showGates(run, io);
  await showNext(folder, io);
}

/** With a line as wide as the terminal, of 80 columns at most. */
const heading = (text: string, { columns }: Output): string =>
  `\n── ${text} ${"─".repeat(Math.max(0, Math.min(columns, 80) - 6 - text.length))}\n\n`;

async function showScores({ model, parameters, machine, tokenizer }: LoadedRun, io: Io): Promise<void> {
  using corpus = await openCorpus({ files: [TEXT], tokenizer, validation: DEMO.validation });
  const { loss: nats } = await evaluateText({ model, parameters, machine, tokens: corpus.validation });
  const result = scores({
    tokenizer,
    train: corpus.train,
    validation: corpus.validation,
    model: { name: "lstm", nats },
  });
  await io.stdout.write(heading("How well it predicts the last tenth of the text, which it has not seen", io.stdout));
  await io.stdout.write(scoresTable(result, io.stdout));
  await io.stdout.write(`\nValidation loss: ${nats.toFixed(4)} nats per token; README.md says what to expect.\n`);
}

async function showSample(run: LoadedRun, seed: number, io: Io): Promise<void> {
  using session = await openSession(run);
  await io.stdout.write(`${heading(`What it writes after ${JSON.stringify(PROMPT)}`, io.stdout)}${PROMPT}`);
  const text = generate({
    session,
    tokenizer: run.tokenizer,
    prompt: PROMPT,
    length: SAMPLE_LENGTH,
    temperature: SAMPLE_TEMPERATURE,
    seed,
  });
  for await (const piece of text) await io.stdout.write(piece);
  await io.stdout.write("\n");
}

async function showGates(run: LoadedRun, io: Io): Promise<void> {
  const trace = await traceText({ ...run, text: TRACED });
  const options = { names: TRACED_VALUES, layer: 0, units: TRACED_UNITS };
  await io.stdout.write(heading("Its gates and its cell state while it reads a line of code", io.stdout));
  await io.stdout.write(heatMaps(trace, { ...options, width: io.stdout.columns, color: io.color }));
}

async function showNext(folder: string, io: Io): Promise<void> {
  const run = quoted(folder);
  const text = quoted(relative(process.cwd(), TEXT));
  await io.stdout.write(heading("What to try next", io.stdout));
  await io.stdout.write(
    [
      `The run is in ${folder}.`,
      "",
      `  ${io.program} generate ${run} --prompt "The forget gate " --temperature 0.5 --seed 1`,
      `  ${io.program} inspect ${run} --text "A cell is one file of equations." --values f,c --units 16`,
      `  ${io.program} evaluate ${run}`,
      `  ${io.program} train text ${text} --cell gru --hidden-size 256 --epochs 3`,
      `  ${io.program} train text YOUR-FILE.txt`,
      "",
      "",
    ].join("\n"),
  );
}
