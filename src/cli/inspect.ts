import type { Command } from "commander";
import { platform } from "#platform";
import { readRunConfig } from "../checkpoint/read-run.ts";
import { ofKind } from "../checkpoint/run-kinds.ts";
import type { Machine } from "../compute/machine.ts";
import { openMachine } from "../compute/open.ts";
import type { ReadTrace } from "../explain/read-trace.ts";
import { traceText } from "../explain/trace-text.ts";
import { traceKey } from "../explain/traced-array.ts";
import { loadRun } from "../run/load-run.ts";
import { integer, onOff, path, text, type ValuesOf } from "../schema/fields.ts";
import { nearest, UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { counted, jsonLine } from "./format.ts";
import { heatMaps, stepMap } from "./heat-maps.ts";
import { inspectClassifier } from "./inspect-classifier.ts";
import { inspectForecaster } from "./inspect-forecaster.ts";
import { inspectTagger } from "./inspect-tagger.ts";
import { expectNone, type Inspected, type Reading } from "./inspected.ts";
import type { Io } from "./io.ts";
import { findNearest, type NearestPlaces, nearestLines } from "./nearest-places.ts";
import { common } from "./options.ts";
import { type NamedRun, reportPage } from "./report.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "for a classifier, tagger or forecaster: a file in the format of the training file",
    ...{ unit: "file", positional: true, otherwise: "--text; for a forecaster the run's own" },
  }),
  text: text({
    about: "text to read; for a tagger a sentence, its tokens separated by spaces",
    ...{ unit: "text", otherwise: "a file" },
  }),
  row: integer({ about: "which text, series or sentence of the file, from 1", unit: "number", min: 1, default: 1 }),
  token: integer({
    about: "for a tagger: the token whose tag the influence is shown on, from 1",
    ...{ unit: "number", min: 1, otherwise: "all tokens" },
  }),
  step: integer({
    about: "for a forecaster: the predicted step that the influence is shown on, from 0",
    ...{ unit: "number", min: 0, otherwise: "0, the first" },
  }),
  values: text({ about: "values to show, separated by commas: i,f,c", unit: "names", otherwise: "all of the cell" }),
  layer: integer({ about: "which recurrent layer, from 0", unit: "number", min: 0, default: 0 }),
  reverse: onOff({ about: "show the direction that reads from the end" }),
  html: path({
    about: "write a self-contained page instead of the heat maps",
    unit: "file",
    otherwise: "none",
  }),
  compare: path({
    about: "another run to show in that page",
    ...{ unit: "run", otherwise: "none", needs: { key: "html" } },
  }),
  nearest: path({
    about: "text to search for places where the state of the layer is most similar to that at the end of --text",
    ...{ unit: "file", otherwise: "none is searched" },
  }),
  places: integer({
    about: "number of places to list",
    ...{ unit: "count", min: 1, default: 10, needs: { key: "nearest" } },
  }),
  units: integer({ about: "number of hidden units to show", unit: "count", min: 1, default: 8 }),
  machine,
  json,
} as const;
type InspectFlags = ValuesOf<typeof fields>;

export const inspectCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "inspect",
    summary: "show the gates of a model while it reads a text, a sentence or a series",
    description:
      "Shows the gates and states of a model of any task while it reads: the text, or the steps of a series, along the top, hidden units down. The units shown are those that vary most. Above them are the predictions of a classifier after each step, the tag probabilities of a tagger, and the series that a forecaster reads; and how much the prediction, the tags or a forecast depend on each step.",
    fields,
    examples: [
      'inspect runs/2026-01-31-novel --text "The end of it." --values f,c --units 16',
      'inspect runs/2026-01-31-novel --text "The end of it." --html report.html --compare runs/2026-01-31-gru',
      'inspect runs/2026-01-31-novel --text "He said: " --nearest novel.txt',
      'inspect runs/2026-01-31-reviews --text "a dull film with a great end"',
      "inspect runs/2026-01-31-vowels JapaneseVowels_TEST.ts --row 3 --reverse",
      "inspect runs/2026-01-31-sales --html sales.html",
    ],
    run: (values) => inspect(values, io),
  });

/** How a run of each kind of model reads. */
const KINDS: Readonly<Record<string, (folder: string, machine: Machine, reading: Reading) => Promise<Inspected>>> = {
  "sequence-classifier": inspectClassifier,
  tagger: inspectTagger,
  forecaster: inspectForecaster,
};

async function inspect(flags: InspectFlags, io: Io): Promise<void> {
  const { text, file, compare, html } = flags;
  if (text === "") throw new UsageError("text-empty", "--text: expected some text, got none");
  if (text !== undefined && file !== undefined)
    throw new UsageError("bad-option", `--text: the run reads it or ${file}; give one of them`);
  if (text !== undefined && flags.row !== fields.row.default)
    throw new UsageError("bad-option", "--row: which one of a file is read; --text is read whole");
  if (flags.json && flags.units !== fields.units.default)
    throw new UsageError("bad-option", "--units: --json tells the values of all units; give one of them");
  using machine = await openMachine(flags.machine);
  const seen = await inspectRun(flags.run, machine, flags);
  const names = namesToShow(seen.trace, flags);
  if (html !== undefined) {
    const runs: NamedRun[] = [{ name: flags.run, ...seen }];
    if (compare !== undefined) runs.push({ name: compare, ...(await inspectRun(compare, machine, flags)) });
    await platform.writeFileAtomic(html, await reportPage(runs));
    if (!flags.json) return await io.stdout.write(`Wrote ${html}\n`);
  }
  if (flags.json) return await tellNumbers(seen, names, flags, io);
  const drawn = { width: io.stdout.columns, color: io.color };
  const blocks = [
    ...(seen.said.length > 0 ? [seen.said.map((line) => `${line}\n`).join("")] : []),
    ...[...(seen.read ?? []), ...seen.maps].map((map) => stepMap(map, seen.trace.tokens, drawn)),
    heatMaps(seen.trace, { ...flags, names, ...drawn }),
    ...(seen.nearest ? [nearestLines(seen.nearest, drawn)] : []),
  ];
  await io.stdout.write(blocks.join("\n"));
}

async function inspectRun(
  folder: string,
  machine: Machine,
  flags: InspectFlags,
): Promise<Inspected & { readonly nearest: NearestPlaces | undefined }> {
  const own = ofKind(await readRunConfig(folder), KINDS);
  if (!own) return inspectText(folder, machine, flags);
  if (flags.nearest !== undefined)
    throw new UsageError("bad-option", `--nearest: it searches a text for runs of language models, ${folder} is none`);
  return { ...(await own(folder, machine, flags)), nearest: undefined };
}

async function inspectText(folder: string, machine: Machine, flags: InspectFlags) {
  const { text, file, layer, places, nearest: corpus } = flags;
  expectNone(flags, folder);
  const run = await loadRun(folder, { machine });
  if (text === undefined)
    throw new UsageError(
      "missing-option",
      `--text: expected a text to read, got ${file === undefined ? "nothing" : `the file ${file}; files are for classifiers, taggers and forecasters`}`,
    );
  const trace = await traceText({ ...run, text });
  if (corpus !== undefined) namesToShow(trace, { layer, reverse: false });
  const nearest = corpus === undefined ? undefined : await findNearest(run, trace, { corpus, layer, places });
  return { trace, nearest, said: [], maps: [], steps: trace.tokens.map((token) => ({ token })) };
}

/** Everything as JSON lines: a line a step, a line a row of a map, a line a value, a line a place. */
async function tellNumbers(
  { trace, steps, maps, nearest }: Awaited<ReturnType<typeof inspectRun>>,
  names: readonly string[],
  { layer, reverse }: InspectFlags,
  io: Io,
): Promise<void> {
  const tell = (line: object): Promise<void> => io.stdout.write(jsonLine(line));
  for (const step of steps) await tell({ type: "step", ...step });
  for (const { title, rows } of maps)
    for (const { label, values } of rows) await tell({ type: "map", title, label, values: Array.from(values) });
  for (const name of names) {
    const { shape, data } = trace.values[traceKey({ name, layer, reverse })]!;
    const place = { layer, ...(reverse && { reverse }) };
    await tell({ type: "values", name, ...place, shape: [shape[0], shape[2]], data: Array.from(data) });
  }
  for (const place of nearest?.places ?? []) await tell({ type: "nearest", layer, ...place });
}

function namesToShow(
  trace: ReadTrace,
  { values, layer, reverse }: Pick<InspectFlags, "values" | "layer" | "reverse">,
): string[] {
  const known = Object.values(trace.values)
    .filter((one) => one.layer === layer && one.reverse === reverse)
    .map(({ name }) => name);
  if (known.length === 0 && trace.layers.includes(`l${layer}`))
    throw new UsageError("bad-option", "--reverse: the model reads in one direction only");
  if (known.length === 0)
    throw new UsageError(
      "out-of-range",
      `--layer ${layer}: the model has ${counted(trace.layers.length, "recurrent layer")}; they are counted from 0`,
    );
  if (values === undefined) return known;
  return values.split(",").map((part) => {
    const name = part.trim();
    if (known.includes(name)) return name;
    const near = nearest(name, known);
    throw new UsageError(
      "unknown-choice",
      `--values: expected names among ${known.join(", ")}, got "${name}"${near ? `; did you mean ${near}?` : ""}`,
    );
  });
}
