import { resolve } from "node:path";
import { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { type Corpus, openCorpus } from "../data/corpus.ts";
import { loadRun } from "../run/load-run.ts";
import { LongshortError, UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { evaluateText } from "../train/evaluate-text.ts";
import { counted } from "./format.ts";
import type { Io } from "./io.ts";
import { examples, type MACHINES, option, shared } from "./options.ts";
import { scores, scoresTable } from "./scores.ts";
import type { TextSettings } from "./training.ts";

interface EvaluateFlags {
  readonly baseline?: readonly string[] | false;
  readonly machine: (typeof MACHINES)[number];
  readonly json?: true;
}

export function evaluateCommand(io: Io): Command {
  const command = new Command("evaluate")
    .summary("measure how well a model predicts a text")
    .description(
      "Measures how well a trained model predicts a text: loss in nats per token, perplexity, bits per character, beside\nbaselines that know only how often a token is (unigram) or what follows the token before (bigram).",
    )
    .argument("<run>", "folder of a run, as `train` made it")
    .argument("[file]", "text to predict, UTF-8, gzip or not (default: the validation part of the run's own text)")
    .addOption(
      option("--baseline <file...>", "text that the baselines are counted on (default: what the run was trained on)"),
    )
    .addOption(option("--no-baseline", "no baselines"))
    .addOption(shared.machine())
    .addOption(shared.json());
  examples(command, io.program, ["evaluate runs/2026-01-31-novel other.txt", "evaluate runs/2026-01-31-novel"]);
  return command.action((folder: string, file: string | undefined, flags: EvaluateFlags) =>
    evaluate(folder, file, flags, io),
  );
}

async function evaluate(folder: string, file: string | undefined, flags: EvaluateFlags, io: Io): Promise<void> {
  const machine = await openMachine(flags.machine);
  const open: { close(): void }[] = [machine];
  try {
    const { config, model, parameters, tokenizer } = await loadRun(folder, machine);
    const own = (config.training ?? {}) as Partial<TextSettings>;
    if (file !== undefined && own.files?.includes(resolve(file)))
      await io.stderr.write(`Note: the model was trained on ${file}; on text that it has not seen it will do worse.\n`);

    const needsOwn = file === undefined || (flags.baseline !== false && !Array.isArray(flags.baseline));
    const trained = needsOwn ? await trainedOn(own, tokenizer, { needed: file === undefined, io }) : undefined;
    if (trained) open.push(trained);
    const asked = file === undefined ? undefined : await wholeText([file], tokenizer);
    if (asked) open.push(asked);
    const tokens = asked?.train ?? trained!.validation;
    if (tokens.length < 2) throw noValidation(folder);
    const baseline = Array.isArray(flags.baseline) ? await wholeText(flags.baseline, tokenizer) : undefined;
    if (baseline) open.push(baseline);

    const { nats } = await evaluateText({ model, parameters, machine, tokens });
    const result = scores({
      tokenizer,
      train: flags.baseline === false ? undefined : (baseline ?? trained)?.train,
      validation: tokens,
      model: { name: model.config.cell.name, nats },
    });
    if (flags.json) {
      for (const row of result.rows) await io.stdout.write(`${JSON.stringify({ type: "score", ...row })}\n`);
      const { tokensPerCharacter } = result;
      await io.stdout.write(`${JSON.stringify({ type: "text", tokens: tokens.length, tokensPerCharacter })}\n`);
      return;
    }
    const what = file ?? "the validation part of the run's text";
    await io.stdout.write(`${what}: ${counted(tokens.length, "token")} (${tokenizer.kind})\n${scoresTable(result)}`);
  } finally {
    for (const one of open.reverse()) one.close();
  }
}

/** A whole text as `train`, with nothing kept back. */
const wholeText = (files: readonly string[], tokenizer: Tokenizer): Promise<Corpus> =>
  openCorpus({ files, tokenizer, validation: 0 });

/** The text that the run was trained on, cut as it was then; undefined with a note when it is gone and not needed. */
async function trainedOn(
  { files, validation }: Partial<TextSettings>,
  tokenizer: Tokenizer,
  { needed, io }: { readonly needed: boolean; readonly io: Io },
): Promise<Corpus | undefined> {
  try {
    if (files === undefined || validation === undefined)
      throw new UsageError("no-training-text", "the run does not say which text it was trained on");
    return await openCorpus({
      files,
      tokenizer,
      validation: typeof validation === "number" ? validation : [validation],
    });
  } catch (error) {
    if (!(error instanceof LongshortError)) throw error;
    if (needed)
      throw new UsageError("no-training-text", `${error.message}\nName a file to evaluate on.`, { cause: error });
    await io.stderr.write(
      `Note: no baselines, because the training text cannot be read again (${error.message}); give one with --baseline FILE.\n`,
    );
    return undefined;
  }
}

const noValidation = (folder: string): UsageError =>
  new UsageError(
    "no-validation",
    `${folder}: the run was trained without a validation part; name a file to evaluate on`,
  );
