import { resolve } from "node:path";
import { Command } from "commander";
import { cellNames } from "../cells/registry.ts";
import type { TokenizerKind } from "../text/tokenizer.ts";
import { Ended } from "./failure.ts";
import { quoted } from "./format.ts";
import { EXIT, type Io } from "./io.ts";
import { examples, fractionOrFile, number, oneOf, option, shared, whole } from "./options.ts";
import { claimRunFolder, nameOf, newRunFolder } from "./run-paths.ts";
import { type TextSettings, trainToFolder } from "./training.ts";

const TOKENIZERS: readonly TokenizerKind[] = ["grapheme", "character", "byte", "word"];

/** What `--help` shows, and what a run is made of where nothing else is said. */
export const TEXT_DEFAULTS = {
  validation: 0.1,
  tokenizer: "grapheme",
  cell: "lstm",
  hiddenSize: 128,
  layers: 1,
  embeddingSize: 64,
  dropout: 0,
  tied: false,
  epochs: 10,
  learningRate: 2e-3,
  clip: 5,
  seed: 0,
  machine: "wasm",
} as const satisfies Partial<TextSettings>;

interface TrainTextFlags extends Omit<TextSettings, "files" | "embeddingSize"> {
  readonly embeddingSize?: number;
  readonly output?: string;
  readonly force?: true;
  readonly quiet?: true;
  readonly json?: true;
}

export function trainCommand(io: Io): Command {
  return new Command("train").summary("train a model").description("Trains a model.").addCommand(trainTextCommand(io));
}

function trainTextCommand(io: Io): Command {
  const command = new Command("text")
    .summary("train a language model on text")
    .description(
      "Trains a language model on text: it learns to predict the next character, byte or word.\nFiles are UTF-8, gzip or not, and may be larger than memory; several are read as if they were one.",
    )
    .argument("<file...>", "files of text")
    .addOption(option("-o, --output <run>", "folder for the run (default: runs/DATE-NAME)", String))
    .addOption(option("--force", "write over a run that is there already"))
    .addOption(
      option(
        "--validation <part>",
        "fraction at the end that is kept for validation, or a file",
        fractionOrFile,
        TEXT_DEFAULTS.validation,
      ),
    )
    .addOption(
      option(
        "--tokenizer <kind>",
        `what a token is: ${TOKENIZERS.join(", ")}`,
        oneOf(TOKENIZERS),
        TEXT_DEFAULTS.tokenizer,
      ),
    )
    .addOption(option("--cell <name>", `recurrent cell: ${cellNames.join(", ")}`, oneOf(cellNames), TEXT_DEFAULTS.cell))
    .addOption(option("--hidden-size <units>", "units of each recurrent layer", whole(1), TEXT_DEFAULTS.hiddenSize))
    .addOption(option("--layers <count>", "recurrent layers", whole(1, 1000), TEXT_DEFAULTS.layers))
    .addOption(
      option(
        "--embedding-size <numbers>",
        `numbers that stand for a token (default: ${TEXT_DEFAULTS.embeddingSize}, with --tied the hidden size)`,
        whole(1),
      ),
    )
    .addOption(
      option(
        "--dropout <share>",
        "share of the values between layers that is dropped in training",
        number((x) => x >= 0 && x < 1, "from 0 to below 1"),
        TEXT_DEFAULTS.dropout,
      ),
    )
    .addOption(option("--tied", "use the embedding for the output as well", undefined, TEXT_DEFAULTS.tied))
    .addOption(
      option(
        "--batch-size <streams>",
        "pieces of the text that are read side by side (default: 32, fewer for a short text)",
        whole(1),
      ),
    )
    .addOption(
      option(
        "--steps <tokens>",
        "tokens between two updates; gradients reach no further back (default: 64, fewer for a short text)",
        whole(1),
      ),
    )
    .addOption(option("--epochs <count>", "how often the text is read", whole(1), TEXT_DEFAULTS.epochs))
    .addOption(option("--max-steps <count>", "end after so many updates (default: no limit)", whole(1)))
    .addOption(
      option(
        "--learning-rate <number>",
        "of the Adam optimizer",
        number((x) => x > 0, "above 0"),
        TEXT_DEFAULTS.learningRate,
      ),
    )
    .addOption(
      option(
        "--clip <norm>",
        "largest norm of the gradient; larger ones are scaled down",
        number((x) => x > 0, "above 0"),
        TEXT_DEFAULTS.clip,
      ),
    )
    .addOption(shared.seed("seed of weights and dropout"))
    .addOption(shared.machine())
    .addOption(option("-q, --quiet", "show no progress"))
    .addOption(shared.json());
  examples(command, io.program, [
    "train text novel.txt",
    "train text part1.txt.gz part2.txt.gz --cell gru --hidden-size 256 --epochs 5 --output runs/novel",
  ]);
  return command.action((files: string[], flags: TrainTextFlags) => trainText(files, flags, io));
}

async function trainText(files: readonly string[], flags: TrainTextFlags, io: Io): Promise<void> {
  const { output, force, quiet, json, ...rest } = flags;
  const folder = output ?? newRunFolder(nameOf(files[0]!), io.today());
  const settings: TextSettings = {
    ...rest,
    // Absolute, so that `evaluate` finds them from any folder.
    files: files.map((file) => resolve(file)),
    validation: typeof rest.validation === "string" ? resolve(rest.validation) : rest.validation,
    embeddingSize: rest.embeddingSize ?? (rest.tied ? rest.hiddenSize : TEXT_DEFAULTS.embeddingSize),
  };
  claimRunFolder(folder, { force: force === true });
  const result = await trainToFolder(settings, { io, folder, quiet: quiet === true, json: json === true });
  if (!json) {
    const run = quoted(folder);
    const next = quiet
      ? ""
      : `Next:\n  ${io.program} generate ${run}\n  ${io.program} evaluate ${run}\n  ${io.program} inspect ${run} --text "some text"\n`;
    await io.stdout.write(`${savedLine(folder, result)}\n${next}`);
  }
  if (result.interrupted) throw new Ended(EXIT.interrupted);
}

function savedLine(
  folder: string,
  { savedEpoch, validationLoss, savedStep }: Awaited<ReturnType<typeof trainToFolder>>,
): string {
  const when = savedEpoch === undefined ? `after step ${savedStep}` : `after epoch ${savedEpoch}`;
  const loss = validationLoss === undefined ? "" : `, validation loss ${validationLoss.toFixed(4)} nats per token`;
  return `Saved in ${folder} (the weights ${when}${loss}).`;
}
