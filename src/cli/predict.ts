import type { Command } from "commander";
import { readConfig } from "../checkpoint/run-folder.ts";
import { openMachine } from "../compute/open.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { path, text, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { readInputs } from "./classify-data.ts";
import { defineCommand } from "./command.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "texts or series, in a file like the one that it was trained on; labels are not needed",
    ...{ unit: "file", positional: true, otherwise: "--input" },
  }),
  input: text({ about: "one text", unit: "text", otherwise: "a file" }),
  text: text({ about: "column with the text", unit: "column", otherwise: "as in training" }),
  delimiter: text({ about: "what stands between the cells of a row", unit: "character", otherwise: "as in training" }),
  machine,
  json,
} as const;

export const predictCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "predict",
    summary: "say what texts or series are, with probabilities",
    description:
      "Says for each text or series of a file which class it is, with the probability of each class, or the number that a\nregression predicts: as CSV, or as JSON lines.",
    fields,
    examples: [
      "predict runs/2026-01-31-reviews new.csv > classes.csv",
      'predict runs/2026-01-31-names --input "Okafor"',
    ],
    run: (values) => predict(values, io),
  });

async function predict(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { file, input } = flags;
  if ((file === undefined) === (input === undefined))
    throw new UsageError("missing-option", "expected something to predict: give a file, or --input TEXT, and not both");
  const { training = {} } = (await readConfig(flags.run)) as { readonly training?: Partial<ClassifySettings> };
  const machine = await openMachine(flags.machine);
  try {
    const classifier = await loadClassifier(flags.run, machine);
    const columns = {
      ...training,
      ...(flags.text !== undefined && { text: flags.text }),
      ...(flags.delimiter !== undefined && { delimiter: flags.delimiter }),
    };
    const { inputs, places } =
      input === undefined ? await readInputs(file!, columns) : { inputs: [input], places: ["--input"] };
    const { classes } = classifier.model.config;
    const rows = classes
      ? (await classifier.predict(inputs)).map(({ label, probabilities }) => ({ label, probabilities }))
      : (await classifier.predictNumbers(inputs)).map((value) => ({ value }));
    if (!flags.json) await io.stdout.write(line(classes ? ["label", ...classes] : ["value"]));
    for (const [k, row] of rows.entries())
      await io.stdout.write(
        flags.json
          ? `${JSON.stringify({ type: "prediction", place: places[k], ...row })}\n`
          : line(
              "label" in row
                ? [row.label, ...Object.values(row.probabilities).map((p) => p.toFixed(6))]
                : [String(row.value)],
            ),
      );
  } finally {
    machine.close();
  }
}

/** A line of CSV. */
const line = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;
