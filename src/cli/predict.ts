import type { Command } from "commander";
import { readRunConfig } from "../checkpoint/read-run.ts";
import { openMachine } from "../compute/open.ts";
import { averagePredictions } from "../run/average-predictions.ts";
import type { Classifier } from "../run/classifier.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { flagName, onOff, path, paths, text, type ValuesOf } from "../schema/fields.ts";
import type { TagSettings } from "../schema/tag.ts";
import { UsageError } from "../shared/errors.ts";
import { toStderr } from "./bad-rows.ts";
import { readInputs } from "./classify-data.ts";
import { defineCommand } from "./command.ts";
import { csvLine, jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import { predictTags } from "./predict-tags.ts";
import { settingsIn } from "./run-settings.ts";
import { inputFile } from "./standard-input.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "file of texts, series or sentences in the format of the training file; labels and tags are not needed",
    ...{ unit: "file", positional: true, standardInput: true, otherwise: "--input" },
  }),
  input: text({
    about: "one text; for taggers a sentence, its tokens separated by spaces",
    ...{ unit: "text", otherwise: "a file" },
  }),
  with: paths({
    about: "for classifiers: further runs, whose predictions are averaged with the first",
    ...{ unit: "run", otherwise: "none" },
  }),
  text: text({ about: "column with the text, or the tokens", unit: "column", otherwise: "as in training" }),
  delimiter: text({ about: "delimiter of cells", unit: "character", otherwise: "as in training" }),
  skipBadRows: onOff({
    about:
      "leave out rows that cannot be read, and say how many and why the first ones; the answers then have no row for them, and --json says which row each is of",
  }),
  lines: onOff({ about: "for taggers: each line of the file is a sentence, its tokens separated by spaces" }),
  probabilities: onOff({ about: "for taggers: print the probabilities of the tags too" }),
  machine,
  json,
} as const;

export const predictCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "predict",
    summary: "predict classes, numbers or tags, with probabilities",
    description:
      "Predicts the class of each text or series of a file, with the probability of each class, or the number of a regression: as CSV or JSON lines. With a tagger it predicts the tag of each token: in columns, in rows if it was trained on rows, or as JSON lines.",
    fields,
    examples: [
      "predict runs/2026-01-31-reviews new.csv > classes.csv",
      'predict runs/2026-01-31-names --input "Okafor"',
      "predict runs/2026-01-31-names names.tsv --with runs/second --with runs/third",
      'predict runs/2026-01-31-tags --input "they book a flight" --probabilities',
    ],
    run: (values) => predict(values, io),
  });

async function predict(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { input } = flags;
  if ((flags.file === undefined) === (input === undefined))
    throw new UsageError(
      "missing-option",
      "expected something to predict: give a file (- is standard input) or --input TEXT, not both",
    );
  const unread = ["text", "delimiter", "lines", "skipBadRows"] as const;
  for (const name of unread.filter((one) => flags[one] !== undefined && flags[one] !== false))
    if (input !== undefined || (name !== "lines" && flags.lines))
      throw new UsageError(
        "bad-option",
        `--${flagName(name, fields[name])}: says how a file is read; ${input === undefined ? "with --lines a line is a sentence" : "--input is read as it is"}`,
      );
  const file = flags.file === undefined ? undefined : await inputFile(flags.file, io);
  const config = await readRunConfig(flags.run);
  const { kind } = config.model as { readonly kind?: unknown };
  const table = {
    ...settingsIn<ClassifySettings & TagSettings>(config),
    ...(flags.delimiter !== undefined && { delimiter: flags.delimiter }),
    skipBadRows: flags.skipBadRows,
  };
  using machine = await openMachine(flags.machine);
  if (kind === "tagger") {
    const { run, lines, probabilities, json } = flags;
    if (flags.with !== undefined)
      throw new UsageError("bad-option", "--with: only for classifiers; this run is a tagger");
    const columns = { ...table, ...(flags.text !== undefined && { token: flags.text }) };
    return await predictTags({ ...{ run, machine, file, input, lines, probabilities, json }, columns }, io);
  }
  for (const name of ["lines", "probabilities"] as const)
    if (flags[name]) throw new UsageError("bad-option", `--${name}: only for taggers; this run is a ${String(kind)}`);
  const classifiers: Classifier[] = [];
  for (const run of [flags.run, ...(flags.with ?? [])]) classifiers.push(await loadClassifier(run, { machine }));
  const columns = { ...table, ...(flags.text !== undefined && { text: flags.text }) };
  const { inputs, places } =
    input === undefined
      ? await readInputs(file!, columns, "--text says which one it is", toStderr(io))
      : { inputs: [input], places: ["--input"] };
  const { classes } = classifiers[0]!.model.config;
  if (classifiers.length > 1 && classifiers.some(({ calibration }) => calibration?.threshold))
    await io.stderr.write("Note: a mean of several runs has no threshold: the answer is its most likely class.\n");
  const said = classes ? await ofEach(classifiers, (one) => one.predict(inputs)) : [];
  const rows = classes
    ? (said.length === 1 ? said[0]! : averagePredictions(said)).map(({ label, probabilities }) => ({
        label,
        probabilities,
      }))
    : means(await ofEach(classifiers, (one) => one.predictNumbers(inputs))).map((value) => ({ value }));
  if (!flags.json) await io.stdout.write(csvLine(classes ? ["label", ...classes] : ["value"]));
  for (const [k, row] of rows.entries())
    await io.stdout.write(
      flags.json
        ? jsonLine({ type: "prediction", place: places[k], ...row })
        : csvLine(
            "label" in row
              ? [row.label, ...classes!.map((name) => row.probabilities[name]!.toFixed(6))]
              : [String(Number(row.value.toPrecision(7)))],
          ),
    );
}

/** One after the other: memory is needed for one at a time. */
async function ofEach<T>(classifiers: readonly Classifier[], ask: (one: Classifier) => Promise<T>): Promise<T[]> {
  const said: T[] = [];
  for (const one of classifiers) said.push(await ask(one));
  return said;
}

const means = (numbers: readonly (readonly number[])[]): number[] =>
  numbers[0]!.map((_, k) => numbers.reduce((sum, of) => sum + of[k]! / numbers.length, 0));
