import { readConfig } from "../checkpoint/run-folder.ts";
import type { Machine } from "../compute/machine.ts";
import type { Series } from "../data/examples.ts";
import { traceClassifier } from "../explain/trace-classifier.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { UsageError } from "../shared/errors.ts";
import { readInputs } from "./classify-data.ts";
import { counted } from "./format.ts";
import { type Inspected, nothingToRead, type Reading, rowOf } from "./inspected.ts";
import { likely, rangeOf, seriesMap } from "./step-maps.ts";

/** Has a classifier, or a regression of sequences, read a text or a series. */
export async function inspectClassifier(folder: string, machine: Machine, reading: Reading): Promise<Inspected> {
  const classifier = await loadClassifier(folder, machine);
  const { classes, channels } = classifier.model.config;
  const input = await classifierInput(folder, reading, channels);
  const trace = await traceClassifier(classifier, input);
  const numbers = typeof input === "string" ? undefined : seriesMap(input);
  const read = numbers && { read: [numbers.map], curves: numbers.curves };
  const { tokens } = trace;
  if (!classes) {
    const values = await classifier.numbersAfterEachStep(input);
    const map = { title: "number that it predicts, had the input ended there", rows: [{ label: "number", values }] };
    return {
      ...{ trace, said: [`It predicts ${Number(values.at(-1)!.toPrecision(6))}.`], ...read },
      maps: [{ ...map, ...rangeOf(values) }],
      steps: values.map((value, t) => ({ token: tokens[t], value })),
    };
  }
  const said = await classifier.afterEachStep(input);
  const { label, probabilities } = said.at(-1)!;
  return {
    trace,
    said: [`It says: ${label}, with a probability of ${probabilities[label]!.toFixed(3)}.`],
    ...read,
    maps: [
      likely(
        classes,
        said.map((one) => one.probabilities),
        { title: "probability of each class, had the input ended there", what: "classes" },
      ),
    ],
    steps: said.map(({ label, probabilities }, t) => ({ token: tokens[t], label, probabilities })),
  };
}

async function classifierInput(
  folder: string,
  { text, file, row }: Reading,
  channels: number | undefined,
): Promise<string | Series> {
  if (channels !== undefined && file === undefined)
    throw new UsageError(
      "missing-option",
      `${folder}: the run reads series of ${counted(channels, "channel")}, no text: give a file like the one that it was trained on, and --row N for which of its series`,
    );
  if (text !== undefined) return text;
  if (file === undefined) throw nothingToRead();
  const { training = {} } = (await readConfig(folder)) as { readonly training?: Partial<ClassifySettings> };
  if (channels === undefined && training.text === undefined)
    throw new UsageError(
      "no-columns",
      `${folder}: the run does not say in which column of a table its texts are, because it was not made by \`train classify\`; give --text`,
    );
  const { inputs } = await readInputs(file, { ...training });
  return rowOf(inputs, { file, row, what: channels === undefined ? "texts" : "series" });
}
