import { readRunConfig } from "../checkpoint/read-run.ts";
import type { Machine } from "../compute/machine.ts";
import type { Series } from "../data/examples.ts";
import { traceClassifier } from "../explain/trace-classifier.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { UsageError } from "../shared/errors.ts";
import { readInputs } from "./classify-data.ts";
import { counted } from "./format.ts";
import { expectNone, type Inspected, nothingToRead, type Reading, rowOf } from "./inspected.ts";
import { settingsIn } from "./run-settings.ts";
import { influence, likely, rangeOf, seriesMap } from "./step-maps.ts";

/** Has a classifier, or a regression of sequences, read a text or a series. */
export async function inspectClassifier(folder: string, machine: Machine, reading: Reading): Promise<Inspected> {
  expectNone(reading, folder);
  const classifier = await loadClassifier(folder, { machine });
  const { classes, channels } = classifier.model.config;
  const input = await classifierInput(folder, reading, channels);
  const said = classes && (await classifier.predictEachStep(input));
  const answer = said?.at(-1);
  const trace = await traceClassifier(classifier, input, { gradients: true, label: answer?.label });
  const hangs = influence("the prediction", classifier.model.cell, [trace]);
  const numbers = typeof input === "string" ? undefined : seriesMap(input);
  const read = numbers && { read: [numbers.map], curves: numbers.curves };
  const { tokens } = trace;
  if (!said || !answer) {
    const values = await classifier.predictNumbersEachStep(input);
    const map = { title: "prediction if the input ended here", rows: [{ label: "number", values }] };
    return {
      ...{ trace, said: [`Prediction: ${Number(values.at(-1)!.toPrecision(7))}`], ...read },
      maps: [{ ...map, ...rangeOf(values) }, hangs],
      steps: values.map((value, t) => ({ token: tokens[t], value })),
    };
  }
  const { label, probabilities } = answer;
  return {
    trace,
    said: [`Prediction: ${label} (probability ${probabilities[label]!.toFixed(3)})`],
    ...read,
    maps: [
      likely(
        classes,
        said.map((one) => one.probabilities),
        { title: "probability of each class if the input ended here", what: ["class", "classes"] },
      ),
      hangs,
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
      `${folder}: the run reads series of ${counted(channels, "channel")}, not text: give a file in the format of the training file, and --row N for one of its series`,
    );
  if (text !== undefined) return text;
  if (file === undefined) throw nothingToRead();
  const settings = settingsIn<ClassifySettings>(await readRunConfig(folder));
  if (channels === undefined && settings.file === undefined)
    throw new UsageError(
      "no-columns",
      `${folder}: the run does not say in which column of a table its texts are, because it was not made by \`train classify\`; give --text`,
    );
  const { inputs } = await readInputs(
    file,
    { ...settings, skipBadRows: false },
    "give a file with the columns of the training file",
  );
  return rowOf(inputs, { file, row, what: channels === undefined ? "texts" : "series" });
}
